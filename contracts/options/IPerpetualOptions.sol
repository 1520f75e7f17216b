// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IOptionsTypes, Layer } from "./IOptionsTypes.sol";

/// @title What happens in every trade and every deposit
interface IOptionsTrading is IOptionsTypes {
    // ── trading ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Buy `notional` of an option at the ask, against the account's margin.
    /// @return premium Paid, up; without the fee.
    /// @return fee Paid, up.
    function open(Order calldata order) external returns (uint256 premium, uint256 fee);

    /// @notice Sell `notional` of an option back at the bid. Partial closes leave 0 or at least the minimum notional.
    function close(Order calldata order) external returns (Closed memory);

    /// @notice `open` by an executor that is the owner's operator, and its fee: `executionFee` of the owner's margin goes to `payee`'s free balance with the
    ///         premium. The account must be at or above its initial margin before the fee, and its *maintenance* margin after it, so that a thin account
    ///         can still pay. A pledgee is asked after it.
    /// @return price Index price that it met, USD in WAD.
    /// @return updatedAt The price's stamp.
    function executeOpen(Order calldata order, uint256 executionFee, address payee) external returns (uint256 price, uint256 updatedAt);

    /// @notice `close`, likewise. An account that pays must be at or above its maintenance margin after the fee.
    /// @return notional Closed.
    /// @return price Index price that it met, USD in WAD.
    /// @return updatedAt The price's stamp.
    function executeClose(
        Order calldata order,
        uint256 executionFee,
        address payee
    ) external returns (uint256 notional, uint256 price, uint256 updatedAt);

    /// @notice Pay the caller's margin out to `to`, as far as its account stays at or above its initial margin. Operators cannot.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice Sell as much of one position as brings an account below maintenance back to its initial margin.
    function liquidate(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a position whose mark has reached the cap κ_m, at the mark.
    function exercise(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a dust position at a far strike while a cap on strikes or markets is reached, at the mark.
    function evict(address owner, address token, PositionId calldata id) external returns (Closed memory);

    /// @notice Close a position of a frozen market at its final payoff.
    function closeFrozen(address owner, address token, PositionId calldata id) external returns (Closed memory);

    // ── pools only ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Move `amount` of the calling pool's cash to its free balance, out of which it pays claims.
    function payRedemption(address token, Layer layer, uint256 amount) external;

    /// @notice A pool's value at fresh prices: pokes its markets and accrues its token's rent. Anyone may call. A deposit's value takes liabilities at
    ///         the bid and counts debt (the higher value), a redemption's takes them at the ask and counts none (the lower). A market that is not Open
    ///         counts as nothing for a deposit and as paid out in full for a redemption.
    function valuePool(address token, Layer layer, bool forDeposit) external returns (PoolValue memory, Obstacles memory);

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function vault() external view returns (ICollateralVault);

    function isOperator(address owner, address operator) external view returns (bool);
}

/// @title What happens now and then, and everything that only looks
interface IOptionsExtension is IOptionsTypes {
    // ── accounts ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Collect the funding and rent that every position of an account owes. Anyone may settle anyone. Needs no price.
    function settle(address owner, address token) external;

    function setOperator(address operator, bool approved) external;

    /// @notice `setOperator` by the owner's EIP-712 signature (ERC-1271 for contracts): `SetOperator(address owner,address operator,bool approved,uint256
    ///         nonce,uint256 deadline)` in the domain "Everstock Options", "1". Nonces count up from 0 per owner.
    function setOperatorBySig(address owner, address operator, bool approved, uint256 deadline, bytes calldata signature) external;

    /// @notice Executors that are the owner's operator: move `amount` of the owner's margin to `to`'s free balance. With positions the account must stay at or
    ///         above its *maintenance* margin, so that a thin account can still pay for its own stop. A pledged account needs its pledgee's consent.
    function payExecutor(address owner, address token, uint256 amount, address to) external;

    /// @notice Let the caller's account in `token` back something that `pledgee` keeps, such as a loan. While it does, opening, closing and withdrawing end
    ///         with `pledgee.checkPledge(owner, token)`, and the pledgee may close positions and withdraw margin. Liquidation and exercise do not ask.
    function pledge(address token, address pledgee) external;

    /// @notice Pledgee only: let go of an account.
    function releasePledge(address owner, address token) external;

    /// @notice Pledgee only: pay margin out to `to`, as far as the account stays at or above its initial margin.
    function withdrawPledged(address owner, address token, uint256 amount, address to) external;

    // ── keepers ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Record the rent index that positions of a frozen market owe up to.
    function freeze(address token, uint16 marketId) external;

    /// @notice Accrue a token's rent to now. Anyone may call; the answer is what its pools value themselves from.
    function accrueRent(address token, Layer layer) external returns (PoolState memory);

    /// @notice Pay the treasury's part of the fees so far into its free balance. Anyone may call. Until then it stands in the main pool's ledger entry and
    ///         is none of its cash.
    function collectFees(address token) external returns (uint256 amount);

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    function addMarket(IOptionMarket market) external returns (uint16 marketId);

    /// @notice Restricted to the pool factory, which has deployed the pools.
    function listToken(address token, uint88 minNotional) external;

    function setToken(address token, uint88 minNotional, bool closeOnly) external;

    /// @notice Guardian: stop opening in a market for at most 7 days; it ends by itself.
    function pauseOpening(uint16 marketId, uint40 until) external;

    /// @notice Restricted: let orders of `executor` trade within the tight band, or no longer.
    function setExecutor(address executor, bool enabled) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
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

    /// @notice What `valuePool` would answer at the stored prices, accrued to now; its market statuses are those that a poke would find.
    function storedPoolValue(address token, Layer layer, bool forDeposit) external view returns (PoolValue memory, Obstacles memory);

    /// @notice A redemption's value at the last accepted prices, whatever a poke would find: a halt or a closed session moves it by nothing. It quotes;
    ///         executing a redemption takes `valuePool`.
    function markedPoolValue(address token, Layer layer) external view returns (PoolValue memory);

    function isExecutor(address executor) external view returns (bool);

    function pledgeeOf(address owner, address token) external view returns (address);

    /// @notice The next nonce of an owner's signed `SetOperator`.
    function nonces(address owner) external view returns (uint256);
}

/// @notice What the keeper of a pledge implements.
interface IPledgee {
    /// @notice Reverts when what `owner`'s account in `token` backs is no longer backed.
    function checkPledge(address owner, address token) external view;
}

/// @title Perpetual options, coin-margined and fully reserved
/// @notice Keeps accounts and positions, and the book of every margin token's two pools. A position of notional N pays N · min(v, 1) of the margin
///         token at its close, and every such payout is locked in the pools before the position opens.
/// @dev One address, two pieces of code (a contract may hold 24 kB): `PerpetualOptions` trades, and calls `OptionsExtension` for the rest.
interface IPerpetualOptions is IOptionsTrading, IOptionsExtension {}
