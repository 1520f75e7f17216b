// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title One source of prices, in the protocol's own terms
/// @notice An adapter translates a vendor's answer and nothing else: it holds no opinion on freshness, jumps or sessions.
interface IPriceFeed {
    /// @param price USD per unit of the asset, WAD; 0 when the vendor's answer is not a price (zero, negative, incomplete).
    /// @param round Strictly grows with every new print.
    /// @param publishedAt When the vendor published it, Unix seconds; 0 when unknown.
    /// @param confidence Half-width of the vendor's own interval as a WAD share of the price; 0 when it states none.
    /// @param halted The vendor itself says that the asset does not trade or that its answer must not be used.
    struct Print {
        uint256 price;
        uint80 round;
        uint40 publishedAt;
        uint64 confidence;
        bool halted;
    }

    /// @notice The latest print. May revert: the caller treats that as a halt.
    function latest() external view returns (Print memory);

    /// @notice Reverts when the source is no longer what this adapter was made for, such as when it counts in another unit. Asked whenever a print
    ///         jumps, and not on every reading: a change of unit is a jump.
    function verify() external view;

    /// @notice The Chainlink aggregator that this adapter reads and its decimals, so that the oracle can save the detour; zero for every other source.
    ///         Asked once, when the asset is configured.
    function direct() external view returns (address aggregator, uint8 decimals);
}
