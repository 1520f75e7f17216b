"""The liquidity lab: four ways of making a stock token liquid, side by side on one chain."""
