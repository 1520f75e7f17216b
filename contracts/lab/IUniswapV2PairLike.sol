// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What the router asks of a pair
/// @dev The functions of Uniswap v2's pair that are used here; the pair itself comes from `@uniswap/v2-core` as it was deployed.
interface IUniswapV2PairLike {
    function token0() external view returns (address);

    function token1() external view returns (address);

    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast);

    function totalSupply() external view returns (uint256);

    function mint(address to) external returns (uint256 liquidity);

    function burn(address to) external returns (uint256 amount0, uint256 amount1);

    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
}
