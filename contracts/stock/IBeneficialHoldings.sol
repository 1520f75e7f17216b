// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IIssuanceDesk } from "./IIssuanceDesk.sol";

/// @title Whose tokens they are
/// @notice Looks through the protocol's custodians at a record day: tokens in the vault belong to the entry's owner (free, margin or loan
///         collateral), those at an issuance desk to the request's controller, those of a pool to its LPs by their shares, those in escrow for
///         redemption and those in the vault included, and what executed redemptions may claim to the claimant. The custodians themselves hold
///         nothing. Σ over all holders is the supply, but for rounding, donations to a custodian and pools without an LP.
interface IBeneficialHoldings {
    /// @param pool Zero for a token without pools.
    /// @param shares The holder's.
    /// @param supply Of the pool's shares.
    /// @param tokens The pool's.
    struct PoolPart {
        address pool;
        uint256 shares;
        uint256 supply;
        uint256 tokens;
    }

    event AddDesk(address indexed token, IIssuanceDesk indexed desk);

    error BeneficialHoldings_AlreadyAdded(address desk);
    error BeneficialHoldings_TooManyDesks(uint256 limit);

    /// @notice Restricted: look through `desk`, too, at most four for a token.
    function addDesk(IIssuanceDesk desk) external;

    /// @notice Everything of `holder`, pool parts rounded down. 0 for a custodian.
    function holdingOf(address token, address holder, uint256 recordDay) external view returns (uint256 tokens);

    /// @notice What `holder` has outside the pools, and its part of each pool: for those who round for themselves.
    function partsOf(address token, address holder, uint256 recordDay) external view returns (uint256 direct, PoolPart[2] memory pools);

    /// @notice Whether what `account` holds of `token` is looked through.
    function isCustodian(address token, address account) external view returns (bool);

    function desksOf(address token) external view returns (IIssuanceDesk[] memory);
}
