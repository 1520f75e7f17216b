// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { StrikeGrid } from "../math/StrikeGrid.sol";
import { IOptionsTypes } from "./IOptionsTypes.sol";

/// @title A position's identity in 24 bits: 14 of market, 9 of strike (+256), 1 of side
library PositionKeys {
    uint256 internal constant MAX_MARKETS = 1 << 14;

    /// @dev An identity off the grid, which would alias another, packs to 0: strike −256, which no position has.
    function pack(IOptionsTypes.PositionId memory id) internal pure returns (uint24) {
        if (id.strike > StrikeGrid.LIMIT || id.strike < -StrikeGrid.LIMIT || id.marketId >= MAX_MARKETS) return 0;
        return uint24((uint256(id.marketId) << 10) | (uint256(int256(id.strike) + 256) << 1) | (id.isCall ? 1 : 0));
    }

    function unpack(uint24 key) internal pure returns (IOptionsTypes.PositionId memory id) {
        (id.marketId, id.strike, id.isCall) = (uint16(key >> 10), int16(int24((key >> 1) & 511)) - 256, key & 1 == 1);
    }
}
