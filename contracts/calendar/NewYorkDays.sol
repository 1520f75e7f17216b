// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { DateTimeLib as Dates } from "@solady/src/utils/DateTimeLib.sol";

/// @title The trading days of the New York Stock Exchange, by its rules
/// @notice Regular hours are 9:30 to 16:00 in New York, 13:00 on early closes. Nothing is listed per year: daylight saving, holidays with their observed
///         days, Good Friday and early closes follow from the date. The rules are those in force since 2013, Juneteenth since 2022; days that no rule
///         foresees (mourning, storms) are the caller's business. A day is the number of days since 1 January 1970, and no session crosses midnight UTC.
library NewYorkDays {
    /// @notice A regular session.
    uint256 internal constant SESSION = 6.5 hours;
    /// @dev What an early close takes.
    uint256 private constant AFTERNOON = 3 hours;
    /// @dev 9:30 in New York, in seconds after midnight UTC.
    uint256 private constant SUMMER_OPEN = 13.5 hours;
    uint256 private constant WINTER_OPEN = 14.5 hours;

    uint256 private constant FRIDAY = 4;
    uint256 private constant SATURDAY = 5;
    uint256 private constant SUNDAY = 6;
    uint256 private constant FIRST_JUNETEENTH = 2022;

    /// @notice Monday is 0.
    function weekday(uint256 day) internal pure returns (uint256) {
        unchecked {
            return (day + 3) % 7;
        }
    }

    /// @notice Weekdays before `day`, from a fixed Monday.
    function weekdaysBefore(uint256 day) internal pure returns (uint256) {
        unchecked {
            uint256 today = (day + 3) % 7;
            return ((day + 3) / 7) * 5 + (today < SATURDAY ? today : SATURDAY);
        }
    }

    /// @notice The year of a day, and its first day.
    function yearOf(uint256 day) internal pure returns (uint256 year, uint256 firstDay) {
        (year, , ) = Dates.epochDayToDate(day);
        firstDay = Dates.dateToEpochDay(year, 1, 1);
    }

    /// @notice When trading opens, seconds after midnight UTC: daylight saving lasts from the second Sunday of March to the first of November.
    function opening(uint256 firstDay, uint256 day, bool leap) internal pure returns (uint256) {
        unchecked {
            uint256 march = firstDay + 59 + (leap ? 1 : 0);
            uint256 november = march + 245;
            uint256 begins = march + 13 - weekday(march);
            uint256 ends = november + 6 - weekday(november);
            return day >= begins && day < ends ? SUMMER_OPEN : WINTER_OPEN;
        }
    }

    /// @notice Regular seconds that holidays and early closes take on the weekdays of a year before `day`, and on `day` itself.
    /// @param day In that year, or the first of the next for the whole of it.
    function lost(uint256 year, uint256 firstDay, uint256 day, bool leap) internal pure returns (uint256 before, uint256 on) {
        unchecked {
            uint256 n = day - firstDay;
            uint256 january = weekday(firstDay);
            uint256 shift = leap ? 1 : 0;

            // New Year's Day; on a Saturday it is not made up for.
            if (january != SATURDAY) (before, on) = _take(before, on, n, january == SUNDAY ? 1 : 0, SESSION);
            // Martin Luther King and Washington: third Mondays of January and February.
            (before, on) = _take(before, on, n, _firstMonday(january, 0) + 14, SESSION);
            (before, on) = _take(before, on, n, _firstMonday(january, 31) + 14, SESSION);
            if (n < 78) return (before, on); // Good Friday is never before 20 March
            (before, on) = _take(before, on, n, _easter(year) - 2 - firstDay, SESSION);
            // Memorial Day: the last Monday of May.
            (before, on) = _take(before, on, n, 150 + shift - _dayOf(january, 150 + shift), SESSION);
            if (year >= FIRST_JUNETEENTH) (before, on) = _take(before, on, n, _observed(january, 169 + shift), SESSION);
            // Independence Day, and the afternoon before when that is a weekday and not the holiday itself.
            if (_dayOf(january, 183 + shift) < FRIDAY) (before, on) = _take(before, on, n, 183 + shift, AFTERNOON);
            (before, on) = _take(before, on, n, _observed(january, 184 + shift), SESSION);
            if (n < 243) return (before, on);
            // Labor Day: the first Monday of September.
            (before, on) = _take(before, on, n, _firstMonday(january, 243 + shift), SESSION);
            // Thanksgiving, the fourth Thursday of November, and the afternoon after.
            uint256 thanksgiving = 304 + shift + ((10 - _dayOf(january, 304 + shift)) % 7) + 21;
            (before, on) = _take(before, on, n, thanksgiving, SESSION);
            (before, on) = _take(before, on, n, thanksgiving + 1, AFTERNOON);
            // Christmas, and the afternoon before.
            if (_dayOf(january, 357 + shift) < FRIDAY) (before, on) = _take(before, on, n, 357 + shift, AFTERNOON);
            (before, on) = _take(before, on, n, _observed(january, 358 + shift), SESSION);
        }
    }

    /// @dev Counts what a day of the year takes, seen from day `n` of the year.
    function _take(uint256 before, uint256 on, uint256 n, uint256 offset, uint256 seconds_) private pure returns (uint256, uint256) {
        unchecked {
            if (offset < n) return (before + seconds_, on);
            return (before, offset == n ? seconds_ : on);
        }
    }

    /// @dev Weekday of a day of the year.
    function _dayOf(uint256 january, uint256 offset) private pure returns (uint256) {
        unchecked {
            return (january + offset) % 7;
        }
    }

    /// @dev The first Monday on or after a day of the year.
    function _firstMonday(uint256 january, uint256 offset) private pure returns (uint256) {
        unchecked {
            return offset + ((7 - _dayOf(january, offset)) % 7);
        }
    }

    /// @dev A Saturday's holiday is kept on Friday, a Sunday's on Monday.
    function _observed(uint256 january, uint256 offset) private pure returns (uint256) {
        unchecked {
            uint256 today = _dayOf(january, offset);
            if (today == SATURDAY) return offset - 1;
            return today == SUNDAY ? offset + 1 : offset;
        }
    }

    /// @dev Easter Sunday of the Gregorian calendar, by the computus of Meeus, Jones and Butcher.
    function _easter(uint256 year) private pure returns (uint256) {
        unchecked {
            uint256 golden = year % 19;
            (uint256 century, uint256 rest) = (year / 100, year % 100);
            uint256 epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
            uint256 days_ = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - (rest % 4)) % 7;
            uint256 month = (golden + 11 * epact + 22 * days_) / 451;
            uint256 sum = epact + days_ + 114 - 7 * month;
            return Dates.dateToEpochDay(year, sum / 31, (sum % 31) + 1);
        }
    }
}
