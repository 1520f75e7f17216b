// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IRecordDates, IRecordedBalances } from "./IRecordDates.sol";
import { RecordDates } from "./RecordDates.sol";
import { RecordedBalance, RecordedBalances } from "./RecordedBalance.sol";

/// @title An ERC-20 whose balances and supply are known at record days
/// @dev Replaces OpenZeppelin's storage of balances and supply, which is private, and keeps everything else of it. The supply is the entry of
///      address zero: issues and burns are movements between that entry and an account's.
abstract contract RecordedERC20 is ERC20, IRecordedBalances {
    using RecordedBalances for RecordedBalance;

    mapping(address account => RecordedBalance) internal _balanceOf;

    /// @inheritdoc IRecordDates
    function latestRecordDay() public view virtual override returns (uint256);

    /// @inheritdoc IRecordDates
    function isRecordDay(uint256 recordDay) public view virtual override returns (bool);

    function totalSupply() public view virtual override returns (uint256) {
        return RecordedBalances.balanceOf(_balanceOf[address(0)].word);
    }

    function balanceOf(address account) public view virtual override returns (uint256) {
        return account == address(0) ? 0 : RecordedBalances.balanceOf(_balanceOf[account].word);
    }

    /// @inheritdoc IRecordedBalances
    function balanceOfAt(address account, uint256 recordDay) external view returns (uint256) {
        _checkReached(recordDay);
        return account == address(0) ? 0 : _balanceOf[account].at(recordDay);
    }

    /// @inheritdoc IRecordedBalances
    function totalSupplyAt(uint256 recordDay) external view returns (uint256) {
        _checkReached(recordDay);
        return _balanceOf[address(0)].at(recordDay);
    }

    /// @dev For balances that are kept beside the shares, too.
    function _checkReached(uint256 recordDay) internal view {
        if (!isRecordDay(recordDay)) revert RecordDates_NotRecordDay(recordDay);
        if (recordDay > RecordDates.today()) revert RecordDates_NotReached(recordDay, RecordDates.today());
    }

    function _update(address from, address to, uint256 value) internal virtual override {
        if (from == address(0)) _increase(_balanceOf[address(0)], value);
        else _decreaseFrom(from, value);
        if (to == address(0)) _decrease(_balanceOf[address(0)], value);
        else _increase(_balanceOf[to], value);
        emit Transfer(from, to, value);
    }

    function _increase(RecordedBalance storage entry, uint256 value) internal {
        uint256 word = entry.word;
        uint256 balance = RecordedBalances.balanceOf(word);
        if (value > RecordedBalances.MAX - balance) {
            revert RecordedBalance_TooLarge(value > type(uint256).max - balance ? value : balance + value, RecordedBalances.MAX);
        }
        unchecked {
            entry.word = _onToday(entry, word) + value;
        }
    }

    function _decreaseFrom(address account, uint256 value) private {
        uint256 balance = balanceOf(account);
        if (balance < value) revert ERC20InsufficientBalance(account, balance, value);
        _decrease(_balanceOf[account], value);
    }

    /// @dev Callers look first: `value` is at most the balance.
    function _decrease(RecordedBalance storage entry, uint256 value) internal {
        unchecked {
            entry.word = _onToday(entry, entry.word) - value;
        }
    }

    function _onToday(RecordedBalance storage entry, uint256 word) private returns (uint256) {
        uint256 today = RecordDates.today();
        return RecordedBalances.isPast(word, today) ? entry.advance(word, latestRecordDay(), today) : word;
    }
}
