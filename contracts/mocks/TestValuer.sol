// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPledgeValuer } from "../lending/IPledgeValuer.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";

/// @title Options accounts worth whatever a test says
/// @dev Test double for the valuer and for what a lending market asks of the options about pledges.
contract TestValuer is IPledgeValuer {
    struct Worth {
        uint256 value;
        uint256 positions;
    }

    mapping(address owner => Worth) private _worths;
    mapping(address owner => mapping(address token => address)) public pledgeeOf;

    function set(address owner, uint256 value, uint256 positions) external {
        _worths[owner] = Worth(value, positions);
    }

    function pledge(address token, address pledgee) external {
        pledgeeOf[msg.sender][token] = pledgee;
    }

    function releasePledge(address owner, address token) external {
        delete pledgeeOf[owner][token];
    }

    function valueOf(address owner, address) external view returns (uint256, uint256) {
        return (_worths[owner].value, _worths[owner].positions);
    }

    function options() external view returns (IPerpetualOptions) {
        return IPerpetualOptions(address(this));
    }
}
