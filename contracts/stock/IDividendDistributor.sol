// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IBeneficialHoldings } from "./IBeneficialHoldings.sol";
import { IIssuanceDesk } from "./IIssuanceDesk.sol";

/// @title Cash dividends, by record date
/// @notice The issuer funds a dividend in any ERC-20; everybody behind the tokens at the record day claims a part by what was theirs
///         (`IBeneficialHoldings`): in a wallet, in the vault as margin or collateral, at an issuance desk, or in a pool by LP shares.
/// @dev Rounding is cumulative, so that all parts together are the dividend to the unit: after claims on `h` of a supply of `T` tokens,
///      `floor(amount × h / T)` has been claimed. A part differs from its exact value by less than one unit. A pool's tokens are parted among
///      its LPs in the same way.
interface IDividendDistributor {
    /// @param token The stock token.
    /// @param recordDay Days since the epoch.
    /// @param withholdingBps Tax taken from those without a rate of their own, in 1/10,000.
    /// @param claimableFrom Unix seconds.
    /// @param expiresAt From when the issuer may take back what is left; 0 never, else at least a year after `claimableFrom`.
    /// @param cash What is paid.
    /// @param amount Funded, in the cash's smallest unit.
    /// @param claimed Gross, so far.
    /// @param holdingClaimed Tokens that claims were made on, so far.
    /// @param taxAccount Receives what is withheld.
    /// @param withheld Not yet paid to `taxAccount`.
    struct Dividend {
        address token;
        uint32 recordDay;
        uint16 withholdingBps;
        uint40 claimableFrom;
        address cash;
        uint40 expiresAt;
        uint128 amount;
        uint128 claimed;
        uint256 holdingClaimed;
        address taxAccount;
        uint128 withheld;
    }

    /// @notice What a holder was paid.
    struct Payment {
        uint128 gross;
        uint128 withheld;
    }

    /// @param desk Where the holder's net dividends are turned into tokens; zero: paid in cash.
    /// @param maxPrice The request's limit.
    struct Election {
        IIssuanceDesk desk;
        uint128 maxPrice;
    }

    event Declare(
        uint256 indexed dividendId,
        address indexed token,
        uint256 indexed recordDay,
        address cash,
        uint256 amount,
        uint256 withholdingBps,
        uint256 claimableFrom,
        uint256 expiresAt
    );
    event Claim(uint256 indexed dividendId, address indexed holder, address receiver, uint256 holding, uint256 gross, uint256 withheld);
    /// @notice The net dividend became a mint request of the holder's.
    event Reinvest(uint256 indexed dividendId, address indexed holder, IIssuanceDesk desk, uint256 requestId, uint256 net);
    /// @notice A claim within a batch failed, for `reason`; the others go on.
    event SkipClaim(uint256 indexed dividendId, address indexed holder, bytes reason);
    event PayWithheld(uint256 indexed dividendId, address indexed taxAccount, uint256 amount);
    event Sweep(uint256 indexed dividendId, address receiver, uint256 amount);
    event SetWithholding(address indexed holder, uint16 bps, uint256 fromRecordDay);
    event Elect(address indexed holder, address indexed token, IIssuanceDesk desk, uint128 maxPrice);

    error DividendDistributor_ZeroAmount();
    error DividendDistributor_ZeroAddress();
    error DividendDistributor_AmountTooLarge(uint256 amount, uint256 max);
    error DividendDistributor_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error DividendDistributor_NotRecordDay(address token, uint256 recordDay);
    /// @notice There is one for that token, record day and cash.
    error DividendDistributor_Duplicate(uint256 dividendId);
    error DividendDistributor_Unknown(uint256 dividendId);
    error DividendDistributor_NotClaimable(uint256 dividendId, uint256 claimableFrom);
    error DividendDistributor_Expired(uint256 dividendId, uint256 expiresAt);
    error DividendDistributor_NotExpired(uint256 dividendId, uint256 expiresAt);
    error DividendDistributor_AlreadyClaimed(uint256 dividendId, address holder);
    error DividendDistributor_NothingHeld(address holder, uint256 recordDay);
    /// @notice The registry does not let the holder hold the token: its part waits.
    error DividendDistributor_HolderDenied(address holder);
    error DividendDistributor_ForeignDesk(address desk);
    error DividendDistributor_TransferMismatch(address cash, uint256 expected, uint256 received);

    // ── issuer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Fund a dividend with `amount` of the caller's `cash`. The record day must have been announced; it may lie ahead. Claims open at
    ///         its midnight, or at `claimableFrom` if that is later. Restricted.
    function declare(
        address token,
        uint32 recordDay,
        IERC20 cash,
        uint256 amount,
        uint16 withholdingBps,
        address taxAccount,
        uint40 claimableFrom,
        uint40 expiresAt
    ) external returns (uint256 dividendId);

    /// @notice A holder's own rate, at most 50%, for record days after today. Restricted.
    function setWithholding(address holder, uint16 bps) external;

    /// @notice Anyone: pay what has been withheld to the tax account.
    function payWithheld(uint256 dividendId) external returns (uint256 amount);

    /// @notice Once a dividend has expired, take back what nobody claimed. Restricted.
    function sweep(uint256 dividendId, address receiver) external returns (uint256 amount);

    // ── holders ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Claim one's own part, to `receiver`, in cash whatever was elected.
    function claim(uint256 dividendId, address receiver) external returns (uint256 net);

    /// @notice Anyone: claim `holder`'s part for it: paid to the holder, or reinvested if it elected so.
    function claimFor(uint256 dividendId, address holder) external returns (uint256 net);

    /// @notice Anyone: the same for many. One that fails is skipped and told.
    function claimMany(uint256 dividendId, address[] calldata holders) external;

    /// @notice Let claims made for the caller by others be reinvested at a desk of the token that takes the dividend's cash, or (zero) not.
    function elect(address token, IIssuanceDesk desk, uint128 maxPrice) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function dividendOf(uint256 dividendId) external view returns (Dividend memory);

    function dividendCount() external view returns (uint256);

    /// @notice What a claim would pay now; by one unit more or less when others claim first. Zeroes once claimed.
    function claimableOf(uint256 dividendId, address holder) external view returns (uint256 gross, uint256 withheld);

    function paymentOf(uint256 dividendId, address holder) external view returns (Payment memory);

    function hasClaimed(uint256 dividendId, address holder) external view returns (bool);

    /// @notice The rate of a holder for a dividend.
    function withholdingOf(uint256 dividendId, address holder) external view returns (uint256 bps);

    function electionOf(address holder, address token) external view returns (Election memory);

    function holdings() external view returns (IBeneficialHoldings);
}
