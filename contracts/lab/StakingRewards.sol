// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IStakingRewards } from "./IStakingRewards.sol";

/// @title Staking rewards whose rate halves
/// @dev The accumulator of Synthetix: `_index` is what one staked unit has earned since the beginning. It is rounded down, as is what accounts
///      earn of it: together they can never earn more than was emitted, and all of it was paid in at the beginning.
contract StakingRewards is IStakingRewards {
    using SafeERC20 for IERC20;

    uint256 private constant SCALE = 1e27;
    uint256 private constant MAX_EPOCHS = 64;

    IERC20 public immutable staked;
    IERC20 public immutable reward;
    address public immutable sponsor;
    uint256 public immutable firstRate;
    uint256 public immutable epoch;
    uint256 public immutable epochs;

    uint256 public beganAt;
    /// @notice Emitted while nobody staked.
    uint256 public idle;
    /// @inheritdoc IStakingRewards
    uint256 public totalStaked;
    /// @inheritdoc IStakingRewards
    mapping(address account => uint256) public stakeOf;

    uint256 private _index;
    uint256 private _counted; // of what was emitted, in `_index` or `idle`
    mapping(address account => uint256) private _indexOf;
    mapping(address account => uint256) private _owed;

    constructor(IERC20 staked_, IERC20 reward_, address sponsor_, uint256 firstRate_, uint256 epoch_, uint256 epochs_) {
        if (firstRate_ == 0 || epoch_ == 0 || epochs_ == 0 || epochs_ > MAX_EPOCHS) {
            revert StakingRewards_BadSchedule(firstRate_, epoch_, epochs_);
        }
        (staked, reward, sponsor) = (staked_, reward_, sponsor_);
        (firstRate, epoch, epochs) = (firstRate_, epoch_, epochs_);
    }

    /// @inheritdoc IStakingRewards
    function begin() external {
        _checkSponsor();
        if (beganAt != 0) revert StakingRewards_BegunAlready(beganAt);
        beganAt = block.timestamp;
        uint256 total = totalEmission();
        emit Begin(endsAt(), total);
        reward.safeTransferFrom(sponsor, address(this), total);
    }

    /// @inheritdoc IStakingRewards
    function stake(uint256 amount) external {
        if (beganAt == 0) revert StakingRewards_NotBegun();
        if (amount == 0) revert StakingRewards_ZeroAmount();
        _update(msg.sender);
        totalStaked += amount;
        stakeOf[msg.sender] += amount;
        emit Stake(msg.sender, amount);
        staked.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakingRewards
    function unstake(uint256 amount) external {
        if (amount == 0) revert StakingRewards_ZeroAmount();
        uint256 held = stakeOf[msg.sender];
        if (amount > held) revert StakingRewards_Overdraft(amount, held);
        _update(msg.sender);
        totalStaked -= amount;
        stakeOf[msg.sender] = held - amount;
        emit Unstake(msg.sender, amount);
        staked.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingRewards
    function claim() external returns (uint256 amount) {
        _update(msg.sender);
        amount = _owed[msg.sender];
        if (amount == 0) return 0;
        _owed[msg.sender] = 0;
        emit Reward(msg.sender, amount);
        reward.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingRewards
    function recover() external returns (uint256 amount) {
        _checkSponsor();
        if (beganAt == 0 || block.timestamp < endsAt()) revert StakingRewards_NotOver(endsAt());
        _update(msg.sender);
        amount = idle;
        idle = 0;
        emit Recover(msg.sender, amount);
        reward.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingRewards
    function earned(address account) external view returns (uint256) {
        uint256 index = _index;
        if (totalStaked != 0) index += Math.mulDiv(emittedAt(block.timestamp) - _counted, SCALE, totalStaked);
        return _owed[account] + Math.mulDiv(stakeOf[account], index - _indexOf[account], SCALE);
    }

    /// @inheritdoc IStakingRewards
    function emittedAt(uint256 timestamp) public view returns (uint256 emitted) {
        if (beganAt == 0 || timestamp <= beganAt) return 0;
        return _emittedAfter(timestamp - beganAt);
    }

    /// @inheritdoc IStakingRewards
    function rateAt(uint256 timestamp) external view returns (uint256) {
        if (beganAt == 0 || timestamp < beganAt) return 0;
        uint256 number = (timestamp - beganAt) / epoch;
        return number < epochs ? firstRate >> number : 0;
    }

    /// @inheritdoc IStakingRewards
    function totalEmission() public view returns (uint256) {
        return _emittedAfter(epoch * epochs);
    }

    /// @inheritdoc IStakingRewards
    function endsAt() public view returns (uint256) {
        return beganAt == 0 ? 0 : beganAt + epoch * epochs;
    }

    function _emittedAfter(uint256 elapsed) private view returns (uint256 emitted) {
        for (uint256 number; number < epochs && elapsed != 0; ++number) {
            uint256 part = Math.min(elapsed, epoch);
            emitted += (firstRate >> number) * part;
            elapsed -= part;
        }
    }

    function _update(address account) private {
        uint256 emitted = emittedAt(block.timestamp);
        uint256 fresh = emitted - _counted;
        _counted = emitted;
        if (totalStaked == 0) idle += fresh;
        else _index += Math.mulDiv(fresh, SCALE, totalStaked);
        _owed[account] += Math.mulDiv(stakeOf[account], _index - _indexOf[account], SCALE);
        _indexOf[account] = _index;
    }

    function _checkSponsor() private view {
        if (msg.sender != sponsor) revert StakingRewards_NotSponsor(sponsor, msg.sender);
    }
}
