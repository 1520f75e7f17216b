// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPriceFeed } from "./IPriceFeed.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";

/// @notice What may be done at a price. Only `Open` allows an increase of risk; top-ups and repayments never ask.
enum PriceStatus {
    Open,
    Closed,
    Stale,
    Halted
}

/// @param price The last accepted price in USD, WAD. Fresh when `status` is Open; otherwise the last one that was.
/// @param band Half-width within which the true price may lie, as a WAD share of it (deviation threshold + 0.1% + confidence).
/// @param publishedAt Stamp of the print just read; 0 when it carries no usable one.
/// @param maxAge Seconds after its stamp for which a print is good.
/// @param status Whether it may be traded on.
/// @param breakerHalt With Halted: the protocol's own jump breaker stands, the feed is alive.
struct PriceAnswer {
    uint256 price;
    uint256 band;
    uint40 publishedAt;
    uint24 maxAge;
    PriceStatus status;
    bool breakerHalt;
}

/// @title Prices one can trust
/// @notice Stands in front of the feeds: sign, completeness, staleness, sessions and the jump breaker. Rejects, never clamps.
///         Stock prices are per token (share price × multiplier).
interface IPriceOracle {
    /// @param feed Where prints come from.
    /// @param maxAge Seconds for which a print is good: the feed's heartbeat and some slack. In [60, 3 days].
    /// @param deviation The feed's published deviation threshold, WAD share. At most 5%.
    /// @param calendar Sessions; zero for an asset that always trades.
    struct AssetConfig {
        IPriceFeed feed;
        uint24 maxAge;
        uint64 deviation;
        ISessionCalendar calendar;
    }

    /// @notice An asset was configured, or configured anew.
    event SetAsset(bytes32 indexed assetId, address indexed feed, uint24 maxAge, uint64 deviation, address calendar);
    /// @notice A print passed every check. Emitted once a round.
    event AcceptPrice(bytes32 indexed assetId, uint80 indexed round, uint256 price, uint40 publishedAt);
    /// @notice The jump breaker took a print for a candidate: the asset is halted until a second print confirms or revokes it.
    event HaltAsset(bytes32 indexed assetId, uint80 indexed round, uint256 price, uint256 lastAccepted);

    error PriceOracle_UnknownAsset(bytes32 assetId);
    error PriceOracle_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    /// @notice The feed or calendar about to be configured does not answer in the form of its interface.
    error PriceOracle_NoAnswer(address source);
    /// @notice Too little gas to give the feed its full allowance: a call must not be able to fake a halt by starving the feed.
    error PriceOracle_GasTooLow(uint256 gasLeft, uint256 needed);

    /// @notice Read the asset's feed, run every check, and remember what the breaker needs. Anyone may call.
    function refresh(bytes32 assetId) external returns (PriceAnswer memory);

    /// @notice What `refresh` would answer now, without writing.
    function read(bytes32 assetId) external view returns (PriceAnswer memory);

    /// @notice Configure an asset. Restricted. Changing the feed keeps the breaker's memory of accepted prices, but not rounds or stamps.
    function setAsset(bytes32 assetId, AssetConfig calldata config) external;

    /// @notice An asset's configuration; reverts for one that has none.
    function assetConfig(bytes32 assetId) external view returns (AssetConfig memory);
}
