// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBeneficialHoldings } from "./IBeneficialHoldings.sol";

/// @title Votes of those behind the tokens
/// @notice The issuer posts the ballot of a shareholders' meeting; everybody behind the tokens at the record day votes with what was theirs
///         (`IBeneficialHoldings`), the tokens in the vault and the pools included. The tally stands on chain, for the custodian to vote the
///         shares in proportion.
/// @dev Weights are tokens at the record day, pool parts rounded down. A later vote of a holder replaces its earlier one.
interface IProxyVoting {
    enum Choice {
        None,
        For,
        Against,
        Abstain
    }

    /// @param token The stock token.
    /// @param recordDay Days since the epoch; votes are taken from its midnight on.
    /// @param closesAt Unix seconds.
    /// @param items How many questions.
    /// @param documents Hash of the meeting's papers.
    /// @dev slot 0: 160 + 32 + 40 + 8 = 240; slot 1: 256.
    struct Ballot {
        address token;
        uint32 recordDay;
        uint40 closesAt;
        uint8 items;
        bytes32 documents;
    }

    /// @dev Tokens; one slot and a half: 128 + 128, 128.
    struct Tally {
        uint128 inFavour;
        uint128 against;
        uint128 abstained;
    }

    event Post(
        uint256 indexed ballotId,
        address indexed token,
        uint256 indexed recordDay,
        uint256 closesAt,
        uint256 items,
        bytes32 documents
    );
    event Cast(uint256 indexed ballotId, address indexed holder, uint256 weight, Choice[] choices);

    error ProxyVoting_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error ProxyVoting_NotRecordDay(address token, uint256 recordDay);
    error ProxyVoting_Unknown(uint256 ballotId);
    error ProxyVoting_NotOpen(uint256 ballotId, uint256 opensAt, uint256 closesAt);
    error ProxyVoting_NothingHeld(address holder, uint256 recordDay);
    error ProxyVoting_WrongItems(uint256 given, uint256 items);
    error ProxyVoting_NoChoice(uint256 item);
    error ProxyVoting_Expired(uint256 deadline);
    error ProxyVoting_BadSignature(address holder);

    /// @notice Open a ballot of 1 to 64 items, which closes between a day and 90 days after it opens. Restricted.
    function post(address token, uint32 recordDay, uint40 closesAt, uint8 items, bytes32 documents) external returns (uint256 ballotId);

    /// @notice Vote on every item.
    function cast(uint256 ballotId, Choice[] calldata choices) external returns (uint256 weight);

    /// @notice Anyone: hand in a vote that `holder` signed (EIP-712; accounts with code by ERC-1271). Each signature serves once.
    function castBySig(
        uint256 ballotId,
        address holder,
        Choice[] calldata choices,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 weight);

    function ballotOf(uint256 ballotId) external view returns (Ballot memory);

    function ballotCount() external view returns (uint256);

    /// @notice Tokens for each choice on an item.
    function tallyOf(uint256 ballotId, uint256 item) external view returns (Tally memory);

    /// @notice How the custodian votes `shares` of the stock on an item, in proportion to the tally; each rounded down. All zero without votes.
    function instruct(
        uint256 ballotId,
        uint256 item,
        uint256 shares
    ) external view returns (uint256 inFavour, uint256 against, uint256 abstained);

    /// @notice What a vote of `holder` counts.
    function weightOf(uint256 ballotId, address holder) external view returns (uint256);

    /// @notice `holder`'s choice on an item, None before it votes.
    function choiceOf(uint256 ballotId, address holder, uint256 item) external view returns (Choice);

    function holdings() external view returns (IBeneficialHoldings);
}
