// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { IMultiplierFeed } from "./IMultiplierFeed.sol";
import { IPriceFeed } from "./IPriceFeed.sol";

/// @title What a stock token is asked for its price
interface IMultiplierHistory {
    /// @notice Shares a whole token stood for at `timestamp`, WAD: split and reinvested dividends included.
    function multiplierAt(uint256 timestamp) external view returns (uint256);
}

/// @title Price per token: share price × multiplier
/// @notice A share print is multiplied by what held when it was published, not by what holds now: before a split both are old, after it both are new, and
///         the price per token is continuous in whatever order they change. When the feed changes before or after the announced moment, the product jumps
///         by the split's ratio, the breaker halts, and the asset's limit on jumps keeps it halted until the two agree again.
contract DerivedFeed is IPriceFeed, IMultiplierFeed {
    IPriceFeed public immutable shareFeed;
    IMultiplierHistory public immutable token;

    uint256 private constant WAD = 1e18;

    /// @notice The feed beneath answers per token already: multiplying again would be wrong by the multiplier.
    error DerivedFeed_AlreadyMultiplied(address feed);
    /// @notice The aggregator beneath is not the share's, by its own description.
    error DerivedFeed_WrongDescription(string actual, string expected);
    /// @notice The token tells no multiplier.
    error DerivedFeed_NoMultiplier(address token);

    /// @param shareDescription What the share's aggregator calls itself, such as `TSLA / USD`. A tokenised stock's feed has another name.
    ///        Not asked of feeds that are no Chainlink aggregator.
    constructor(IPriceFeed shareFeed_, IMultiplierHistory token_, string memory shareDescription) {
        (shareFeed, token) = (shareFeed_, token_);
        (bool answered, bytes memory said) = address(shareFeed_).staticcall(abi.encodeCall(IMultiplierFeed.includesMultiplier, ()));
        if (answered && said.length == 32 && abi.decode(said, (uint256)) != 0) revert DerivedFeed_AlreadyMultiplied(address(shareFeed_));
        (address aggregator, ) = shareFeed_.direct();
        if (aggregator != address(0)) {
            string memory description = AggregatorV3Interface(aggregator).description();
            if (keccak256(bytes(description)) != keccak256(bytes(shareDescription))) {
                revert DerivedFeed_WrongDescription(description, shareDescription);
            }
        }
        if (token_.multiplierAt(block.timestamp) == 0) revert DerivedFeed_NoMultiplier(address(token_));
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory print) {
        print = shareFeed.latest();
        if (print.price != 0) print.price = Fixed.fullMulDiv(print.price, token.multiplierAt(print.publishedAt), WAD);
    }

    /// @inheritdoc IPriceFeed
    function verify() external view {
        shareFeed.verify();
    }

    /// @inheritdoc IPriceFeed
    function direct() external pure returns (address, uint8) {
        return (address(0), 0);
    }

    /// @inheritdoc IMultiplierFeed
    function includesMultiplier() external pure returns (bool) {
        return true;
    }
}
