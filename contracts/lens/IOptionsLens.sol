// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";

/// @title What a trade would do, before it is made
/// @notice Answers for one book, from its state and from the prices that a poke would take in this very block. Nothing here holds money or
///         state, and no contract depends on it: it is for wallets, keepers and bots.
///
///         A preview says what the operation would do, to the unit, if it came next in the same block. Beside its amounts stands `refusal`: the
///         selector of the error that the operation would raise now, 0 when it would succeed. Amounts are filled in as far as there is a price, so
///         that a refused order still shows what it would have cost; without a price (feed not Open, strike that may not be opened, unknown token
///         or market) everything but `refusal` is 0. Where several checks fail, `refusal` is the one that the operation meets first.
///
///         Who signs is not looked at: previews take it that the owner, or one of its operators, does.
/// @dev Amounts are in the margin token's smallest unit, prices USD in WAD. A preview reverts only where the operation would, with the same error,
///      because another market of the account cannot say what is owed there. `maxOpen` and `maxWithdraw` never revert.
interface IOptionsLens {
    /// @param refusal Selector of the error that `open` would raise; 0: it would succeed.
    /// @param premium Charged for the option, up; without the fee.
    /// @param fee Charged on top of it, up.
    /// @param price Index price at which it would execute.
    /// @param strikePrice K of the strike.
    /// @param equityAfter Balance less all that the account owes, afterwards. Negative when premium and fee are beyond its means.
    /// @param initialMarginAfter What the equity is held against; `open` asks for at least this much.
    /// @param cashMainAfter What the main pool would have, premium and its part of the fee included.
    /// @param reservedMainAfter What open positions would lock of it.
    /// @param cashInsuranceAfter What the insurance pool would have.
    /// @param reservedInsuranceAfter What open positions would lock of it.
    /// @param fundingPerDay Funding of the whole resulting position over the next 24 hours, if price and volatility stayed as they are; with
    ///        sessions, over the hours that these 24 weigh. Scheduled events are not in it.
    /// @param rentPerDay Rent of the whole resulting position over the next 24 hours, at the utilisation that the order leaves behind.
    struct OpenPreview {
        bytes4 refusal;
        uint256 premium;
        uint256 fee;
        uint256 price;
        uint256 strikePrice;
        int256 equityAfter;
        uint256 initialMarginAfter;
        uint256 cashMainAfter;
        uint256 reservedMainAfter;
        uint256 cashInsuranceAfter;
        uint256 reservedInsuranceAfter;
        uint256 fundingPerDay;
        uint256 rentPerDay;
    }

    /// @param refusal Selector of the error that `close` would raise; 0: it would succeed.
    /// @param notional Closed: all of the position when all was asked for.
    /// @param payoutMain Paid by the main pool.
    /// @param payoutInsurance Paid by the insurance pool. Proceeds, which an order's limit is compared with, are both together.
    /// @param fee Taken from the proceeds, after debt.
    /// @param debtPaid Taken from the proceeds before anything else.
    /// @param toOwner The rest, which joins the margin balance.
    /// @param balanceAfter The margin balance then: what the position owed in funding and rent is paid, too.
    struct ClosePreview {
        bytes4 refusal;
        uint256 notional;
        uint256 payoutMain;
        uint256 payoutInsurance;
        uint256 fee;
        uint256 debtPaid;
        uint256 toOwner;
        uint256 balanceAfter;
    }

    /// @param refusal Selector of the error that `liquidate` would raise; 0: it would succeed.
    /// @param liquidatable It would succeed.
    /// @param notional What it would sell; 0 unless liquidatable.
    /// @param reward What the keeper would be paid, by the account and by the insurance pool together.
    /// @param equity Of the account.
    /// @param maintenanceMargin Liquidation needs an equity below it.
    struct LiquidationPreview {
        bytes4 refusal;
        bool liquidatable;
        uint256 notional;
        uint256 reward;
        int256 equity;
        uint256 maintenanceMargin;
    }

    /// @notice How much each of the checks on `open` leaves room for, in notional to add; each rounded so that rounding cannot break it.
    /// @dev Short of the exact limit by a few units of the checked amount, divided by what a unit of notional adds to it.
    /// @param margin Balance for premium and fee, and equity for the initial margin after them.
    /// @param reserveMain The main pool's free cash, premium and its part of the fee included.
    /// @param reserveInsurance The insurance pool's free cash, its part of the fee included.
    /// @param side 60% of the main pool's cash for each of calls and puts.
    /// @param width 88 bits for a side.
    struct OpenBounds {
        uint256 margin;
        uint256 reserveMain;
        uint256 reserveInsurance;
        uint256 side;
        uint256 width;
    }

    /// @notice Stands in `refusal` when a market's answer was a revert without data. Never raised.
    error OptionsLens_NoReason();

    /// @notice What `open(order)` would charge and leave behind.
    function previewOpen(IOptionsTypes.Order calldata order) external view returns (OpenPreview memory);

    /// @notice What `close` of `notional` would pay.
    /// @param notional `type(uint112).max`: all of the position.
    function previewClose(
        address owner,
        address token,
        IOptionsTypes.PositionId calldata id,
        uint112 notional
    ) external view returns (ClosePreview memory);

    /// @notice Whether `liquidate` would go through, how much it would sell, and for what reward.
    function previewLiquidation(
        address owner,
        address token,
        IOptionsTypes.PositionId calldata id
    ) external view returns (LiquidationPreview memory);

    /// @notice Which checks bind an order, and where; all 0 where there is no price to open at.
    function openBounds(address owner, address token, uint16 marketId, int16 strike, bool isCall) external view returns (OpenBounds memory);

    /// @notice A notional that `open` accepts now, the largest up to rounding: the smallest of `openBounds`, if nothing else stands against it.
    ///         0 when something does: no price, closed or paused to opening, too many positions or strikes, less than the minimum left.
    ///         Never reverts.
    /// @dev The order needs a premium limit of its own: this says what fits, not what is cheap.
    function maxOpen(address owner, address token, uint16 marketId, int16 strike, bool isCall) external view returns (uint256 notional);

    /// @notice The largest amount that `withdraw` accepts now from `owner`; 0 as long as the token says that it is paused. Never reverts.
    /// @dev A token that refuses transfers for reasons of its own will refuse this one.
    function maxWithdraw(address owner, address token) external view returns (uint256 amount);

    /// @notice The book that this answers for.
    function book() external view returns (IPerpetualOptions);
}
