// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { StrikeNotional } from "../math/StrikeNotional.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";

/// @notice Which of a margin token's two pools. Main pays the first 75% of notional, insurance the 25% above it.
enum Layer {
    Main,
    Insurance
}

/// @title Perpetual options, coin-margined and fully reserved
/// @notice Keeps accounts and positions, and the book of every margin token's two pools. A position of notional N pays N · min(v, 1) of the margin
///         token at its close, and every such payout is locked in the pools before the position opens.
/// @dev Notional, premium, margin and debt are in the margin token's smallest unit. Values are WAD per unit of notional.
interface IPerpetualOptions {
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
    /// @param rentIndex Rent index of the margin token when last settled, 1e27.
    struct Position {
        uint112 notional;
        uint144 fundingIndex;
        uint96 rentIndex;
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
    /// @param rentEntry Σ N·R at the last settlements, 1e27.
    /// @param frozen The market is frozen and `frozenRentIndex` recorded: positions owe rent up to it.
    /// @param frozenRentIndex 1e27.
    struct MarketState {
        uint16 marketId;
        IOptionMarket market;
        StrikeNotional[] strikes;
        uint256 fundingEntry;
        uint256 rentEntry;
        bool frozen;
        uint96 frozenRentIndex;
    }

    /// @notice What a pool knows of itself before its options are valued.
    /// @param cash Its ledger entry.
    /// @param reserved What open positions lock of it, up.
    /// @param debt Recorded debts owed to it.
    /// @param rentIndex Of the margin token, accrued to now, 1e27.
    /// @param markets Where it has notional.
    struct PoolState {
        uint256 cash;
        uint256 reserved;
        uint256 debt;
        uint256 rentIndex;
        MarketState[] markets;
    }

    /// @notice Totals of a margin token's book; `minNotional` 0: not listed, and the pools' addresses are where they would be.
    struct TokenBook {
        address mainPool;
        address insurancePool;
        uint88 minNotional;
        bool closeOnly;
        uint112 callNotional;
        uint112 putNotional;
        uint96 rentIndex;
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

    // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    event AddMarket(uint16 indexed marketId, address indexed market);
    event ListToken(address indexed token, address mainPool, address insurancePool, uint88 minNotional);
    event SetToken(address indexed token, uint88 minNotional, bool closeOnly);
    event PauseOpening(uint16 indexed marketId, uint40 until);
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
    event PayRedemption(address indexed token, Layer layer, uint256 amount);
    event Freeze(address indexed token, uint16 indexed marketId, uint96 rentIndex);

    // ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    error PerpetualOptions_ZeroAddress();
    error PerpetualOptions_Expired(uint256 deadline, uint256 now_);
    error PerpetualOptions_NotOperator(address owner, address caller);
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

    // ── trading ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Buy `notional` of an option at the ask, against the account's margin.
    /// @return premium Paid, up; without the fee.
    /// @return fee Paid, up.
    function open(Order calldata order) external returns (uint256 premium, uint256 fee);

    /// @notice Sell `notional` of an option back at the bid. Partial closes leave 0 or at least the minimum notional.
    function close(Order calldata order) external returns (Closed memory);

    /// @notice Collect the funding and rent that every position of an account owes. Anyone may settle anyone. Needs no price.
    function settle(address owner, address token) external;

    /// @notice Pay the caller's margin out to `to`, as far as its account stays at or above its initial margin. Operators cannot.
    function withdraw(address token, uint256 amount, address to) external;

    function setOperator(address operator, bool approved) external;

    // ── keepers ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Sell as much of one position as brings an account below maintenance back to its initial margin.
    function liquidate(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a position whose mark has reached the cap κ_m, at the mark.
    function exercise(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a dust position at a far strike while a cap on strikes or markets is reached, at the mark.
    function evict(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a position of a frozen market at its final payoff.
    function closeFrozen(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Record the rent index that positions of a frozen market owe up to.
    function freeze(address token, uint16 marketId) external;

    /// @notice Accrue a token's rent to now. Anyone may call; the answer is what its pools value themselves from.
    function accrueRent(address token, Layer layer) external returns (PoolState memory);

    // ── pools only ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Move `amount` of the calling pool's cash to its free balance, out of which it pays claims.
    function payRedemption(address token, Layer layer, uint256 amount) external;

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    function addMarket(IOptionMarket market) external returns (uint16 marketId);

    /// @notice Restricted to the pool factory, which has deployed the pools.
    function listToken(address token, uint88 minNotional) external;

    function setToken(address token, uint88 minNotional, bool closeOnly) external;

    /// @notice Guardian: stop opening in a market for at most 7 days; it ends by itself.
    function pauseOpening(uint16 marketId, uint40 until) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function vault() external view returns (ICollateralVault);

    function treasury() external view returns (address);

    function market(uint16 marketId) external view returns (IOptionMarket);

    function marketCount() external view returns (uint16);

    function openingPausedUntil(uint16 marketId) external view returns (uint40);

    function tokenBook(address token) external view returns (TokenBook memory);

    /// @notice What `accrueRent` would answer now.
    function poolState(address token, Layer layer) external view returns (PoolState memory);

    function marketState(address token, uint16 marketId) external view returns (MarketState memory);

    function position(address owner, address token, PositionId calldata id) external view returns (Position memory);

    function positions(address owner, address token) external view returns (PositionId[] memory);

    function accountHealth(address owner, address token) external view returns (Health memory);

    function debtOf(address owner, address token) external view returns (uint256 main, uint256 insurance);

    function isOperator(address owner, address operator) external view returns (bool);
}
