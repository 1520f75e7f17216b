// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { Nonces } from "@openzeppelin/contracts/utils/Nonces.sol";
import { IRecordDates } from "../records/IRecordDates.sol";
import { IBeneficialHoldings } from "./IBeneficialHoldings.sol";
import { IProxyVoting } from "./IProxyVoting.sol";

/// @title Votes of those behind the tokens
contract ProxyVoting is IProxyVoting, AccessManaged, EIP712, Nonces {
    bytes32 private constant VOTE_TYPEHASH = keccak256(
        "Vote(uint256 ballotId,address holder,uint8[] choices,uint256 nonce,uint256 deadline)"
    );
    uint8 private constant MAX_ITEMS = 64;
    uint256 private constant MIN_TIME = 1 days;
    uint256 private constant MAX_TIME = 90 days;

    /// @dev slot: 128 + 128 = 256. Two bits for each item.
    struct Vote {
        uint128 weight;
        uint128 choices;
    }

    /// @inheritdoc IProxyVoting
    IBeneficialHoldings public immutable holdings;

    Ballot[] private _ballots;
    mapping(uint256 ballotId => mapping(uint256 item => Tally)) private _tallies;
    mapping(uint256 ballotId => mapping(address holder => Vote)) private _votes;

    constructor(address authority_, IBeneficialHoldings holdings_) AccessManaged(authority_) EIP712("Everstock ProxyVoting", "1") {
        holdings = holdings_;
    }

    /// @inheritdoc IProxyVoting
    function post(
        address token,
        uint32 recordDay,
        uint40 closesAt,
        uint8 items,
        bytes32 documents
    ) external restricted returns (uint256 ballotId) {
        if (!IRecordDates(token).isRecordDay(recordDay)) revert ProxyVoting_NotRecordDay(token, recordDay);
        _check("items", items, 1, MAX_ITEMS);
        uint256 opensAt = Math.max(block.timestamp, uint256(recordDay) * 1 days);
        _check("closesAt", closesAt, opensAt + MIN_TIME, opensAt + MAX_TIME);
        ballotId = _ballots.length;
        _ballots.push(Ballot(token, recordDay, closesAt, items, documents));
        emit Post(ballotId, token, recordDay, closesAt, items, documents);
    }

    /// @inheritdoc IProxyVoting
    function cast(uint256 ballotId, Choice[] calldata choices) external returns (uint256 weight) {
        return _cast(ballotId, msg.sender, choices);
    }

    /// @inheritdoc IProxyVoting
    function castBySig(
        uint256 ballotId,
        address holder,
        Choice[] calldata choices,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 weight) {
        if (block.timestamp > deadline) revert ProxyVoting_Expired(deadline);
        // An array is encoded in place as its elements, each padded to a word: what EIP-712 hashes.
        bytes32 choicesHash = keccak256(abi.encodePacked(choices));
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOTE_TYPEHASH, ballotId, holder, choicesHash, _useNonce(holder), deadline)));
        if (!SignatureChecker.isValidSignatureNowCalldata(holder, digest, signature)) revert ProxyVoting_BadSignature(holder);
        return _cast(ballotId, holder, choices);
    }

    function _cast(uint256 ballotId, address holder, Choice[] calldata choices) private returns (uint256 weight) {
        Ballot memory ballot = _ballot(ballotId);
        uint256 opensAt = uint256(ballot.recordDay) * 1 days;
        if (block.timestamp < opensAt || block.timestamp >= ballot.closesAt) {
            revert ProxyVoting_NotOpen(ballotId, opensAt, ballot.closesAt);
        }
        if (choices.length != ballot.items) revert ProxyVoting_WrongItems(choices.length, ballot.items);
        Vote memory vote = _votes[ballotId][holder];
        weight = vote.weight == 0 ? holdings.holdingOf(ballot.token, holder, ballot.recordDay) : vote.weight;
        if (weight == 0) revert ProxyVoting_NothingHeld(holder, ballot.recordDay);

        uint128 packed;
        // Cast: a holding is part of a supply; a supply above 2^128 has no vote worth counting, and is refused.
        _check("weight", weight, 0, type(uint128).max);
        uint128 counted = uint128(weight);
        for (uint256 item; item < choices.length; ++item) {
            Choice choice = choices[item];
            if (choice == Choice.None) revert ProxyVoting_NoChoice(item);
            Tally storage tally = _tallies[ballotId][item];
            if (vote.weight != 0) _count(tally, _choice(vote.choices, item), counted, false);
            _count(tally, choice, counted, true);
            packed |= uint128(choice) << uint128(2 * item);
        }
        _votes[ballotId][holder] = Vote(counted, packed);
        emit Cast(ballotId, holder, weight, choices);
    }

    function _count(Tally storage tally, Choice choice, uint128 weight, bool add) private {
        if (choice == Choice.For) tally.inFavour = add ? tally.inFavour + weight : tally.inFavour - weight;
        else if (choice == Choice.Against) tally.against = add ? tally.against + weight : tally.against - weight;
        else tally.abstained = add ? tally.abstained + weight : tally.abstained - weight;
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IProxyVoting
    function ballotOf(uint256 ballotId) external view returns (Ballot memory) {
        return _ballot(ballotId);
    }

    /// @inheritdoc IProxyVoting
    function ballotCount() external view returns (uint256) {
        return _ballots.length;
    }

    /// @inheritdoc IProxyVoting
    function tallyOf(uint256 ballotId, uint256 item) external view returns (Tally memory) {
        return _tallies[ballotId][item];
    }

    /// @inheritdoc IProxyVoting
    function instruct(
        uint256 ballotId,
        uint256 item,
        uint256 shares
    ) external view returns (uint256 inFavour, uint256 against, uint256 abstained) {
        Tally memory tally = _tallies[ballotId][item];
        uint256 votes = uint256(tally.inFavour) + tally.against + tally.abstained;
        if (votes == 0) return (0, 0, 0);
        inFavour = Math.mulDiv(shares, tally.inFavour, votes);
        against = Math.mulDiv(shares, tally.against, votes);
        abstained = Math.mulDiv(shares, tally.abstained, votes);
    }

    /// @inheritdoc IProxyVoting
    function weightOf(uint256 ballotId, address holder) external view returns (uint256) {
        Ballot memory ballot = _ballot(ballotId);
        return holdings.holdingOf(ballot.token, holder, ballot.recordDay);
    }

    /// @inheritdoc IProxyVoting
    function choiceOf(uint256 ballotId, address holder, uint256 item) external view returns (Choice) {
        return _choice(_votes[ballotId][holder].choices, item);
    }

    function _ballot(uint256 ballotId) private view returns (Ballot storage) {
        if (ballotId >= _ballots.length) revert ProxyVoting_Unknown(ballotId);
        return _ballots[ballotId];
    }

    function _choice(uint128 choices, uint256 item) private pure returns (Choice) {
        return item >= MAX_ITEMS ? Choice.None : Choice(uint8((choices >> uint128(2 * item)) & 3)); // two bits
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert ProxyVoting_OutOfBounds(parameter, value, min, max);
    }
}
