// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A token with every habit that tokens have been caught with
/// @dev Test double. Without a habit set it is a plain ERC-20.
contract HostileToken is IERC20 {
    /// @notice What `transfer`, `transferFrom` and `approve` return.
    enum Returns {
        True,
        False,
        Nothing
    }

    Returns public returning;
    /// @notice Share of each transfer, in basis points, that the receiver does not get.
    uint256 public feeBps;
    /// @notice Share of each transfer, in basis points, that the sender pays on top.
    uint256 public surchargeBps;
    /// @notice Transfers succeed and move nothing.
    bool public idle;
    bool public paused;
    mapping(address who => bool) public blocked;
    /// @notice During each transfer, the balance of `rebased` changes by this.
    int256 public rebaseAmount;
    address public rebased;

    /// @notice Called during each transfer, once armed; what it answered is kept.
    address public hookTarget;
    bytes public hookData;
    bool public hookBefore;
    uint256 public hookCount;
    bool public hookSucceeded;
    bytes public hookResult;

    uint256 public totalSupply;
    uint8 public immutable decimals;
    mapping(address owner => uint256) private _balances;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    error HostileToken_Paused();
    error HostileToken_Blocked(address who);
    error HostileToken_InsufficientBalance(address owner, uint256 balance, uint256 amount);
    error HostileToken_InsufficientAllowance(address owner, address spender, uint256 allowance, uint256 amount);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    // ── habits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function setReturns(Returns returning_) external {
        returning = returning_;
    }

    function setFees(uint256 feeBps_, uint256 surchargeBps_) external {
        feeBps = feeBps_;
        surchargeBps = surchargeBps_;
    }

    function setIdle(bool idle_) external {
        idle = idle_;
    }

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function setBlocked(address who, bool blocked_) external {
        blocked[who] = blocked_;
    }

    function setRebaseOnTransfer(address who, int256 amount) external {
        rebased = who;
        rebaseAmount = amount;
    }

    /// @notice Call `target` with `data` during each transfer, before or after the balances move. Zero disarms.
    function setHook(address target, bytes calldata data, bool before) external {
        hookTarget = target;
        hookData = data;
        hookBefore = before;
        delete hookCount;
        delete hookSucceeded;
        delete hookResult;
    }

    /// @notice Change a balance out of the blue.
    function rebase(address who, int256 amount) public {
        if (amount >= 0) {
            _balances[who] += uint256(amount);
            totalSupply += uint256(amount);
        } else {
            _balances[who] -= uint256(-amount);
            totalSupply -= uint256(-amount);
        }
    }

    // ── ERC-20 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function mint(address to, uint256 amount) external {
        _balances[to] += amount;
        totalSupply += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return _answer();
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < amount) revert HostileToken_InsufficientAllowance(from, msg.sender, allowed, amount);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - amount;
        _transfer(from, to, amount);
        return _answer();
    }

    function balanceOf(address owner) external view returns (uint256) {
        return _balances[owner];
    }

    function _transfer(address from, address to, uint256 amount) private {
        if (paused) revert HostileToken_Paused();
        if (blocked[from]) revert HostileToken_Blocked(from);
        if (blocked[to]) revert HostileToken_Blocked(to);
        if (hookBefore) _hook();
        if (!idle && returning != Returns.False) {
            uint256 fee = (amount * feeBps) / 10_000;
            uint256 surcharge = (amount * surchargeBps) / 10_000;
            uint256 balance = _balances[from];
            if (balance < amount + surcharge) revert HostileToken_InsufficientBalance(from, balance, amount + surcharge);
            _balances[from] = balance - amount - surcharge;
            _balances[to] += amount - fee;
            totalSupply -= fee + surcharge;
            emit Transfer(from, to, amount - fee);
        }
        if (rebaseAmount != 0) rebase(rebased, rebaseAmount);
        if (!hookBefore) _hook();
    }

    function _hook() private {
        if (hookTarget == address(0)) return;
        ++hookCount;
        (hookSucceeded, hookResult) = hookTarget.call(hookData);
    }

    function _answer() private view returns (bool) {
        if (returning == Returns.Nothing) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return returning == Returns.True;
    }
}
