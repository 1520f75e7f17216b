// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { ICustody, ICustodyAttestation } from "./ICustody.sol";
import { IStockToken } from "./IStockToken.sol";

/// @title Custody by attestation, or by a proof-of-reserve feed
contract CustodyAttestation is ICustodyAttestation, AccessManaged {
    uint256 private constant WAD = 1e18;
    uint32 private constant MIN_MAX_AGE = 1 hours;
    uint32 private constant MAX_MAX_AGE = 400 days;

    mapping(address token => Source) private _sources;
    mapping(address token => Attestation) private _attestations;

    constructor(address authority_) AccessManaged(authority_) {}

    /// @inheritdoc ICustodyAttestation
    function setSource(address token, address feed, uint32 maxAge) external restricted {
        if (maxAge < MIN_MAX_AGE || maxAge > MAX_MAX_AGE) {
            revert CustodyAttestation_OutOfBounds("maxAge", maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
        }
        _sources[token] = Source(feed, maxAge);
        emit SetSource(token, feed, maxAge);
    }

    /// @inheritdoc ICustodyAttestation
    function attest(address token, uint216 shares, uint40 asOf, bytes32 report) external restricted {
        if (asOf > block.timestamp) revert CustodyAttestation_FromFuture(asOf, block.timestamp);
        uint256 earliest = Math.max(uint256(_attestations[token].asOf) + 1, Math.saturatingSub(block.timestamp, _sources[token].maxAge));
        if (asOf < earliest) revert CustodyAttestation_TooOld(asOf, earliest);
        _attestations[token] = Attestation(shares, asOf);
        emit Attest(token, shares, asOf, report);
    }

    /// @inheritdoc ICustody
    function backingOf(address token) external view returns (uint256 tokens, uint256 asOf, bool fresh) {
        Source memory source = _sources[token];
        uint256 shares;
        (shares, asOf) = source.feed == address(0) ? _attested(token) : _fed(source.feed, IStockToken(token).decimals());
        if (asOf == 0 || asOf > block.timestamp) return (0, asOf, false);
        // Shares were counted under the multiplier of that time: a reverse split since then backs no further token.
        tokens = Math.mulDiv(shares, WAD, IStockToken(token).multiplierAt(asOf));
        fresh = block.timestamp - asOf <= source.maxAge;
    }

    /// @inheritdoc ICustodyAttestation
    function sourceOf(address token) external view returns (Source memory) {
        return _sources[token];
    }

    /// @inheritdoc ICustodyAttestation
    function attestationOf(address token) external view returns (Attestation memory) {
        return _attestations[token];
    }

    function _attested(address token) private view returns (uint256 shares, uint256 asOf) {
        Attestation memory last = _attestations[token];
        return (last.shares, last.asOf);
    }

    /// @dev A feed without a good answer counts as never read.
    function _fed(address feed, uint8 decimals) private view returns (uint256 shares, uint256 asOf) {
        (, int256 answer, , uint256 updatedAt, ) = AggregatorV3Interface(feed).latestRoundData();
        if (answer <= 0) return (0, 0);
        shares = Math.mulDiv(uint256(answer), 10 ** decimals, 10 ** AggregatorV3Interface(feed).decimals()); // positive
        return (shares, updatedAt);
    }
}
