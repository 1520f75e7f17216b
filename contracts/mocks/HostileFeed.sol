// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPriceFeed } from "../oracle/IPriceFeed.sol";

/// @title A price feed that answers what it is told to, or misbehaves
/// @dev Test double.
contract HostileFeed is IPriceFeed {
    enum Mode {
        Answer,
        Revert,
        BurnGas,
        Invalid,
        Bomb,
        RevertBomb,
        Empty,
        Short,
        Long,
        Raw,
        Slow
    }

    /// @dev What a slow answer burns first.
    uint256 private constant SLOWNESS = 285_000;

    Mode public mode;
    bool public changed;
    Print private _print;
    uint256[5] private _words;

    error HostileFeed_Refuses();

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    /// @notice Whether `verify` finds the source changed.
    function setChanged(bool changed_) external {
        changed = changed_;
    }

    /// @inheritdoc IPriceFeed
    function direct() external pure returns (address, uint8) {
        return (address(0), 0);
    }

    /// @inheritdoc IPriceFeed
    function verify() external view {
        if (changed) revert HostileFeed_Refuses();
    }

    /// @notice Answer with this print from now on.
    function set(Print calldata print) external {
        _print = print;
        mode = Mode.Answer;
    }

    /// @notice A new round at `price`, stamped now.
    function push(uint256 price) external {
        _print = Print(price, _print.round + 1, uint40(block.timestamp), 0, false);
        mode = Mode.Answer;
    }

    /// @notice Answer with these five words, clean or not.
    function setRaw(uint256[5] calldata words) external {
        _words = words;
        mode = Mode.Raw;
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory) {
        Mode current = mode;
        if (current == Mode.Slow) {
            uint256 start = gasleft();
            while (start - gasleft() < SLOWNESS) {}
            return _print;
        }
        if (current == Mode.Answer) return _print;
        if (current == Mode.Revert) revert HostileFeed_Refuses();
        if (current == Mode.BurnGas) while (true) {}
        uint256[5] memory words = _words;
        assembly ("memory-safe") {
            switch current
            case 3 {
                invalid()
            }
            case 4 {
                return(0, 200000)
            }
            case 5 {
                revert(0, 200000)
            }
            case 6 {
                return(0, 0)
            }
            case 7 {
                return(words, 159)
            }
            case 8 {
                return(words, 161)
            }
            default {
                return(words, 160)
            }
        }
    }
}
