// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ILendingMarket, ILiquidationCallback, Payout } from "../lending/ILendingMarket.sol";

/// @title A liquidator that is called back
/// @dev Test double: in the callback it reports what it holds, or tries to come in again.
contract FlashLiquidator is ILiquidationCallback {
    ILendingMarket private immutable market;

    event Called(uint256 repaid, uint256 seized, uint256 held);

    constructor(ILendingMarket market_) {
        market = market_;
        IERC20(market_.asset()).approve(address(market_), type(uint256).max);
    }

    function liquidate(address borrower, uint256 maxRepay, uint256 reentry) external {
        market.liquidate(ILendingMarket.Liquidation(borrower, maxRepay, 0, Payout.Wallet, address(this)), abi.encode(reentry, borrower));
    }

    function onLiquidate(uint256 repaid, uint256 seized, bytes calldata data) external {
        (uint256 reentry, address borrower) = abi.decode(data, (uint256, address));
        if (reentry == 1) market.deposit(1, address(this));
        else if (reentry == 2) market.redeem(1, address(this), address(this));
        else if (reentry == 3) market.borrow(1, address(this), address(this));
        else if (reentry == 4) market.repay(1, borrower);
        else if (reentry == 5) market.withdrawCollateral(1, address(this), address(this));
        else if (reentry == 6) this.liquidate(borrower, 1, 0);
        else if (reentry == 7) market.accrue();
        else emit Called(repaid, seized, IERC20(market.config().collateralToken).balanceOf(address(this)));
    }
}
