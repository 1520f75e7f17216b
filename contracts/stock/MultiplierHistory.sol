// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IStockToken } from "./IStockToken.sol";

/// @title The multipliers of a stock token over time
/// @notice The current and the next one share a slot, so that a price read costs one; all actions are kept.
library MultiplierHistory {
    uint256 internal constant ONE = 1e18;
    uint256 internal constant MIN = 1e9;
    uint256 internal constant MAX = 1e27;
    uint256 private constant MAX_SPLIT = 1_000;
    uint256 internal constant MAX_AHEAD = 180 days;

    /// @dev slot 0: 104 + 104 + 40 = 248. `next` holds from `effectiveAt` on, `current` before it; both are read through `at`.
    struct History {
        uint104 current;
        uint104 next;
        uint40 effectiveAt;
        IStockToken.Action[] actions;
        uint256 activated;
    }

    function begin(History storage self) internal {
        (self.current, self.next) = (uint104(ONE), uint104(ONE));
    }

    function now_(History storage self) internal view returns (uint256) {
        return block.timestamp < self.effectiveAt ? self.current : self.next;
    }

    function isPending(History storage self) internal view returns (bool) {
        return block.timestamp < self.effectiveAt;
    }

    /// @notice The multiplier in force at `timestamp`.
    function at(History storage self, uint256 timestamp) internal view returns (uint256) {
        if (timestamp >= self.effectiveAt) return self.next;
        // Few, and asked for near the end.
        for (uint256 i = self.actions.length; i > 0; --i) {
            IStockToken.Action storage action = self.actions[i - 1];
            if (action.effectiveAt <= timestamp) return action.multiplier;
        }
        return ONE;
    }

    /// @notice Schedule `multiplier`, whose sense and size fit `kind`.
    function announce(
        History storage self,
        IStockToken.ActionKind kind,
        uint256 multiplier,
        uint256 effectiveAt,
        uint256 minNotice
    ) internal returns (uint256 actionId, uint256 old) {
        if (isPending(self)) revert IStockToken.StockToken_ActionPending(self.effectiveAt);
        uint256 earliest = block.timestamp + minNotice;
        if (effectiveAt < earliest) revert IStockToken.StockToken_NoticeTooShort(effectiveAt, earliest);
        _check("effectiveAt", effectiveAt, earliest, earliest + MAX_AHEAD);
        old = self.next;
        if (kind == IStockToken.ActionKind.Split) _check("multiplier", multiplier, old + 1, old * MAX_SPLIT);
        else if (kind == IStockToken.ActionKind.ReverseSplit) _check("multiplier", multiplier, old / MAX_SPLIT, old - 1);
        else _check("multiplier", multiplier, old + 1, old + old / 2);
        _check("multiplier", multiplier, MIN, MAX);

        // Casts: MAX is below 2^90, and the time within 180 days and 30 of now.
        (self.current, self.next, self.effectiveAt) = (uint104(old), uint104(multiplier), uint40(effectiveAt));
        actionId = self.actions.length;
        self.actions.push(IStockToken.Action(uint104(multiplier), uint40(effectiveAt), uint40(block.timestamp), kind));
    }

    function cancel(History storage self) internal returns (uint256 actionId, uint256 multiplier, uint256 effectiveAt) {
        if (!isPending(self)) revert IStockToken.StockToken_NoActionPending();
        (multiplier, effectiveAt, actionId) = (self.next, self.effectiveAt, self.actions.length - 1);
        self.actions.pop();
        self.next = self.current;
        self.effectiveAt = actionId == 0 ? 0 : self.actions[actionId - 1].effectiveAt;
    }

    /// @notice Mark the action that took effect last as told. Reverts when there is none that was not.
    function activate(History storage self) internal returns (uint256 actionId) {
        uint256 count = self.actions.length;
        if (count != 0 && isPending(self)) --count;
        if (count <= self.activated) revert IStockToken.StockToken_NothingToActivate();
        self.activated = count;
        return count - 1;
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert IStockToken.StockToken_OutOfBounds(parameter, value, min, max);
    }
}
