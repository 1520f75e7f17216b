// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What stands behind a stock token
/// @notice Says how many tokens the shares in custody back, and since when that is known.
interface ICustody {
    /// @notice Tokens, in the token's smallest unit, that custody backs, as of `asOf` (Unix seconds).
    /// @return tokens Shares in custody over the multiplier at `asOf`, rounded down: a split moves neither side.
    /// @return asOf When the shares were counted; 0 if never.
    /// @return fresh Whether that is recent enough to issue against.
    function backingOf(address token) external view returns (uint256 tokens, uint256 asOf, bool fresh);
}

/// @title Custody by attestation, or by a proof-of-reserve feed
/// @notice For each token either the attestor's statements count, or a Chainlink-style feed of the shares in custody. A stale one stops issues,
///         and nothing else: holders can still transfer and redeem.
interface ICustodyAttestation is ICustody {
    /// @param feed Aggregator whose answer is the number of shares, or zero: attestations count.
    /// @param maxAge Seconds for which a count stays good.
    struct Source {
        address feed;
        uint32 maxAge;
    }

    /// @param shares In units of 10^-decimals of the token.
    /// @param asOf When they were counted, Unix seconds.
    struct Attestation {
        uint216 shares;
        uint40 asOf;
    }

    event SetSource(address indexed token, address feed, uint32 maxAge);
    /// @notice `report` is the hash of the document that the count comes from.
    event Attest(address indexed token, uint216 shares, uint40 asOf, bytes32 report);

    error CustodyAttestation_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error CustodyAttestation_FromFuture(uint40 asOf, uint256 now_);
    /// @notice Not after the one before it, or already too old to issue against.
    error CustodyAttestation_TooOld(uint40 asOf, uint256 earliest);

    /// @notice Restricted: where `token`'s count comes from, and for how long one is good (an hour to 400 days: a yearly audit and some slack).
    function setSource(address token, address feed, uint32 maxAge) external;

    /// @notice Restricted: `shares` of the stock were in custody for `token` at `asOf`.
    function attest(address token, uint216 shares, uint40 asOf, bytes32 report) external;

    function sourceOf(address token) external view returns (Source memory);

    /// @notice The attestor's last count.
    function attestationOf(address token) external view returns (Attestation memory);
}
