// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { ChainlinkReader } from "./ChainlinkReader.sol";
import { IPriceFeed } from "./IPriceFeed.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "./IPriceOracle.sol";

/// @title Prices one can trust
/// @dev `docs/arithmetic.md` §9, step by step. Breaker prices are in units of 1e-8 USD, everything else in WAD.
///      The calendar is ours and trusted to answer; the feed is not.
contract PriceOracle is IPriceOracle, AccessManaged {
    uint256 private constant WAD = 1e18;
    uint256 private constant UNIT = 1e10;
    uint256 private constant MIN_PRICE = 1e12;
    /// @dev The largest whole price that 88 bits hold.
    uint256 private constant MAX_PRICE = 309_485_009e18;
    /// @dev A vendor's interval wider than this is no price, and would let `1 − band` run below zero.
    uint256 private constant MAX_CONFIDENCE = 0.05e18;
    uint256 private constant MAX_DEVIATION = 0.05e18;
    uint256 private constant MIN_MAX_AGE = 60;
    uint256 private constant MAX_MAX_AGE = 3 days;
    /// @dev What the band holds on top of deviation and confidence.
    uint256 private constant BAND_MARGIN = 0.001e18;

    uint256 private constant TOLERANCE = 0.1e18;
    uint256 private constant OPENING_TOLERANCE = 0.2e18;
    uint256 private constant CONFIRMING_TOLERANCE = 0.05e18;
    uint256 private constant CONFIRMING_DELAY = 300;
    uint256 private constant BUCKET = 600;

    /// @dev What a feed may burn. It always gets all of it: with less than the floor left we revert, so that whoever calls cannot
    ///      starve the feed and fake a halt (a call passes on at most 63/64; the rest of the floor is a cold account and some slack).
    uint256 private constant FEED_GAS = 300_000;
    uint256 private constant FEED_GAS_FLOOR = 310_000;

    /// @dev 160 + 24 + 64 + 8 = 256. `kind`: bit 0 the asset has a calendar, whose slot others need not read; bit 1 `target` is a Chainlink
    ///      aggregator, read without its adapter, and its decimals stand in the bits above.
    struct Source {
        address target;
        uint24 maxAge;
        uint64 deviation;
        uint8 kind;
    }

    /// @dev The last accepted print. 88 + 80 + 40 + 32 + 8 + 8 = 256.
    ///      `ofThisFeed`: round and stamp compare with the feed's; cleared when the feed is replaced.
    struct Accepted {
        uint88 price;
        uint80 round;
        uint40 publishedAt;
        uint32 bucket;
        bool ofThisFeed;
        bool candidateStands;
    }

    /// @dev Lowest and highest accepted in bucket `Accepted.bucket` and in the one before. 4 × 64 = 256.
    struct Buckets {
        uint64 low;
        uint64 high;
        uint64 lowBefore;
        uint64 highBefore;
    }

    /// @dev Meaningful while `Accepted.candidateStands`. 64 + 40 = 104.
    struct Candidate {
        uint64 price;
        uint40 publishedAt;
    }

    uint8 private constant HAS_CALENDAR = 1;
    uint8 private constant IS_DIRECT = 2;

    struct Asset {
        Source source;
        Accepted accepted;
        Buckets buckets;
        Candidate candidate;
        ISessionCalendar calendar;
        IPriceFeed feed;
    }

    /// @dev What a refresh writes.
    enum Effect {
        Nothing,
        Accept,
        Hold
    }

    struct Evaluation {
        PriceAnswer answer;
        IPriceFeed.Print print;
        Accepted last;
        Buckets buckets;
        Effect effect;
    }

    mapping(bytes32 assetId => Asset) private _assets;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IPriceOracle
    function refresh(bytes32 assetId) external returns (PriceAnswer memory) {
        Asset storage asset = _assets[assetId];
        Evaluation memory e = _evaluate(assetId, asset);
        IPriceFeed.Print memory print = e.print;
        if (e.effect == Effect.Accept) {
            asset.accepted = Accepted({
                price: uint88(print.price), // ≤ MAX_PRICE
                round: print.round,
                publishedAt: print.publishedAt,
                bucket: uint32(block.timestamp / BUCKET),
                ofThisFeed: true,
                candidateStands: false
            });
            asset.buckets = e.buckets;
            emit AcceptPrice(assetId, print.round, print.price, print.publishedAt);
        } else if (e.effect == Effect.Hold) {
            if (!e.last.candidateStands) asset.accepted.candidateStands = true;
            asset.candidate = Candidate(uint64(print.price / UNIT), print.publishedAt);
            emit HaltAsset(assetId, print.round, print.price, e.last.price);
        }
        return e.answer;
    }

    /// @inheritdoc IPriceOracle
    function read(bytes32 assetId) external view returns (PriceAnswer memory) {
        return _evaluate(assetId, _assets[assetId]).answer;
    }

    /// @inheritdoc IPriceOracle
    function setAsset(bytes32 assetId, AssetConfig calldata config) external restricted {
        if (config.maxAge < MIN_MAX_AGE || config.maxAge > MAX_MAX_AGE) {
            revert PriceOracle_OutOfBounds("maxAge", config.maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
        }
        if (config.deviation > MAX_DEVIATION) revert PriceOracle_OutOfBounds("deviation", config.deviation, 0, MAX_DEVIATION);
        (bool answered, ) = _ask(address(config.feed));
        if (!answered) revert PriceOracle_NoAnswer(address(config.feed));
        (address aggregator, uint8 decimals) = config.feed.direct();
        bool hasCalendar = address(config.calendar) != address(0);
        if (hasCalendar) {
            if (address(config.calendar).code.length == 0) revert PriceOracle_NoAnswer(address(config.calendar));
            config.calendar.sessionAt(block.timestamp);
        }

        Asset storage asset = _assets[assetId];
        if (asset.feed != config.feed) {
            // The new feed counts rounds and seconds of its own, and a candidate's stamp is the old one's.
            asset.accepted.ofThisFeed = false;
            asset.accepted.candidateStands = false;
        }
        uint8 kind = hasCalendar ? HAS_CALENDAR : 0;
        if (aggregator != address(0)) kind |= IS_DIRECT | (decimals << 2); // at most 36
        asset.source = Source(kind & IS_DIRECT == 0 ? address(config.feed) : aggregator, config.maxAge, config.deviation, kind);
        asset.feed = config.feed;
        asset.calendar = config.calendar;
        emit SetAsset(assetId, address(config.feed), config.maxAge, config.deviation, address(config.calendar));
    }

    /// @inheritdoc IPriceOracle
    function assetConfig(bytes32 assetId) external view returns (AssetConfig memory) {
        Asset storage asset = _assets[assetId];
        Source memory source = asset.source;
        if (source.target == address(0)) revert PriceOracle_UnknownAsset(assetId);
        return AssetConfig(asset.feed, source.maxAge, source.deviation, asset.calendar);
    }

    /// @dev Both `refresh` and `read`: they cannot differ.
    function _evaluate(bytes32 assetId, Asset storage asset) private view returns (Evaluation memory e) {
        Source memory source = asset.source;
        if (source.target == address(0)) revert PriceOracle_UnknownAsset(assetId);
        Accepted memory last = asset.accepted;
        e.last = last;
        PriceAnswer memory answer = e.answer;
        answer.price = last.price;
        answer.maxAge = source.maxAge;
        answer.band = source.deviation + BAND_MARGIN;
        answer.status = PriceStatus.Halted;

        bool answered;
        (answered, e.print) = source.kind & IS_DIRECT == 0 ? _ask(source.target) : _askDirectly(source);
        if (!answered) return e;
        IPriceFeed.Print memory print = e.print;
        if (print.publishedAt > block.timestamp) return e;
        answer.publishedAt = print.publishedAt;
        if (
            print.halted ||
            print.publishedAt == 0 ||
            print.price < MIN_PRICE ||
            print.price > MAX_PRICE ||
            print.confidence > MAX_CONFIDENCE ||
            (last.ofThisFeed && print.publishedAt < last.publishedAt)
        ) return e;
        answer.band += print.confidence;

        bool opening;
        if (source.kind & HAS_CALENDAR != 0) {
            (bool open, uint256 openedAt) = asset.calendar.sessionAt(block.timestamp);
            if (!open || print.publishedAt < openedAt) {
                answer.status = open && block.timestamp > openedAt + source.maxAge ? PriceStatus.Stale : PriceStatus.Closed;
                return e;
            }
            opening = last.publishedAt < openedAt;
        }
        if (block.timestamp > uint256(print.publishedAt) + source.maxAge) {
            answer.status = PriceStatus.Stale;
            return e;
        }
        if (print.round == last.round && last.ofThisFeed && !last.candidateStands) {
            answer.status = PriceStatus.Open;
            return e;
        }

        (e.effect, e.buckets) = _test(asset, last, print, opening);
        // A feed that has changed its unit jumps tenfold, and could confirm itself five minutes later.
        bool jump = e.effect == Effect.Hold || last.candidateStands || last.price == 0;
        if (jump && !_verified(asset.feed)) {
            e.effect = Effect.Nothing;
            return e;
        }
        if (e.effect == Effect.Accept) {
            answer.price = print.price;
            answer.status = PriceStatus.Open;
        } else {
            answer.breakerHalt = true;
        }
    }

    /// @dev The breaker: what becomes of a print that is fresh and not yet accepted, and with Accept the buckets after it.
    function _test(
        Asset storage asset,
        Accepted memory last,
        IPriceFeed.Print memory print,
        bool opening
    ) private view returns (Effect, Buckets memory buckets) {
        uint64 p = uint64(print.price / UNIT); // ≤ MAX_PRICE / UNIT < 2^55
        uint64 lastPrice = uint64(last.price / UNIT);
        if (lastPrice == 0 || (opening && _within(p, lastPrice, OPENING_TOLERANCE))) return (Effect.Accept, Buckets(p, p, p, p));
        if (!opening) {
            buckets = _roll(asset.buckets, last.bucket, lastPrice);
            uint256 low = Math.min(buckets.low, buckets.lowBefore);
            uint256 high = Math.max(buckets.high, buckets.highBefore);
            if (_within(p, low, TOLERANCE) && _within(p, high, TOLERANCE)) {
                if (p < buckets.low) buckets.low = p;
                if (p > buckets.high) buckets.high = p;
                return (Effect.Accept, buckets);
            }
        }
        if (last.candidateStands) {
            Candidate memory candidate = asset.candidate;
            if (_within(p, candidate.price, CONFIRMING_TOLERANCE)) {
                if (print.publishedAt < candidate.publishedAt + CONFIRMING_DELAY) return (Effect.Nothing, buckets);
                return (Effect.Accept, Buckets(p, p, p, p));
            }
        }
        return (Effect.Hold, buckets);
    }

    /// @dev The buckets as they stand now. The price in force when a bucket begins counts as accepted in it.
    function _roll(Buckets storage stored, uint256 bucket, uint64 lastPrice) private view returns (Buckets memory) {
        uint256 passed = block.timestamp / BUCKET - bucket;
        if (passed == 0) return stored;
        if (passed == 1) return Buckets(lastPrice, lastPrice, stored.low, stored.high);
        return Buckets(lastPrice, lastPrice, lastPrice, lastPrice);
    }

    /// @dev |p − a| ≤ tolerance · a.
    function _within(uint256 p, uint256 a, uint256 tolerance) private pure returns (bool) {
        unchecked {
            return (p > a ? p - a : a - p) * WAD <= tolerance * a; // both below 2^55 · 2^60
        }
    }

    function _askDirectly(Source memory source) private view returns (bool answered, IPriceFeed.Print memory print) {
        if (gasleft() < FEED_GAS_FLOOR) revert PriceOracle_GasTooLow(gasleft(), FEED_GAS_FLOOR);
        return ChainlinkReader.read(source.target, source.kind >> 2, FEED_GAS);
    }

    function _verified(IPriceFeed feed) private view returns (bool verified) {
        if (gasleft() < FEED_GAS_FLOOR) revert PriceOracle_GasTooLow(gasleft(), FEED_GAS_FLOOR);
        bytes4 selector = IPriceFeed.verify.selector;
        assembly ("memory-safe") {
            mstore(0, selector)
            verified := staticcall(FEED_GAS, feed, 0, 4, 0, 0)
        }
    }

    /// @dev `feed.latest()`, whatever the feed does: a revert, burnt gas, an oversized, short or unclean answer are all no answer.
    ///      Only the five words of a Print are copied, so returned megabytes cost the feed's gas and not ours.
    function _ask(address feed) private view returns (bool answered, IPriceFeed.Print memory print) {
        if (gasleft() < FEED_GAS_FLOOR) revert PriceOracle_GasTooLow(gasleft(), FEED_GAS_FLOOR);
        bytes4 selector = IPriceFeed.latest.selector;
        assembly ("memory-safe") {
            let out := mload(0x40)
            mstore(out, selector)
            answered := staticcall(FEED_GAS, feed, out, 4, out, 160)
            answered := and(answered, eq(returndatasize(), 160))
            // round, publishedAt, confidence and halted within their types
            let unclean := or(
                or(shr(80, mload(add(out, 32))), shr(40, mload(add(out, 64)))),
                or(shr(64, mload(add(out, 96))), shr(1, mload(add(out, 128))))
            )
            answered := and(answered, iszero(unclean))
            if answered {
                mcopy(print, out, 160)
            }
        }
    }
}
