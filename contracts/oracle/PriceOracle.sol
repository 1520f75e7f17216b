// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { AcceptedWord, BUCKET, CANDIDATE_STANDS, OF_THIS_FEED, RANGES_STORED, UNIT, packAccepted } from "./AcceptedWord.sol";
import { ChainlinkReader } from "./ChainlinkReader.sol";
import { IPriceFeed } from "./IPriceFeed.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "./IPriceOracle.sol";
import { RangesWord, packRanges } from "./RangesWord.sol";
import { HAS_CALENDAR, HAS_CHECK, HAS_JUMP_LIMIT, HAS_SEQUENCER, IS_DIRECT, SourceWord, packSource } from "./SourceWord.sol";

/// @title Prices one can trust
/// @dev `docs/arithmetic.md` §9, step by step. Breaker prices are in units of 1e-8 USD, everything else in WAD. Every trade reads a price, so state is
///      kept in words and values on the stack: a reading of an accepted round loads two slots and asks one feed.
///      The calendar is ours and trusted to answer; feeds are not.
contract PriceOracle is IPriceOracle, AccessManaged {
    uint256 private constant WAD = 1e18;
    uint256 private constant MIN_PRICE = 1e12;
    /// @dev The largest whole price that 88 bits hold.
    uint256 private constant MAX_PRICE = 309_485_009e18;
    /// @dev A vendor's interval wider than this is no price, and would let `1 − band` run below zero.
    uint256 private constant MAX_CONFIDENCE = 0.05e18;
    uint256 private constant MAX_DEVIATION = 0.05e18;
    uint256 private constant MIN_CHECK_DEVIATION = 0.001e18;
    uint256 private constant MIN_MAX_AGE = 60;
    uint256 private constant MAX_MAX_AGE = 3 days;
    uint256 private constant MIN_GRACE = 60;
    uint256 private constant MAX_GRACE = 1 days;
    uint256 private constant MIN_MAX_JUMP = 0.2e18;
    uint256 private constant MAX_MAX_JUMP = 9e18;
    /// @dev What the band holds on top of deviation and confidence.
    uint256 private constant BAND_MARGIN = 0.001e18;

    uint256 private constant TOLERANCE = 0.1e18;
    uint256 private constant OPENING_TOLERANCE = 0.2e18;
    uint256 private constant CONFIRMING_TOLERANCE = 0.05e18;
    uint256 private constant CONFIRMING_DELAY = 300;

    /// @dev What a feed may burn. It always gets all of it: with less than the floor left we revert, so that whoever calls cannot
    ///      starve the feed and fake a halt (a call passes on at most 63/64; the rest of the floor is a cold account and some slack).
    uint256 private constant FEED_GAS = 300_000;
    uint256 private constant FEED_GAS_FLOOR = 310_000;

    uint256 private constant GUARDS = HAS_CHECK | HAS_SEQUENCER | HAS_JUMP_LIMIT;

    /// @dev Meaningful with `CANDIDATE_STANDS`. 64 + 40 = 104.
    struct Candidate {
        uint64 price;
        uint40 publishedAt;
    }

    /// @dev 160 + 24 + 64 = 248. Read only when the source is flagged for it.
    struct Limits {
        address sequencer;
        uint24 grace;
        uint64 maxJump;
    }

    /// @dev `ranges`: meaningful with `RANGES_STORED`.
    struct Asset {
        SourceWord source;
        AcceptedWord accepted;
        RangesWord ranges;
        Candidate candidate;
        ISessionCalendar calendar;
        IPriceFeed feed;
        SourceWord check;
        Limits limits;
        IPriceFeed checkFeed;
    }

    /// @dev What a poke writes.
    enum Effect {
        Nothing,
        Accept,
        Hold
    }

    mapping(bytes32 assetId => Asset) private _assets;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IPriceOracle
    function poke(bytes32 assetId) external returns (PriceAnswer memory answer) {
        Asset storage asset = _assets[assetId];
        Effect effect;
        uint256 price;
        uint256 round;
        AcceptedWord last;
        AcceptedWord next;
        RangesWord ranges;
        (effect, price, round, last, next, ranges) = _evaluate(assetId, asset, answer);
        if (effect == Effect.Accept) {
            asset.accepted = next;
            if (next.has(RANGES_STORED)) asset.ranges = ranges;
            if (last.has(CANDIDATE_STANDS)) emit ResumeAsset(assetId, uint80(round), price);
        } else if (effect == Effect.Hold) {
            if (!last.has(CANDIDATE_STANDS)) asset.accepted = last.flagged(CANDIDATE_STANDS);
            asset.candidate = Candidate(uint64(price / UNIT), answer.publishedAt); // ≤ MAX_PRICE / UNIT < 2^55
            emit HaltAsset(assetId, uint80(round), price, answer.price);
        }
        // Six words in memory are the answer's encoding.
        assembly ("memory-safe") {
            return(answer, 192)
        }
    }

    /// @inheritdoc IPriceOracle
    function read(bytes32 assetId) external view returns (PriceAnswer memory answer) {
        _evaluate(assetId, _assets[assetId], answer);
    }

    // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPriceOracle
    function setAsset(bytes32 assetId, AssetConfig calldata config) external restricted {
        _bound("maxAge", config.maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
        _bound("deviation", config.deviation, 0, MAX_DEVIATION);
        bool hasCalendar = address(config.calendar) != address(0);
        if (hasCalendar) {
            if (address(config.calendar).code.length == 0) revert PriceOracle_NoAnswer(address(config.calendar));
            config.calendar.sessionAt(block.timestamp);
        }
        Asset storage asset = _assets[assetId];
        uint256 guards = SourceWord.unwrap(asset.source) & GUARDS;
        SourceWord source = _sourceOf(config.feed, config.maxAge, config.deviation, guards | (hasCalendar ? HAS_CALENDAR : 0));
        if (source.has(HAS_CHECK)) _distinct(source, asset.check);
        if (asset.feed != config.feed) {
            // The new feed counts rounds and seconds of its own, and a candidate's stamp is the old one's.
            asset.accepted = asset.accepted.unflagged(OF_THIS_FEED | CANDIDATE_STANDS);
        }
        // Written once here, so that no trader pays for a slot's first use.
        if (RangesWord.unwrap(asset.ranges) == 0) asset.ranges = RangesWord.wrap(1);
        asset.source = source;
        asset.feed = config.feed;
        asset.calendar = config.calendar;
        emit SetAsset(assetId, address(config.feed), config.maxAge, config.deviation, address(config.calendar));
    }

    /// @inheritdoc IPriceOracle
    function setGuards(bytes32 assetId, Guards calldata guards) external restricted {
        Asset storage asset = _known(assetId);
        uint256 flags = SourceWord.unwrap(asset.source) & ~GUARDS;
        if (address(guards.check) != address(0)) {
            _bound("checkMaxAge", guards.checkMaxAge, MIN_MAX_AGE, MAX_MAX_AGE);
            _bound("checkDeviation", guards.checkDeviation, MIN_CHECK_DEVIATION, MAX_DEVIATION);
            SourceWord check = _sourceOf(guards.check, guards.checkMaxAge, guards.checkDeviation, 0);
            _distinct(asset.source, check);
            asset.check = check;
            flags |= HAS_CHECK;
        }
        if (guards.sequencer != address(0)) {
            _bound("sequencerGrace", guards.sequencerGrace, MIN_GRACE, MAX_GRACE);
            (bool answered, , , ) = ChainlinkReader.read(guards.sequencer, 0, gasleft());
            if (!answered) revert PriceOracle_NoAnswer(guards.sequencer);
            flags |= HAS_SEQUENCER;
        }
        if (guards.maxJump != 0) {
            _bound("maxJump", guards.maxJump, MIN_MAX_JUMP, MAX_MAX_JUMP);
            flags |= HAS_JUMP_LIMIT;
        }
        asset.source = SourceWord.wrap(flags);
        asset.checkFeed = guards.check;
        asset.limits = Limits(guards.sequencer, guards.sequencerGrace, guards.maxJump);
        emit SetGuards(
            assetId,
            address(guards.check),
            guards.checkMaxAge,
            guards.checkDeviation,
            guards.sequencer,
            guards.sequencerGrace,
            guards.maxJump
        );
    }

    /// @inheritdoc IPriceOracle
    function assetConfig(bytes32 assetId) external view returns (AssetConfig memory) {
        Asset storage asset = _known(assetId);
        SourceWord source = asset.source;
        return AssetConfig(asset.feed, uint24(source.maxAge()), uint64(source.deviation()), asset.calendar);
    }

    /// @inheritdoc IPriceOracle
    function deviationOf(bytes32 assetId) external view returns (uint256) {
        return _known(assetId).source.deviation();
    }

    /// @inheritdoc IPriceOracle
    function assetGuards(bytes32 assetId) external view returns (Guards memory guards) {
        Asset storage asset = _known(assetId);
        Limits memory limits = asset.limits;
        if (asset.source.has(HAS_CHECK)) {
            SourceWord check = asset.check;
            (guards.check, guards.checkMaxAge, guards.checkDeviation) = (
                asset.checkFeed,
                uint24(check.maxAge()),
                uint64(check.deviation())
            );
        }
        (guards.sequencer, guards.sequencerGrace, guards.maxJump) = (limits.sequencer, limits.grace, limits.maxJump);
    }

    function _known(bytes32 assetId) private view returns (Asset storage asset) {
        asset = _assets[assetId];
        if (SourceWord.unwrap(asset.source) == 0) revert PriceOracle_UnknownAsset(assetId);
    }

    /// @dev The feed must answer now. A Chainlink aggregator is read without its adapter.
    function _sourceOf(IPriceFeed feed, uint256 maxAge, uint256 deviation, uint256 flags) private view returns (SourceWord) {
        (bool answered, , , , ) = _ask(address(feed));
        if (!answered) revert PriceOracle_NoAnswer(address(feed));
        (address aggregator, uint8 decimals) = feed.direct();
        bool direct = aggregator != address(0);
        return packSource(direct ? aggregator : address(feed), maxAge, deviation, decimals, direct ? flags | IS_DIRECT : flags);
    }

    function _distinct(SourceWord a, SourceWord b) private pure {
        if (a.target() == b.target()) revert PriceOracle_SameSource(a.target());
    }

    function _bound(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert PriceOracle_OutOfBounds(parameter, value, min, max);
    }

    // ── evaluation ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Both `poke` and `read`: they cannot differ. Fills in the answer. `last` is the breaker's memory before, `next` and `ranges` after an acceptance.
    function _evaluate(
        bytes32 assetId,
        Asset storage asset,
        PriceAnswer memory answer
    ) private view returns (Effect effect, uint256 price, uint256 round, AcceptedWord last, AcceptedWord next, RangesWord ranges) {
        last = asset.accepted;
        SourceWord source = asset.source;
        if (SourceWord.unwrap(source) == 0) revert PriceOracle_UnknownAsset(assetId);
        answer.maxAge = uint24(source.maxAge());
        uint256 publishedAt;
        uint256 openedAt;
        {
            bool open;
            uint256 confidence;
            (open, price, round, publishedAt, openedAt, confidence) = _reading(asset, source, last, answer);
            unchecked {
                answer.band = source.deviation() + BAND_MARGIN + confidence; // at most 10.1%
            }
            if (!open || last.isLastRound(round)) {
                answer.price = last.price();
                return (effect, price, round, last, next, ranges);
            }
        }
        uint256 first;
        uint256 second;
        (effect, first, second, ranges) = _test(asset, last, price, publishedAt, last.publishedAt() < openedAt);
        // A feed that has changed its unit jumps tenfold, and could confirm itself five minutes later.
        if ((effect != Effect.Accept || last.has(CANDIDATE_STANDS) || last.publishedAt() == 0) && !_verified(asset.feed)) {
            answer.price = last.price();
            answer.status = PriceStatus.Halted;
            return (Effect.Nothing, price, round, last, next, ranges);
        }
        if (effect == Effect.Accept) {
            answer.price = price;
            uint256 flags = RangesWord.unwrap(ranges) != 0 ? OF_THIS_FEED | RANGES_STORED : OF_THIS_FEED;
            next = packAccepted(price, first, second, round, publishedAt, block.timestamp, flags);
        } else {
            answer.price = last.price();
            answer.status = PriceStatus.Halted;
            answer.breakerHalt = true;
        }
    }

    /// @dev The print, and what everything but the breaker says of it: fills in stamp, status and `breakerHalt`. Open: the breaker is to be asked.
    function _reading(
        Asset storage asset,
        SourceWord source,
        AcceptedWord last,
        PriceAnswer memory answer
    ) private view returns (bool open, uint256 price, uint256 round, uint256 publishedAt, uint256 openedAt, uint256 confidence) {
        bool answered;
        bool closed;
        if (source.has(HAS_CALENDAR)) {
            (open, openedAt) = asset.calendar.sessionAt(block.timestamp);
            closed = !open; // whatever the feed says
        }
        (answered, price, round, publishedAt, confidence) = _print(source);
        // All that speaks against a print by itself, in one test: nearly all are good.
        unchecked {
            open =
                answered &&
                !closed &&
                _valid(price) &&
                block.timestamp - publishedAt <= source.maxAge() && // a stamp past now wraps
                (publishedAt >= last.publishedAt() || !last.has(OF_THIS_FEED)) &&
                publishedAt >= openedAt &&
                confidence <= MAX_CONFIDENCE;
        }
        if (open) {
            answer.publishedAt = uint40(publishedAt); // status: Open is 0
            if (source.has(HAS_SEQUENCER | HAS_CHECK)) {
                (answer.status, answer.breakerHalt) = _guarded(asset, source, price, openedAt);
                open = answer.status == PriceStatus.Open;
                if (!open) confidence = 0;
            }
            return (open, price, round, publishedAt, openedAt, confidence);
        }
        // What exactly speaks against it.
        answer.status = closed ? PriceStatus.Closed : PriceStatus.Halted;
        if (!answered || publishedAt > block.timestamp) return (false, price, round, publishedAt, openedAt, 0);
        answer.publishedAt = uint40(publishedAt);
        if (!closed && _valid(price) && (publishedAt >= last.publishedAt() || !last.has(OF_THIS_FEED))) {
            answer.status = _statusOf(publishedAt, confidence, openedAt, source.maxAge());
        }
        return (false, price, round, publishedAt, openedAt, 0);
    }

    function _valid(uint256 price) private pure returns (bool) {
        unchecked {
            return price - MIN_PRICE <= MAX_PRICE - MIN_PRICE; // below the minimum it wraps
        }
    }

    /// @dev Of a print that is good by itself: Open, or what sequencer and check source make of it.
    function _guarded(
        Asset storage asset,
        SourceWord source,
        uint256 price,
        uint256 openedAt
    ) private view returns (PriceStatus status, bool disagrees) {
        if (source.has(HAS_SEQUENCER) && !_sequencerUp(asset)) return (PriceStatus.Halted, false);
        if (!source.has(HAS_CHECK)) return (status, false);

        SourceWord check = asset.check;
        (bool answered, uint256 other, , uint256 publishedAt, uint256 confidence) = _print(check);
        if (!answered || publishedAt > block.timestamp || !_valid(other)) return (PriceStatus.Halted, false);
        status = _statusOf(publishedAt, confidence, openedAt, check.maxAge());
        if (status == PriceStatus.Open && !_within(price, other, check.deviation())) return (PriceStatus.Halted, true);
    }

    /// @dev Before a session's first print it is as good as closed, until that print is overdue.
    function _statusOf(uint256 publishedAt, uint256 confidence, uint256 openedAt, uint256 maxAge) private view returns (PriceStatus) {
        unchecked {
            if (publishedAt < openedAt) return block.timestamp > openedAt + maxAge ? PriceStatus.Stale : PriceStatus.Closed;
            if (confidence > MAX_CONFIDENCE) return PriceStatus.Halted;
            return block.timestamp > publishedAt + maxAge ? PriceStatus.Stale : PriceStatus.Open; // no stamp is past now
        }
    }

    /// @dev The breaker: what becomes of a print that is fresh and not yet accepted, and with Accept its memory after it: two more prices if they and this
    ///      one are all there is to know, else both ranges.
    function _test(
        Asset storage asset,
        AcceptedWord last,
        uint256 price,
        uint256 publishedAt,
        bool opening
    ) private view returns (Effect, uint256 first, uint256 second, RangesWord ranges) {
        uint256 p = price / UNIT;
        uint256 lastPrice = last.units();
        if (lastPrice == 0 || (opening && _within(p, lastPrice, OPENING_TOLERANCE))) return (Effect.Accept, p, p, ranges);
        if (!opening) {
            uint256 passed;
            unchecked {
                passed = block.timestamp / BUCKET - last.bucket(); // accepted no later than now
            }
            if (passed > 1) {
                if (_within(p, lastPrice, TOLERANCE)) return (Effect.Accept, lastPrice, lastPrice, ranges);
            } else {
                bool stored = last.has(RANGES_STORED);
                (uint256 low, uint256 high, uint256 lowest, uint256 highest) = (lastPrice, lastPrice, lastPrice, 0);
                // One bucket on. The price in force when a bucket begins counts as accepted in it.
                if (passed == 0) (low, high, lowest, highest) = stored ? asset.ranges.unpack() : last.unpackRanges();
                else if (stored) (lowest, highest, , ) = asset.ranges.unpack();
                else highest = last.otherEnd(lastPrice); // the bucket before has seen these two
                if (_within(p, lowest, TOLERANCE) && _within(p, highest, TOLERANCE)) {
                    if (passed != 0 && !stored) {
                        unchecked {
                            if (p * UNIT == price) return (Effect.Accept, lastPrice, highest, ranges);
                        }
                        if (lowest > highest) (lowest, highest) = (highest, lowest);
                    }
                    (first, second, ranges) = _remember(price, p, low, high, lowest, highest);
                    return (Effect.Accept, first, second, ranges);
                }
            }
        }
        if (last.has(CANDIDATE_STANDS)) {
            Candidate memory candidate = asset.candidate;
            if (_within(p, candidate.price, CONFIRMING_TOLERANCE)) {
                if (publishedAt < candidate.publishedAt + CONFIRMING_DELAY || _beyondLimit(asset, p, lastPrice)) {
                    return (Effect.Nothing, 0, 0, ranges);
                }
                return (Effect.Accept, p, p, ranges);
            }
        }
        return (Effect.Hold, 0, 0, ranges);
    }

    /// @dev The ranges once they are widened by `p`: as two more prices where the current one has `p` at an end, and at most one end of both is farther out;
    ///      a fine price has room for one more only.
    function _remember(
        uint256 price,
        uint256 p,
        uint256 low,
        uint256 high,
        uint256 lowest,
        uint256 highest
    ) private pure returns (uint256 first, uint256 second, RangesWord ranges) {
        // Of a current bucket [low, high], `p` beyond it is an end.
        if (p > high) (first, high) = (low, p);
        else if (p < low) (first, low) = (high, p);
        else if (p == high) first = low;
        else if (p == low) first = high;
        bool isEnd = first != 0;
        if (low < lowest) lowest = low;
        if (high > highest) highest = high;
        second = highest;
        bool fits = true;
        if (lowest != low) {
            second = lowest;
            fits = highest == high;
        }
        // A fine price has room for one more only.
        unchecked {
            if (isEnd && fits && ((lowest == low && highest == high) || (p * UNIT == price))) return (first, second, ranges);
        }
        ranges = packRanges(low, high, lowest, highest);
    }

    /// @dev Whether only governance can let this jump pass.
    function _beyondLimit(Asset storage asset, uint256 p, uint256 lastPrice) private view returns (bool) {
        return asset.source.has(HAS_JUMP_LIMIT) && !_within(p, lastPrice, asset.limits.maxJump);
    }

    /// @dev |p − a| ≤ tolerance · a.
    function _within(uint256 p, uint256 a, uint256 tolerance) private pure returns (bool) {
        unchecked {
            return (p > a ? p - a : a - p) * WAD <= tolerance * a; // prices below 2^88, WAD and tolerances below 2^64
        }
    }

    // ── sources ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _requireGas() private view {
        if (gasleft() < FEED_GAS_FLOOR) revert PriceOracle_GasTooLow(gasleft(), FEED_GAS_FLOOR);
    }

    function _print(
        SourceWord source
    ) private view returns (bool answered, uint256 price, uint256 round, uint256 publishedAt, uint256 confidence) {
        if (!source.has(IS_DIRECT)) return _ask(source.target());
        _requireGas();
        (answered, price, round, publishedAt) = ChainlinkReader.read(source.target(), source.decimals(), FEED_GAS);
    }

    function _sequencerUp(Asset storage asset) private view returns (bool) {
        _requireGas();
        return ChainlinkReader.sequencerUp(asset.limits.sequencer, asset.limits.grace, FEED_GAS);
    }

    function _verified(IPriceFeed feed) private view returns (bool verified) {
        _requireGas();
        bytes4 selector = IPriceFeed.verify.selector;
        assembly ("memory-safe") {
            mstore(0, selector)
            verified := staticcall(FEED_GAS, feed, 0, 4, 0, 0)
        }
    }

    /// @dev `feed.latest()`, whatever the feed does: a revert, burnt gas, an oversized, short or unclean answer are all no answer.
    ///      Only the five words of a Print are copied, so returned megabytes cost the feed's gas and not ours.
    ///      A print without a stamp comes back without a price, one that the vendor halts with a confidence that is too wide.
    function _ask(
        address feed
    ) private view returns (bool answered, uint256 price, uint256 round, uint256 publishedAt, uint256 confidence) {
        _requireGas();
        bytes4 selector = IPriceFeed.latest.selector;
        bool halted;
        assembly ("memory-safe") {
            let out := mload(0x40)
            mstore(out, selector)
            answered := staticcall(FEED_GAS, feed, out, 4, out, 160)
            answered := and(answered, eq(returndatasize(), 160))
            price := mload(out)
            round := mload(add(out, 32))
            publishedAt := mload(add(out, 64))
            confidence := mload(add(out, 96))
            let flag := mload(add(out, 128))
            // round, publishedAt, confidence and halted within their types
            answered := and(answered, iszero(or(or(shr(80, round), shr(40, publishedAt)), or(shr(64, confidence), shr(1, flag)))))
            halted := and(flag, 1)
        }
        if (publishedAt == 0) price = 0;
        if (halted) confidence = type(uint256).max;
    }
}
