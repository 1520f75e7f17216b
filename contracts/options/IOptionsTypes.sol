// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { StrikeNotional } from "../math/StrikeNotional.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";

/// @notice Which of a margin token's two pools. Main pays the first 75% of notional, insurance the 25% above it.
enum Layer {
    Main,
    Insurance
}

/// @title What trading and its book speak of
/// @dev Notional, premium, margin and debt are in the margin token's smallest unit. Values are WAD per unit of notional.
interface IOptionsTypes {
    /// @param owner Whose account. The caller is the owner or one of its operators.
    /// @param token Margin token.
    /// @param marketId Index of the market in this contract.
    /// @param strike Grid index.
    /// @param isCall Call or put.
    /// @param notional To add or to close; when closing, `type(uint112).max` means all.
    /// @param limit Opening: the largest premium, without the fee. Closing: the smallest proceeds, before the fee.
    /// @param deadline Last Unix second at which the order may execute.
    struct Order {
        address owner;
        address token;
        uint16 marketId;
        int16 strike;
        bool isCall;
        uint112 notional;
        uint256 limit;
        uint256 deadline;
    }

    /// @param notional N.
    /// @param fundingIndex F of the strike when last settled, 1e27.
    /// @param rentIndex Rent index of the margin token when last settled, WAD.
    /// @dev One slot: 88 + 104 + 64 = 256.
    struct Position {
        uint88 notional;
        uint104 fundingIndex;
        uint64 rentIndex;
    }

    /// @param marketId Market of the position.
    /// @param strike Grid index.
    /// @param isCall Side.
    struct PositionId {
        uint16 marketId;
        int16 strike;
        bool isCall;
    }

    /// @param balance Margin in the vault.
    /// @param debt What settlements could not collect: main and insurance together.
    /// @param owed Debt plus funding and rent accrued to now.
    /// @param equity balance − owed.
    /// @param initialMargin Requirement to open or withdraw.
    /// @param maintenanceMargin Requirement below which anyone may liquidate.
    struct Health {
        uint256 balance;
        uint256 debt;
        uint256 owed;
        int256 equity;
        uint256 initialMargin;
        uint256 maintenanceMargin;
    }

    /// @notice What a token's pools have sold in one market.
    /// @param marketId Index of the market.
    /// @param market The market.
    /// @param strikes Notional of calls and puts at each live strike, ascending.
    /// @param fundingEntry Σ N·F at the last settlements, 1e27.
    /// @param rentEntry Σ N·R at the last settlements, WAD.
    /// @param frozen The market is frozen and `frozenRentIndex` recorded: positions owe rent up to it.
    /// @param frozenRentIndex WAD.
    struct MarketState {
        uint16 marketId;
        IOptionMarket market;
        StrikeNotional[] strikes;
        uint256 fundingEntry;
        uint256 rentEntry;
        bool frozen;
        uint64 frozenRentIndex;
    }

    /// @notice What a pool knows of itself before its options are valued.
    /// @param cash Its ledger entry.
    /// @param reserved What open positions lock of it, up.
    /// @param debt Recorded debts owed to it.
    /// @param rentIndex Of the margin token, accrued to now, WAD.
    /// @param markets Where it has notional.
    struct PoolState {
        uint256 cash;
        uint256 reserved;
        uint256 debt;
        uint256 rentIndex;
        MarketState[] markets;
    }

    /// @notice Totals of a margin token's book; `minNotional` 0: not listed, and the pools' addresses are where they would be. `treasuryDue`: fees that
    ///         stand in the main pool's ledger entry and belong to the treasury.
    struct TokenBook {
        address mainPool;
        address insurancePool;
        uint88 minNotional;
        bool closeOnly;
        uint88 callNotional;
        uint88 putNotional;
        uint80 treasuryDue;
        uint64 rentIndex;
        uint40 rentAccruedAt;
        uint128 debtMain;
        uint128 debtInsurance;
        uint256 forgiven;
        uint16[] marketIds;
    }

    /// @notice What a close did. Amounts in margin tokens.
    /// @param notional Closed.
    /// @param payoutMain Paid by the main pool.
    /// @param payoutInsurance Paid by the insurance pool.
    /// @param fee Taken from it, or the keeper's reward.
    /// @param debtPaid Taken from it for old debt.
    struct Closed {
        uint256 notional;
        uint256 payoutMain;
        uint256 payoutInsurance;
        uint256 fee;
        uint256 debtPaid;
    }

    enum CloseReason {
        Voluntary,
        Liquidation,
        Exercise,
        Eviction,
        Frozen
    }

    /// @notice What a pool is worth, by part.
    /// @param cash Its ledger entry, less what is the treasury's.
    /// @param reserved What open positions lock of it, up.
    /// @param accrued Funding and rent accrued, not yet paid.
    /// @param debt Recorded debts owed to it; 0 in a redemption's value.
    /// @param liability Value of what it has sold.
    /// @param nav cash + accrued + debt − liability, not below 0.
    struct PoolValue {
        uint256 cash;
        uint256 reserved;
        uint256 accrued;
        uint256 debt;
        uint256 liability;
        uint256 nav;
    }

    /// @notice What stands in the way of entering or leaving a pool at its value.
    /// @param blindMarket A market that cannot be valued now and reserves too much of the pool …
    /// @param blindLocked … namely this much; 0: there is none.
    /// @param oldestMarket The Open market whose price has the oldest stamp …
    /// @param oldestPriceAt … namely this one; the largest value when there is none.
    struct Obstacles {
        uint16 blindMarket;
        uint256 blindLocked;
        uint16 oldestMarket;
        uint40 oldestPriceAt;
    }

    // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    event AddMarket(uint16 indexed marketId, address indexed market);
    event ListToken(address indexed token, address mainPool, address insurancePool, uint88 minNotional);
    event SetToken(address indexed token, uint88 minNotional, bool closeOnly);
    event PauseOpening(uint16 indexed marketId, uint40 until);
    /// @notice Orders that `executor` sends in its owners' names trade within the tight band, or no longer do.
    event SetExecutor(address indexed executor, bool enabled);
    /// @notice `owner`'s account in `token` backs something that `pledgee` keeps; zero: no longer.
    event Pledge(address indexed owner, address indexed token, address indexed pledgee);
    event SetOperator(address indexed owner, address indexed operator, bool approved);
    event Open(
        address indexed owner,
        address indexed token,
        uint16 indexed marketId,
        PositionId id,
        uint256 notional,
        uint256 premium,
        uint256 fee,
        uint256 price
    );
    event Close(address indexed owner, address indexed token, uint16 indexed marketId, PositionId id, CloseReason reason, Closed closed);
    /// @notice A keeper was paid: out of the account's proceeds or balance, and out of the insurance pool.
    event Reward(address indexed keeper, address indexed owner, address indexed token, uint256 fromAccount, uint256 fromInsurance);
    /// @notice Funding and rent of one position since its last settlement: paid, but for what an `Owe` after it says. Insurance gets
    ///         ⌊funding/100⌋ + ⌊rent/10⌋ of it, main the rest.
    event Settle(address indexed owner, address indexed token, uint16 indexed marketId, PositionId id, uint256 funding, uint256 rent);
    /// @notice What an account could not pay of what the settlements just before charged it: it joins its debt.
    event Owe(address indexed owner, address indexed token, uint256 main, uint256 insurance);
    /// @notice Old debt that an account paid out of its margin. What proceeds pay of it stands in `Close`.
    event Repay(address indexed owner, address indexed token, uint256 main, uint256 insurance);
    /// @notice The last position of an account closed, and what it still owed was written off.
    event Forgive(address indexed owner, address indexed token, uint256 main, uint256 insurance);
    event Withdraw(address indexed owner, address indexed token, uint256 amount, address to);
    /// @notice The treasury was paid its part of the fees so far.
    event CollectFees(address indexed token, uint256 amount);
    event PayRedemption(address indexed token, Layer layer, uint256 amount);
    event Freeze(address indexed token, uint16 indexed marketId, uint64 rentIndex);

    // ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    error PerpetualOptions_ZeroAddress();
    error PerpetualOptions_Expired(uint256 deadline, uint256 now_);
    error PerpetualOptions_NotOperator(address owner, address caller);
    error PerpetualOptions_NotExecutor(address caller);
    error PerpetualOptions_NotPledgee(address owner, address token, address caller);
    /// @notice The account is pledged already; only its pledgee releases it.
    error PerpetualOptions_Pledged(address owner, address token, address pledgee);
    error PerpetualOptions_InvalidSignature(address owner);
    error PerpetualOptions_UnknownToken(address token);
    error PerpetualOptions_UnknownMarket(uint16 marketId);
    error PerpetualOptions_AlreadyListed(address token);
    error PerpetualOptions_ForeignMarket(address market, address book);
    error PerpetualOptions_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error PerpetualOptions_CloseOnly(address token);
    error PerpetualOptions_OpeningPaused(uint16 marketId, uint40 until);
    error PerpetualOptions_ZeroNotional();
    error PerpetualOptions_BelowMinimum(uint256 notional, uint256 minimum);
    error PerpetualOptions_PremiumAboveLimit(uint256 premium, uint256 limit);
    error PerpetualOptions_ProceedsBelowLimit(uint256 proceeds, uint256 limit);
    error PerpetualOptions_InsufficientMargin(int256 equity, uint256 required);
    error PerpetualOptions_InsufficientBalance(uint256 balance, uint256 amount);
    error PerpetualOptions_InsufficientReserve(Layer layer, uint256 cash, uint256 reserved);
    error PerpetualOptions_SideLimit(bool isCall, uint256 locked, uint256 limit);
    /// @notice The calls, or the puts, of one margin token exceed what the book can count.
    error PerpetualOptions_NotionalTooLarge(uint256 notional, uint256 max);
    error PerpetualOptions_TooManyPositions(uint256 limit);
    error PerpetualOptions_TooManyStrikes(uint256 limit);
    error PerpetualOptions_TooManyMarkets(uint256 limit);
    error PerpetualOptions_NoPosition(address owner, address token, PositionId id);
    error PerpetualOptions_CloseTooLarge(uint256 notional, uint256 open);
    error PerpetualOptions_Healthy(int256 equity, uint256 maintenanceMargin);
    error PerpetualOptions_BelowCap(uint256 mark, uint256 cap);
    error PerpetualOptions_NotEvictable(address token, PositionId id);
    error PerpetualOptions_NotPool(address caller);
    error PerpetualOptions_NotFreezable(address token, uint16 marketId);
}
