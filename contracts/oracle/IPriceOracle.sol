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
/// @param breakerHalt With Halted: the protocol's own judgement (a jump, or two sources that disagree); the feed is alive.
struct PriceAnswer {
    uint256 price;
    uint256 band;
    uint40 publishedAt;
    uint24 maxAge;
    PriceStatus status;
    bool breakerHalt;
}

/// @title Prices one can trust
/// @notice Stands in front of the feeds: sign, completeness, staleness, sessions, a second source and the jump breaker. Rejects, never clamps.
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

    /// @notice What is asked besides the feed. Zero stands for none, and costs nothing.
    /// @param check A second source. It goes through the same tests of completeness, session and age as the feed, and must then agree with it.
    /// @param checkMaxAge Seconds for which a print of the check source is good. In [60, 3 days].
    /// @param checkDeviation How far the feed may be from the check source, WAD share of the latter. In [0.1%, 5%].
    /// @param sequencer Chainlink's L2 sequencer uptime feed. While it says down, and for `sequencerGrace` after, the asset is halted.
    /// @param sequencerGrace Seconds that users have to act, and feeds to catch up, once the sequencer is back. In [60, 1 day].
    /// @param maxJump The largest jump from the last accepted price, WAD share of it, that a second print may confirm. A jump beyond it stays halted until
    ///        the price comes back or governance raises the limit: no share halves within a day, but its price does when a split was not announced.
    ///        In [20%, 900%].
    struct Guards {
        IPriceFeed check;
        uint24 checkMaxAge;
        uint64 checkDeviation;
        address sequencer;
        uint24 sequencerGrace;
        uint64 maxJump;
    }

    /// @notice An asset was configured, or configured anew.
    event SetAsset(bytes32 indexed assetId, address indexed feed, uint24 maxAge, uint64 deviation, address calendar);
    /// @notice An asset's guards were replaced.
    event SetGuards(
        bytes32 indexed assetId,
        address indexed check,
        uint24 checkMaxAge,
        uint64 checkDeviation,
        address sequencer,
        uint24 sequencerGrace,
        uint64 maxJump
    );
    /// @notice The jump breaker took a print for a candidate: the asset is halted until a second print confirms or revokes it.
    event HaltAsset(bytes32 indexed assetId, uint80 indexed round, uint256 price, uint256 lastAccepted);
    /// @notice A second print confirmed or revoked the candidate: the asset goes on at this price. An ordinary print leaves no event here: those who take it
    ///         tell of it.
    event ResumeAsset(bytes32 indexed assetId, uint80 indexed round, uint256 price);

    error PriceOracle_UnknownAsset(bytes32 assetId);
    error PriceOracle_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    /// @notice The feed or calendar about to be configured does not answer in the form of its interface.
    error PriceOracle_NoAnswer(address source);
    /// @notice A source cannot be its own check.
    error PriceOracle_SameSource(address source);
    /// @notice Too little gas to give the feed its full allowance: a call must not be able to fake a halt by starving the feed.
    error PriceOracle_GasTooLow(uint256 gasLeft, uint256 needed);

    /// @notice Read the asset's feed, run every check, and remember what the breaker needs. Anyone may call.
    function poke(bytes32 assetId) external returns (PriceAnswer memory);

    /// @notice What `poke` would answer now, without writing.
    function read(bytes32 assetId) external view returns (PriceAnswer memory);

    /// @notice Configure an asset. Restricted. Changing the feed keeps the breaker's memory of accepted prices, but not rounds or stamps.
    function setAsset(bytes32 assetId, AssetConfig calldata config) external;

    /// @notice Replace an asset's guards, all of them. Restricted. What the breaker remembers stays.
    function setGuards(bytes32 assetId, Guards calldata guards) external;

    /// @notice What is asked besides an asset's feed; reverts for one that has no configuration.
    function assetGuards(bytes32 assetId) external view returns (Guards memory);

    /// @notice An asset's configuration; reverts for one that has none.
    function assetConfig(bytes32 assetId) external view returns (AssetConfig memory);

    /// @notice The deviation threshold of an asset's feed alone, WAD share; reverts for one that has none.
    function deviationOf(bytes32 assetId) external view returns (uint256);
}
