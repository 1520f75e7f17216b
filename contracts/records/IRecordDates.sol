// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Record dates of a stock token
/// @notice A record date is a midnight UTC, written as a record day: `instant / 86,400`, days since the Unix epoch. What an account held at a
///         record day is its balance after the last transaction *before* that midnight. Record days are announced ahead, so that a balance
///         need be remembered only by the first movement after one.
interface IRecordDates {
    error RecordDates_NoticeTooShort(uint256 recordDay, uint256 earliestDay);
    /// @notice No more record days may be ahead at a time.
    error RecordDates_TooManyPending(uint256 limit);
    /// @notice The midnight of that day lies ahead.
    error RecordDates_NotReached(uint256 recordDay, uint256 today);
    error RecordDates_NotRecordDay(uint256 recordDay);
    /// @notice Too little gas is left to ask a token for its record days: a movement without the answer would forget a balance.
    error RecordDates_TooLittleGas(uint256 gasLeft, uint256 required);

    /// @notice The latest record day that has been reached; 0 if none has.
    function latestRecordDay() external view returns (uint256 recordDay);

    /// @notice Whether that day was announced, reached or not.
    function isRecordDay(uint256 recordDay) external view returns (bool);
}

/// @title Balances at record days
/// @dev Asked for a day that is no record day of the token, the answers mean nothing and are refused.
interface IRecordedBalances is IRecordDates {
    /// @notice A balance, or a supply, holds less than 2^184.
    error RecordedBalance_TooLarge(uint256 balance, uint256 max);

    /// @notice What `account` held at the record day. Reverts before it, and for a day that was not announced.
    function balanceOfAt(address account, uint256 recordDay) external view returns (uint256);

    /// @notice The supply at the record day. Reverts before it, and for a day that was not announced.
    function totalSupplyAt(uint256 recordDay) external view returns (uint256);
}
