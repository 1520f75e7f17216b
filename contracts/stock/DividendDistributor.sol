// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IBeneficialHoldings } from "./IBeneficialHoldings.sol";
import { IDividendDistributor } from "./IDividendDistributor.sol";
import { IIssuanceDesk } from "./IIssuanceDesk.sol";
import { IStockToken } from "./IStockToken.sol";

/// @title Cash dividends, by record date
contract DividendDistributor is IDividendDistributor, AccessManaged, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace224;
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;
    uint16 private constant MAX_WITHHOLDING_BPS = 5_000;
    uint256 private constant MIN_CLAIM_TIME = 365 days;
    uint256 private constant MAX_AHEAD = 365 days;

    /// @inheritdoc IDividendDistributor
    IBeneficialHoldings public immutable holdings;

    Dividend[] private _dividends;
    /// @dev From (token, record day, cash) to the dividend's id and one.
    mapping(bytes32 key => uint256) private _idPlusOne;
    /// @inheritdoc IDividendDistributor
    mapping(uint256 dividendId => mapping(address holder => bool)) public hasClaimed;
    mapping(uint256 dividendId => mapping(address holder => Payment)) private _payments;
    mapping(uint256 dividendId => mapping(address pool => uint256)) private _poolSharesClaimed;
    /// @dev A holder's rates and one, by the first record day they are for.
    mapping(address holder => Checkpoints.Trace224) private _withholding;
    mapping(address holder => mapping(address token => Election)) private _elections;

    constructor(address authority_, IBeneficialHoldings holdings_) AccessManaged(authority_) {
        holdings = holdings_;
    }

    // ── issuer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IDividendDistributor
    function declare(
        address token,
        uint32 recordDay,
        IERC20 cash,
        uint256 amount,
        uint16 withholdingBps,
        address taxAccount,
        uint40 claimableFrom,
        uint40 expiresAt
    ) external restricted nonReentrant returns (uint256 dividendId) {
        if (amount == 0) revert DividendDistributor_ZeroAmount();
        if (amount > type(uint128).max) revert DividendDistributor_AmountTooLarge(amount, type(uint128).max);
        if (withholdingBps != 0 && taxAccount == address(0)) revert DividendDistributor_ZeroAddress();
        if (!IStockToken(token).isRecordDay(recordDay)) revert DividendDistributor_NotRecordDay(token, recordDay);
        _check("withholdingBps", withholdingBps, 0, MAX_WITHHOLDING_BPS);
        _check("claimableFrom", claimableFrom, 0, block.timestamp + MAX_AHEAD);
        uint256 opensAt = Math.max(claimableFrom, uint256(recordDay) * 1 days);
        if (expiresAt != 0) _check("expiresAt", expiresAt, Math.max(opensAt, block.timestamp) + MIN_CLAIM_TIME, type(uint40).max);

        dividendId = _dividends.length;
        bytes32 key = keccak256(abi.encode(token, recordDay, cash));
        if (_idPlusOne[key] != 0) revert DividendDistributor_Duplicate(_idPlusOne[key] - 1);
        _idPlusOne[key] = dividendId + 1;
        Dividend storage dividend = _dividends.push();
        (dividend.token, dividend.recordDay, dividend.cash) = (token, recordDay, address(cash));
        (dividend.withholdingBps, dividend.taxAccount) = (withholdingBps, taxAccount);
        // Casts: an announced day and a checked time are far below 2^40 seconds; the amount was checked.
        (dividend.claimableFrom, dividend.expiresAt, dividend.amount) = (uint40(opensAt), expiresAt, uint128(amount));
        emit Declare(dividendId, token, recordDay, address(cash), amount, withholdingBps, opensAt, expiresAt);

        uint256 held = cash.balanceOf(address(this));
        cash.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = cash.balanceOf(address(this)) - held;
        if (received != amount) revert DividendDistributor_TransferMismatch(address(cash), amount, received);
    }

    /// @inheritdoc IDividendDistributor
    function setWithholding(address holder, uint16 bps) external restricted {
        _check("bps", bps, 0, MAX_WITHHOLDING_BPS);
        uint256 from = block.timestamp / 1 days + 1;
        _withholding[holder].push(uint32(from), uint224(bps) + 1); // days fit 32 bits for eleven million years
        emit SetWithholding(holder, bps, from);
    }

    /// @inheritdoc IDividendDistributor
    function payWithheld(uint256 dividendId) external nonReentrant returns (uint256 amount) {
        Dividend storage dividend = _dividend(dividendId);
        amount = dividend.withheld;
        if (amount == 0) revert DividendDistributor_ZeroAmount();
        dividend.withheld = 0;
        emit PayWithheld(dividendId, dividend.taxAccount, amount);
        IERC20(dividend.cash).safeTransfer(dividend.taxAccount, amount);
    }

    /// @inheritdoc IDividendDistributor
    function sweep(uint256 dividendId, address receiver) external restricted nonReentrant returns (uint256 amount) {
        Dividend storage dividend = _dividend(dividendId);
        if (dividend.expiresAt == 0 || block.timestamp < dividend.expiresAt) {
            revert DividendDistributor_NotExpired(dividendId, dividend.expiresAt);
        }
        amount = dividend.amount - dividend.claimed;
        if (amount == 0) revert DividendDistributor_ZeroAmount();
        dividend.claimed = dividend.amount;
        emit Sweep(dividendId, receiver, amount);
        IERC20(dividend.cash).safeTransfer(receiver, amount);
    }

    // ── holders ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IDividendDistributor
    function claim(uint256 dividendId, address receiver) external nonReentrant returns (uint256 net) {
        if (receiver == address(0)) revert DividendDistributor_ZeroAddress();
        net = _take(dividendId, msg.sender, receiver);
        if (net != 0) IERC20(_dividends[dividendId].cash).safeTransfer(receiver, net);
    }

    /// @inheritdoc IDividendDistributor
    function claimFor(uint256 dividendId, address holder) external nonReentrant returns (uint256 net) {
        net = _take(dividendId, holder, holder);
        if (net == 0) return 0;
        IERC20 cash = IERC20(_dividends[dividendId].cash);
        Election memory election = _elections[holder][_dividends[dividendId].token];
        if (address(election.desk) == address(0) || election.desk.cash() != cash) {
            cash.safeTransfer(holder, net);
            return net;
        }
        cash.forceApprove(address(election.desk), net);
        uint256 requestId = election.desk.requestMint(net, election.maxPrice, holder, address(this));
        emit Reinvest(dividendId, holder, election.desk, requestId, net);
    }

    /// @inheritdoc IDividendDistributor
    function claimMany(uint256 dividendId, address[] calldata holders) external {
        for (uint256 i; i < holders.length; ++i) {
            try this.claimFor(dividendId, holders[i]) {} catch (bytes memory reason) {
                emit SkipClaim(dividendId, holders[i], reason);
            }
        }
    }

    /// @inheritdoc IDividendDistributor
    function elect(address token, IIssuanceDesk desk, uint128 maxPrice) external {
        // Only desks that are looked through: others could keep the cash.
        if (address(desk) != address(0) && !holdings.isCustodian(token, address(desk))) {
            revert DividendDistributor_ForeignDesk(address(desk));
        }
        _elections[msg.sender][token] = Election(desk, maxPrice);
        emit Elect(msg.sender, token, desk, maxPrice);
    }

    function _take(uint256 dividendId, address holder, address receiver) private returns (uint256 net) {
        Dividend storage dividend = _dividend(dividendId);
        if (block.timestamp < dividend.claimableFrom) revert DividendDistributor_NotClaimable(dividendId, dividend.claimableFrom);
        if (dividend.expiresAt != 0 && block.timestamp >= dividend.expiresAt) {
            revert DividendDistributor_Expired(dividendId, dividend.expiresAt);
        }
        if (hasClaimed[dividendId][holder]) revert DividendDistributor_AlreadyClaimed(dividendId, holder);
        if (!IStockToken(dividend.token).canReceive(holder)) revert DividendDistributor_HolderDenied(holder);
        (uint256 holding, IBeneficialHoldings.PoolPart[2] memory pools) = _holding(dividendId, dividend, holder);
        if (holding == 0) revert DividendDistributor_NothingHeld(holder, dividend.recordDay);

        (uint256 gross, uint256 withheld) = _part(dividendId, dividend, holder, holding);
        hasClaimed[dividendId][holder] = true;
        for (uint256 i; i < 2; ++i) {
            if (pools[i].shares != 0) _poolSharesClaimed[dividendId][pools[i].pool] += pools[i].shares;
        }
        dividend.holdingClaimed += holding;
        // Casts: parts of an amount of 128 bits.
        dividend.claimed += uint128(gross);
        dividend.withheld += uint128(withheld);
        _payments[dividendId][holder] = Payment(uint128(gross), uint128(withheld));
        emit Claim(dividendId, holder, receiver, holding, gross, withheld);
        return gross - withheld;
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IDividendDistributor
    function dividendOf(uint256 dividendId) external view returns (Dividend memory) {
        return _dividend(dividendId);
    }

    /// @inheritdoc IDividendDistributor
    function dividendCount() external view returns (uint256) {
        return _dividends.length;
    }

    /// @inheritdoc IDividendDistributor
    function claimableOf(uint256 dividendId, address holder) external view returns (uint256 gross, uint256 withheld) {
        Dividend storage dividend = _dividend(dividendId);
        if (hasClaimed[dividendId][holder] || block.timestamp < uint256(dividend.recordDay) * 1 days) return (0, 0);
        if (dividend.expiresAt != 0 && block.timestamp >= dividend.expiresAt) return (0, 0);
        (uint256 holding, ) = _holding(dividendId, dividend, holder);
        if (holding != 0) return _part(dividendId, dividend, holder, holding);
    }

    /// @inheritdoc IDividendDistributor
    function paymentOf(uint256 dividendId, address holder) external view returns (Payment memory) {
        return _payments[dividendId][holder];
    }

    /// @inheritdoc IDividendDistributor
    function withholdingOf(uint256 dividendId, address holder) public view returns (uint256 bps) {
        Dividend storage dividend = _dividend(dividendId);
        uint256 ownPlusOne = _withholding[holder].upperLookupRecent(dividend.recordDay);
        return ownPlusOne == 0 || dividend.taxAccount == address(0) ? dividend.withholdingBps : ownPlusOne - 1;
    }

    /// @inheritdoc IDividendDistributor
    function electionOf(address holder, address token) external view returns (Election memory) {
        return _elections[holder][token];
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _dividend(uint256 dividendId) private view returns (Dividend storage) {
        if (dividendId >= _dividends.length) revert DividendDistributor_Unknown(dividendId);
        return _dividends[dividendId];
    }

    /// @dev Tokens behind which `holder` stood, pools' parts rounded cumulatively.
    function _holding(
        uint256 dividendId,
        Dividend storage dividend,
        address holder
    ) private view returns (uint256 holding, IBeneficialHoldings.PoolPart[2] memory pools) {
        (holding, pools) = holdings.partsOf(dividend.token, holder, dividend.recordDay);
        for (uint256 i; i < 2; ++i) {
            IBeneficialHoldings.PoolPart memory part = pools[i];
            if (part.shares != 0) {
                holding += _slice(part.tokens, _poolSharesClaimed[dividendId][part.pool], part.shares, part.supply);
            }
        }
    }

    function _part(
        uint256 dividendId,
        Dividend storage dividend,
        address holder,
        uint256 holding
    ) private view returns (uint256 gross, uint256 withheld) {
        uint256 supply = IStockToken(dividend.token).totalSupplyAt(dividend.recordDay);
        gross = _slice(dividend.amount, dividend.holdingClaimed, holding, supply);
        withheld = (gross * withholdingOf(dividendId, holder)) / BPS;
    }

    /// @dev What `part` of `whole` has of `amount` when `before` has been given out: all slices together are the amount.
    function _slice(uint256 amount, uint256 before, uint256 part, uint256 whole) private pure returns (uint256) {
        return Math.mulDiv(amount, before + part, whole) - Math.mulDiv(amount, before, whole);
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert DividendDistributor_OutOfBounds(parameter, value, min, max);
    }
}
