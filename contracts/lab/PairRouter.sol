// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IUniswapV2PairLike } from "./IUniswapV2PairLike.sol";

/// @title Trades and provides liquidity in a Uniswap v2 pair, with limits
/// @dev For the liquidity lab: a pair itself checks only its invariant. Holds nothing between transactions.
contract PairRouter {
    using SafeERC20 for IERC20;

    uint256 private constant FEE_UNIT = 1000;
    uint256 private constant AFTER_FEE = 997;

    error PairRouter_Slippage(uint256 out, uint256 min);
    error PairRouter_Expired(uint256 deadline, uint256 timestamp);
    error PairRouter_NotInPair(address token);

    /// @notice Sell exactly `amountIn` of `tokenIn` for at least `minOut` of the other token.
    function swap(
        IUniswapV2PairLike pair,
        address tokenIn,
        uint256 amountIn,
        uint256 minOut,
        address to,
        uint256 deadline
    ) external returns (uint256 out) {
        if (block.timestamp > deadline) revert PairRouter_Expired(deadline, block.timestamp);
        out = quote(pair, tokenIn, amountIn);
        if (out < minOut) revert PairRouter_Slippage(out, minOut);
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(pair), amountIn);
        if (tokenIn == pair.token0()) pair.swap(0, out, to, "");
        else pair.swap(out, 0, to, "");
    }

    /// @notice What `amountIn` of `tokenIn` brings now, by the pair's own rule: 0.3% off, x · y constant, rounded down.
    function quote(IUniswapV2PairLike pair, address tokenIn, uint256 amountIn) public view returns (uint256) {
        (uint256 held0, uint256 held1, ) = pair.getReserves();
        if (tokenIn == pair.token1()) (held0, held1) = (held1, held0);
        else if (tokenIn != pair.token0()) revert PairRouter_NotInPair(tokenIn);
        uint256 counted = amountIn * AFTER_FEE;
        return Math.mulDiv(counted, held1, held0 * FEE_UNIT + counted);
    }

    /// @notice Provide liquidity at the pair's present ratio, at most these amounts; in an empty pair, exactly these.
    function provide(IUniswapV2PairLike pair, uint256 max0, uint256 max1, uint256 minShares, address to) external returns (uint256 shares) {
        (uint256 held0, uint256 held1, ) = pair.getReserves();
        if (held0 != 0) {
            uint256 needed1 = Math.mulDiv(max0, held1, held0);
            if (needed1 <= max1) max1 = needed1;
            else max0 = Math.mulDiv(max1, held0, held1);
        }
        IERC20(pair.token0()).safeTransferFrom(msg.sender, address(pair), max0);
        IERC20(pair.token1()).safeTransferFrom(msg.sender, address(pair), max1);
        shares = pair.mint(to);
        if (shares < minShares) revert PairRouter_Slippage(shares, minShares);
    }

    /// @notice Take liquidity out: at least these amounts.
    function remove(
        IUniswapV2PairLike pair,
        uint256 shares,
        uint256 min0,
        uint256 min1,
        address to
    ) external returns (uint256 amount0, uint256 amount1) {
        IERC20(address(pair)).safeTransferFrom(msg.sender, address(pair), shares);
        (amount0, amount1) = pair.burn(to);
        if (amount0 < min0) revert PairRouter_Slippage(amount0, min0);
        if (amount1 < min1) revert PairRouter_Slippage(amount1, min1);
    }
}
