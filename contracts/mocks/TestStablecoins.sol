// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Pausable } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";

/// @title A dollar whose issuer can stop it, and stop holders one by one: six decimals, as USDC
/// @dev Test double. Names and signatures are those of Circle's token, so that a test drives either.
contract BlacklistDollar is ERC20Pausable {
    address public immutable masterMinter;
    mapping(address account => bool) public isBlacklisted;

    error BlacklistDollar_NotIssuer(address caller);
    error BlacklistDollar_Blacklisted(address account);

    modifier onlyIssuer() {
        if (msg.sender != masterMinter) revert BlacklistDollar_NotIssuer(msg.sender);
        _;
    }

    constructor(address issuer) ERC20("USD Coin (test)", "USDC") {
        masterMinter = issuer;
    }

    function mint(address to, uint256 amount) external onlyIssuer {
        _mint(to, amount);
    }

    function blacklist(address account) external onlyIssuer {
        isBlacklisted[account] = true;
    }

    function unBlacklist(address account) external onlyIssuer {
        isBlacklisted[account] = false;
    }

    function pause() external onlyIssuer {
        _pause();
    }

    function unpause() external onlyIssuer {
        _unpause();
    }

    function pauser() external view returns (address) {
        return masterMinter;
    }

    function blacklister() external view returns (address) {
        return masterMinter;
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isBlacklisted[msg.sender]) revert BlacklistDollar_Blacklisted(msg.sender);
        if (isBlacklisted[from]) revert BlacklistDollar_Blacklisted(from);
        if (isBlacklisted[to]) revert BlacklistDollar_Blacklisted(to);
        super._update(from, to, amount);
    }
}

/// @title A dollar that answers nothing: six decimals and transfers without return values, as USDT on Ethereum
/// @dev Test double. An allowance can be set from zero or to zero only.
contract SilentDollar {
    // solhint-disable-next-line const-name-snakecase
    string public constant name = "Tether USD (test)";
    // solhint-disable-next-line const-name-snakecase
    string public constant symbol = "USDT";
    // solhint-disable-next-line const-name-snakecase
    uint8 public constant decimals = 6;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    error SilentDollar_NotFromZero(uint256 allowed);

    constructor(address holder, uint256 supply) {
        totalSupply = supply;
        balanceOf[holder] = supply;
        emit Transfer(address(0), holder, supply);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function approve(address spender, uint256 amount) external {
        uint256 allowed = allowance[msg.sender][spender];
        if (amount != 0 && allowed != 0) revert SilentDollar_NotFromZero(allowed);
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}
