"""The ``reverts`` helper fails when it should."""

from __future__ import annotations

import pickle

import pytest

from everstock.chain import ZERO_ADDRESS, Reverted
from everstock.chain.accounts import address, key
from everstock.chain.registry import Registry
from everstock.chain.testing import reverts


def _fail() -> None:
    raise Reverted("Vault_Short", {"asked": 3, "owner": ZERO_ADDRESS})


def test_matches_name_and_arguments() -> None:
    with reverts("Vault_Short"):
        _fail()
    with reverts("Vault_Short", 3, ...):
        _fail()
    with reverts("Vault_Short", owner=ZERO_ADDRESS) as caught:
        _fail()
    assert caught.error.values == (3, ZERO_ADDRESS)


@pytest.mark.parametrize(
    ("name", "args", "named"),
    [
        ("Vault_Other", (), {}),
        ("Vault_Shor", (), {}),
        ("Vault_Short", (4, ...), {}),
        ("Vault_Short", (3,), {}),
        ("Vault_Short", (), {"asked": 4}),
        ("Vault_Short", (), {"nothing": 3}),
    ],
)
def test_anything_else_fails_the_test(name: str, args: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(AssertionError), reverts(name, *args, **named):
        _fail()


def test_success_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="nothing reverted"), reverts("Vault_Short"):
        pass


def test_unknown_and_malformed_data_keep_their_bytes() -> None:
    registry = Registry()
    for data in (b"\1\2\3\4\5", bytes.fromhex("08c379a0") + b"\xff"):
        error = registry.reverted(data)
        assert error.name == "Unknown"
        assert error.data == error["data"] == data


def test_reverts_cross_process_borders() -> None:
    error = Reverted("Vault_Short", {"asked": 3}, b"\1")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.data) == (str(error), b"\1")


def test_actors_are_the_same_everywhere_and_differ_by_name() -> None:
    assert address("trader") == address("trader") != address("lp")
    assert len(key("trader")) == 32
