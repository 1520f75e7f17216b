// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { DateTimeLib as Dates } from "@solady/src/utils/DateTimeLib.sol";
import { IMarketCalendar } from "./IMarketCalendar.sol";
import { ISessionCalendar } from "./ISessionCalendar.sol";
import { NewYorkDays } from "./NewYorkDays.sol";

/// @title New York sessions on chain
/// @dev Weighted seconds are a difference of open seconds since the beginning of a year, whatever the span: weekdays in closed form, less what the year's
///      holidays take, less what was declared. No loop over days; one over whole years for spans that cross them.
contract MarketCalendar is IMarketCalendar, AccessManaged {
    uint256 private constant WAD = 1e18;
    uint256 private constant DAY = 1 days;
    uint256 private constant SESSION = NewYorkDays.SESSION;
    uint256 private constant MIN_CLOSED_WEIGHT = 0.01e18;
    uint256 private constant NOTICE = 12 hours;
    uint256 private constant HORIZON = 365 days;
    uint256 private constant MAX_PENDING = 16;
    /// @dev Sessions of an average year.
    uint256 private constant SESSIONS = 252;

    /// @inheritdoc IMarketCalendar
    uint256 public immutable closedWeight;
    /// @inheritdoc ISessionCalendar
    uint256 public immutable yearSeconds;

    /// @dev A declared day: how long it trades, and what it and those before take from what the rules give. 32 + 32 + 64 = 128.
    struct Declared {
        uint32 day;
        uint32 openSeconds;
        uint64 lostThrough;
    }

    /// @dev What most readings need of the declared days: whether there is one to come. 32 + 64 = 96.
    struct Last {
        uint32 day;
        uint64 lostThrough;
    }

    /// @dev A day seen from all sides, so that it is worked out once.
    struct Place {
        uint256 day;
        uint256 year;
        uint256 firstDay;
        /// Seconds after midnight UTC.
        uint256 opensAt;
        /// Seconds of its session; 0 for none.
        uint256 length;
        /// Open seconds of the year before it.
        uint256 openBefore;
    }

    Last private _last;
    /// @dev In order of days.
    Declared[] private _declared;

    /// @param history Days declared before this contract's time, in order.
    constructor(address authority, uint256 closedWeight_, SpecialDay[] memory history) AccessManaged(authority) {
        if (closedWeight_ < MIN_CLOSED_WEIGHT || closedWeight_ > WAD) {
            revert MarketCalendar_OutOfBounds("closedWeight", closedWeight_, MIN_CLOSED_WEIGHT, WAD);
        }
        closedWeight = closedWeight_;
        yearSeconds = SESSIONS * SESSION * WAD + (365 days - SESSIONS * SESSION) * closedWeight_;
        for (uint256 i; i < history.length; ++i) {
            _declare(history[i]);
        }
    }

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IMarketCalendar
    function declareDay(SpecialDay calldata special) external restricted {
        if (special.day > (block.timestamp + HORIZON) / DAY) {
            revert MarketCalendar_OutOfBounds("day", special.day, block.timestamp / DAY, (block.timestamp + HORIZON) / DAY);
        }
        _checkNotice(special.day);
        uint256 pending;
        for (uint256 i = _declared.length; i > 0 && _declared[i - 1].day >= block.timestamp / DAY; --i) ++pending;
        if (pending >= MAX_PENDING) revert MarketCalendar_TooManyDays(MAX_PENDING);
        _declare(special);
    }

    /// @inheritdoc IMarketCalendar
    function revokeDay(uint256 day) external restricted {
        _checkNotice(day);
        uint256 count = _declared.length;
        uint256 i = _declaredBefore(day);
        if (i == count || _declared[i].day != day) revert MarketCalendar_UnknownDay(day);
        for (; i + 1 < count; ++i) _declared[i] = _declared[i + 1];
        _declared.pop();
        _sum();
        emit RevokeDay(day);
    }

    function _declare(SpecialDay memory special) private {
        uint256 at = _declaredBefore(special.day);
        Place memory place = _place(special.day);
        bool known = at < _declared.length && _declared[at].day == special.day;
        if (place.length == 0 || known) revert MarketCalendar_NothingToDeclare(special.day);
        if (special.openSeconds >= place.length) {
            revert MarketCalendar_OutOfBounds("openSeconds", special.openSeconds, 0, place.length - 1);
        }
        _declared.push();
        for (uint256 i = _declared.length - 1; i > at; --i) _declared[i] = _declared[i - 1];
        _declared[at] = Declared(special.day, special.openSeconds, 0);
        _sum();
        emit DeclareDay(special.day, special.openSeconds);
    }

    /// @dev Days that are declared are past, or few.
    function _sum() private {
        uint64 total;
        delete _last;
        for (uint256 i; i < _declared.length; ++i) {
            Declared storage it = _declared[i];
            total += uint64(_byRule(it.day).length - it.openSeconds);
            it.lostThrough = total;
            _last = Last(it.day, total);
        }
    }

    function _checkNotice(uint256 day) private view {
        Place memory place = _byRule(day);
        uint256 opensAt = day * DAY + place.opensAt;
        if (opensAt < block.timestamp + NOTICE) revert MarketCalendar_NoticeTooShort(opensAt, block.timestamp + NOTICE);
    }

    // ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ISessionCalendar
    function sessionAt(uint256 at) external view returns (bool open, uint256 openedAt) {
        unchecked {
            uint256 second = at % DAY;
            Place memory place = _place(at / DAY);
            if (place.length == 0 || second < place.opensAt) place = _sessionBefore(place.day);
            openedAt = place.day * DAY + place.opensAt;
            open = at < openedAt + place.length;
        }
    }

    /// @inheritdoc ISessionCalendar
    function nextOpenAfterClose(uint256 at) external view returns (uint256) {
        unchecked {
            uint256 day = at / DAY;
            Place memory place = _place(day);
            if (place.length == 0 || at % DAY >= place.opensAt + place.length) place = _sessionAfter(day);
            place = _sessionAfter(place.day);
            return place.day * DAY + place.opensAt;
        }
    }

    /// @inheritdoc IMarketCalendar
    function sessionOf(uint256 day) external view returns (uint256 opensAt, uint256 closesAt) {
        Place memory place = _place(day);
        if (place.length == 0) return (0, 0);
        opensAt = day * DAY + place.opensAt;
        closesAt = opensAt + place.length;
    }

    /// @inheritdoc IMarketCalendar
    function specialDays() external view returns (SpecialDay[] memory days_) {
        days_ = new SpecialDay[](_declared.length);
        for (uint256 i; i < days_.length; ++i) days_[i] = SpecialDay(_declared[i].day, _declared[i].openSeconds);
    }

    /// @inheritdoc ISessionCalendar
    function weightedSeconds(uint256 from, uint256 to) external view returns (uint256) {
        if (to <= from) return 0;
        unchecked {
            Place memory start = _place(from / DAY);
            Place memory end = from / DAY == to / DAY ? start : _place(to / DAY);
            uint256 open = _openUntil(end, to % DAY);
            for (uint256 year = start.year; year < end.year; ++year) open += _openInYear(year);
            open -= _openUntil(start, from % DAY);
            return open * WAD + (to - from - open) * closedWeight;
        }
    }

    function _sessionBefore(uint256 day) private view returns (Place memory place) {
        unchecked {
            do {
                do {
                    --day;
                } while (NewYorkDays.weekday(day) > 4);
                place = _place(day);
            } while (place.length == 0);
        }
    }

    function _sessionAfter(uint256 day) private view returns (Place memory place) {
        unchecked {
            do {
                do {
                    ++day;
                } while (NewYorkDays.weekday(day) > 4);
                place = _place(day);
            } while (place.length == 0);
        }
    }

    /// @dev Open seconds of the year until a second of a day.
    function _openUntil(Place memory place, uint256 second) private pure returns (uint256 open) {
        unchecked {
            open = place.openBefore;
            if (second > place.opensAt) {
                uint256 today = second - place.opensAt;
                open += today < place.length ? today : place.length;
            }
        }
    }

    function _openInYear(uint256 year) private view returns (uint256) {
        unchecked {
            uint256 firstDay = Dates.dateToEpochDay(year, 1, 1);
            uint256 nextYear = Dates.dateToEpochDay(year + 1, 1, 1);
            (uint256 lost, ) = NewYorkDays.lost(year, firstDay, nextYear, nextYear - firstDay == 366);
            uint256 weekdays = NewYorkDays.weekdaysBefore(nextYear) - NewYorkDays.weekdaysBefore(firstDay);
            return weekdays * SESSION - lost - _declaredLoss(firstDay, nextYear);
        }
    }

    /// @dev The day by rule and declarations.
    function _place(uint256 day) private view returns (Place memory place) {
        place = _byRule(day);
        uint256 last = _last.day;
        unchecked {
            if (place.firstDay <= last) {
                place.openBefore -= _declaredLoss(place.firstDay, day);
                if (day <= last) place.length -= _declaredLoss(day, day + 1);
            }
        }
    }

    function _byRule(uint256 day) private pure returns (Place memory place) {
        unchecked {
            (uint256 year, uint256 firstDay) = NewYorkDays.yearOf(day);
            bool leap = Dates.isLeapYear(year);
            (uint256 before, uint256 on) = NewYorkDays.lost(year, firstDay, day, leap);
            place.day = day;
            place.year = year;
            place.firstDay = firstDay;
            place.opensAt = NewYorkDays.opening(firstDay, day, leap);
            place.length = NewYorkDays.weekday(day) < 5 ? SESSION - on : 0;
            place.openBefore = (NewYorkDays.weekdaysBefore(day) - NewYorkDays.weekdaysBefore(firstDay)) * SESSION - before;
        }
    }

    /// @dev What declared days take from `from` on and before `to`.
    function _declaredLoss(uint256 from, uint256 to) private view returns (uint256) {
        return _lostBefore(to) - _lostBefore(from);
    }

    function _lostBefore(uint256 day) private view returns (uint256) {
        Last memory last = _last;
        if (last.day < day) return last.lostThrough;
        uint256 i = _declaredBefore(day);
        return i == 0 ? 0 : _declared[i - 1].lostThrough;
    }

    /// @dev How many declared days lie before `day`. Searched from the end: what is asked for is now, and little is declared beyond.
    function _declaredBefore(uint256 day) private view returns (uint256 i) {
        i = _declared.length;
        while (i > 0 && _declared[i - 1].day >= day) --i;
    }
}
