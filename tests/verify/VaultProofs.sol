// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { CollateralVault } from "../../contracts/vault/CollateralVault.sol";
import { ICollateralVault } from "../../contracts/vault/ICollateralVault.sol";

/// @notice A token with no habits: whoever pays has it.
contract ProofToken {
    mapping(address owner => uint256) public balanceOf;

    function transferFrom(address, address to, uint256 amount) external returns (bool) {
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice V1 and V2 of the ledger, for any balances and any arguments: this contract is the module that moves it.
contract VaultProofs {
    address private constant FREE = address(0);
    address private constant A = address(0xA);
    address private constant B = address(0xB);
    address private constant C = address(0xC);
    address private constant D = address(0xD);
    address private constant OTHER_MODULE = address(0xE);

    CollateralVault private vault;
    address private token;

    function setUp() external {
        vault = new CollateralVault(address(this));
        token = address(new ProofToken());
        vault.setModule(address(this), true);
        vault.setModule(OTHER_MODULE, true);
    }

    /// @notice The authority that lets this contract name modules.
    function canCall(address, address, bytes4) external pure returns (bool, uint32) {
        return (true, 0);
    }

    function give(address module, address owner, uint128 amount) private {
        if (amount != 0) vault.deposit(token, module, owner, amount);
    }

    function mine(address owner) private view returns (uint256) {
        return vault.balanceOf(token, address(this), owner);
    }

    function free(address owner) private view returns (uint256) {
        return vault.balanceOf(token, FREE, owner);
    }

    /// @notice V1: a settlement gives every owner and the payee exactly what it says, and what it gives sums to what it takes.
    function check_a_settlement_conserves(int256 a, int256 b, uint256 paid, uint128 x, uint128 y) external {
        give(address(this), A, x);
        give(address(this), B, y);
        ICollateralVault.Delta[3] memory deltas = [
            ICollateralVault.Delta(A, a),
            ICollateralVault.Delta(B, b),
            ICollateralVault.Delta(C, 0)
        ];
        try vault.settle(token, D, paid, deltas) {
            unchecked {
                assert(mine(A) == uint256(x) + uint256(a));
                assert(mine(B) == uint256(y) + uint256(b));
                assert(free(D) == paid && mine(C) == 0);
                assert(uint256(a) + uint256(b) + paid == 0);
            }
        } catch {}
    }

    /// @notice V1: the same when one owner is named twice, and is the payee too.
    function check_a_settlement_with_itself_conserves(int256 a, int256 b, uint256 paid, uint128 x) external {
        give(address(this), A, x);
        ICollateralVault.Delta[3] memory deltas = [
            ICollateralVault.Delta(A, a),
            ICollateralVault.Delta(A, b),
            ICollateralVault.Delta(C, 0)
        ];
        try vault.settle(token, A, paid, deltas) {
            unchecked {
                assert(mine(A) == uint256(x) + uint256(a) + uint256(b));
                assert(free(A) == paid);
                assert(uint256(a) + uint256(b) + paid == 0);
            }
        } catch {}
    }

    /// @notice V2: a settlement touches no entry of another module, nor the free balance of an owner that it debits or credits.
    function check_a_settlement_touches_nobody_else(int256 a, int256 b, uint256 paid, uint128 x, uint128 y, uint128 z) external {
        give(address(this), A, x);
        give(OTHER_MODULE, A, y);
        give(FREE, A, z);
        give(FREE, D, y);
        ICollateralVault.Delta[3] memory deltas = [
            ICollateralVault.Delta(A, a),
            ICollateralVault.Delta(B, b),
            ICollateralVault.Delta(C, 0)
        ];
        try vault.settle(token, D, paid, deltas) {
            assert(vault.balanceOf(token, OTHER_MODULE, A) == y && vault.balanceOf(token, OTHER_MODULE, B) == 0);
            assert(free(A) == z && free(B) == 0 && mine(C) == 0 && mine(D) == 0);
            assert(free(D) == uint256(y) + paid);
        } catch {}
    }

    /// @notice V1: what a module releases leaves the entry that it names, and arrives in full.
    function check_a_release_conserves(uint256 amount, uint128 x, uint128 y) external {
        give(address(this), A, x);
        give(FREE, B, y);
        try vault.release(token, A, B, amount) {
            assert(amount <= x && mine(A) == x - amount && free(B) == y + amount);
        } catch {}
    }

    /// @notice V1, V2: locking moves the caller's own free balance into its entry with the module, and nothing else.
    function check_a_lock_conserves(uint256 amount, uint128 x, uint128 y, uint128 z) external {
        address me = address(this);
        give(FREE, me, x);
        give(OTHER_MODULE, me, y);
        give(OTHER_MODULE, A, z);
        try vault.lock(token, OTHER_MODULE, amount) {
            assert(amount <= x && free(me) == x - amount);
            assert(vault.balanceOf(token, OTHER_MODULE, me) == y + amount && vault.balanceOf(token, OTHER_MODULE, A) == z);
        } catch {}
    }
}
