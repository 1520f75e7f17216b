// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IRecordedBalances } from "../records/IRecordDates.sol";
import { IPoolFactory } from "../pools/IPoolFactory.sol";
import { IUnderwritingPool } from "../pools/IUnderwritingPool.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IBeneficialHoldings } from "./IBeneficialHoldings.sol";
import { IIssuanceDesk } from "./IIssuanceDesk.sol";

/// @title Whose tokens they are
contract BeneficialHoldings is IBeneficialHoldings, AccessManaged {
    uint256 private constant MAX_DESKS = 4;

    ICollateralVault private immutable vault;
    IPoolFactory private immutable factory;

    mapping(address token => IIssuanceDesk[]) private _desks;

    constructor(address authority_, ICollateralVault vault_, IPoolFactory factory_) AccessManaged(authority_) {
        (vault, factory) = (vault_, factory_);
    }

    /// @inheritdoc IBeneficialHoldings
    function addDesk(IIssuanceDesk desk) external restricted {
        address token = address(desk.stock());
        IIssuanceDesk[] storage desks = _desks[token];
        if (desks.length == MAX_DESKS) revert BeneficialHoldings_TooManyDesks(MAX_DESKS);
        for (uint256 i; i < desks.length; ++i) if (desks[i] == desk) revert BeneficialHoldings_AlreadyAdded(address(desk));
        desks.push(desk);
        emit AddDesk(token, desk);
    }

    /// @inheritdoc IBeneficialHoldings
    function holdingOf(address token, address holder, uint256 recordDay) external view returns (uint256 tokens) {
        PoolPart[2] memory pools;
        (tokens, pools) = partsOf(token, holder, recordDay);
        for (uint256 i; i < 2; ++i) {
            if (pools[i].shares != 0) tokens += Math.mulDiv(pools[i].tokens, pools[i].shares, pools[i].supply);
        }
    }

    /// @inheritdoc IBeneficialHoldings
    function partsOf(address token, address holder, uint256 recordDay) public view returns (uint256 direct, PoolPart[2] memory pools) {
        if (isCustodian(token, holder)) return (0, pools);
        direct = IRecordedBalances(token).balanceOfAt(holder, recordDay) + vault.holdingAt(token, holder, recordDay);
        IIssuanceDesk[] storage desks = _desks[token];
        for (uint256 i; i < desks.length; ++i) direct += desks[i].holdingAt(holder, recordDay);

        (address main, address insurance) = factory.poolsOf(token);
        if (main.code.length == 0) return (direct, pools); // not listed as margin: the address is where its pool would be
        uint256 claimable;
        (pools[0], claimable) = _poolPart(token, main, holder, recordDay);
        direct += claimable;
        (pools[1], claimable) = _poolPart(token, insurance, holder, recordDay);
        direct += claimable;
    }

    function _poolPart(
        address token,
        address pool,
        address holder,
        uint256 recordDay
    ) private view returns (PoolPart memory part, uint256 claimable) {
        part.pool = pool;
        (part.shares, claimable) = IUnderwritingPool(pool).positionOfAt(holder, recordDay);
        part.shares += vault.holdingAt(pool, holder, recordDay);
        if (part.shares == 0) return (part, claimable);
        part.supply = IUnderwritingPool(pool).totalSupplyAt(recordDay);
        part.tokens = vault.balanceOfAt(token, address(IUnderwritingPool(pool).book()), pool, recordDay);
    }

    /// @inheritdoc IBeneficialHoldings
    function isCustodian(address token, address account) public view returns (bool) {
        if (account == address(vault)) return true;
        (address main, address insurance) = factory.poolsOf(token);
        if (account == main || account == insurance) return true;
        IIssuanceDesk[] storage desks = _desks[token];
        for (uint256 i; i < desks.length; ++i) if (account == address(desks[i])) return true;
        return false;
    }

    /// @inheritdoc IBeneficialHoldings
    function desksOf(address token) external view returns (IIssuanceDesk[] memory) {
        return _desks[token];
    }
}
