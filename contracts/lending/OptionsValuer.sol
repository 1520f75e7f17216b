// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { IPledgeValuer } from "./IPledgeValuer.sol";

/// @title What an options account would bring
/// @notice Long options are worth their bid: what closing them pays now, at the cheap end of the oracle's band, after spread and fee. An account holds
///         at most 16 positions.
contract OptionsValuer is IPledgeValuer {
    uint256 private constant WAD = 1e18;

    /// @inheritdoc IPledgeValuer
    IPerpetualOptions public immutable options;

    constructor(IPerpetualOptions options_) {
        options = options_;
    }

    /// @inheritdoc IPledgeValuer
    function valueOf(address owner, address token) external view returns (uint256 value, uint256 positions) {
        IOptionsTypes.PositionId[] memory ids = options.positions(owner, token);
        positions = ids.length;
        for (uint256 i; i < ids.length; ++i) {
            uint256 notional = options.position(owner, token, ids[i]).notional;
            value += _proceeds(notional, options.market(ids[i].marketId), ids[i].strike, ids[i].isCall);
        }
        int256 net = int256(value) + options.accountHealth(owner, token).equity; // notionals are below 2^112
        value = net > 0 ? uint256(net) : 0;
    }

    /// @dev What a close pays out: at most the whole notional, less the fee of a voluntary close. Nothing from a market that is not Open.
    function _proceeds(uint256 notional, IOptionMarket market, int16 strike, bool isCall) private view returns (uint256) {
        if (market.phase() == IOptionMarket.Phase.Frozen) {
            (uint256 payoff, ) = market.frozenPayoff(strike, isCall);
            return (notional * Fixed.min(payoff, WAD)) / WAD;
        }
        try market.quote(strike, isCall, IOptionMarket.QuoteKind.Bid) returns (IOptionMarket.Quote memory quote) {
            uint256 paid = (notional * Fixed.min(quote.value, WAD)) / WAD;
            return paid - Fixed.min((notional + 1999) / 2000, (paid + 7) / 8);
        } catch (bytes memory reason) {
            // Nothing else: a caller who gives too little gas must not be able to make a pledge worthless.
            if (bytes4(reason) == IOptionMarket.OptionMarket_NotOpen.selector) return 0;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}
