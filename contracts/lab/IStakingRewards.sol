// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Pays those who stake a pool's shares in a reward token, at a rate that halves
/// @notice As Mirror and its followers paid liquidity: `firstRate` units a second in the first epoch, half of it in the next, and so on, until
///         the last epoch ends and nothing is paid any more. Each second's reward is shared by stake.
/// @dev For the liquidity lab; no part of the protocol. Amounts are in smallest units, times in Unix seconds.
interface IStakingRewards {
    event Begin(uint256 endsAt, uint256 total);
    event Stake(address indexed account, uint256 amount);
    event Unstake(address indexed account, uint256 amount);
    event Reward(address indexed account, uint256 amount);
    event Recover(address indexed sponsor, uint256 amount);

    /// @notice A rate of nothing, no epoch, an epoch of no length, or more than 64 of them.
    error StakingRewards_BadSchedule(uint256 firstRate, uint256 epoch, uint256 epochs);
    error StakingRewards_NotSponsor(address sponsor, address caller);
    error StakingRewards_BegunAlready(uint256 beganAt);
    error StakingRewards_NotBegun();
    /// @notice Rewards are paid until `endsAt`.
    error StakingRewards_NotOver(uint256 endsAt);
    error StakingRewards_ZeroAmount();
    error StakingRewards_Overdraft(uint256 asked, uint256 held);

    /// @notice Sponsor, once: pay in everything that will ever be emitted, and begin.
    function begin() external;

    function stake(uint256 amount) external;

    /// @notice Take stake back, at any time. Rewards earned so far stay claimable.
    function unstake(uint256 amount) external;

    /// @notice Pay the caller what it has earned; nothing is no error.
    function claim() external returns (uint256 amount);

    /// @notice Sponsor, after the end: take back what was emitted while nobody staked.
    function recover() external returns (uint256 amount);

    /// @notice What `account` could claim now, rounded down.
    function earned(address account) external view returns (uint256);

    /// @notice Emitted from the beginning until `timestamp`.
    function emittedAt(uint256 timestamp) external view returns (uint256);

    /// @notice Units a second at `timestamp`: 0 before the beginning and from the end on.
    function rateAt(uint256 timestamp) external view returns (uint256);

    /// @notice Everything that will ever be emitted.
    function totalEmission() external view returns (uint256);

    /// @notice When the last epoch ends; 0 before the beginning.
    function endsAt() external view returns (uint256);

    function stakeOf(address account) external view returns (uint256);

    function totalStaked() external view returns (uint256);
}
