"""Contracts as Python objects: values, overloads, events, errors; the same on both backends."""

from __future__ import annotations

import pytest

from everstock.chain import (
    AmbiguousFunction,
    BadArgument,
    Chain,
    ChainError,
    Contract,
    Reverted,
    UnknownEvent,
)
from everstock.chain.testing import reverts

TAG = b"shape".ljust(32, b"\0")


# ---------------------------------------------------------------------------------------------- values


def test_single_values_are_unwrapped(probe: Contract, trader: str) -> None:
    assert probe.seed() == 7
    assert probe.whoAmI(sender=trader) == trader


def test_several_values_are_a_tuple(probe: Contract) -> None:
    assert probe.several() == (1, True, "0x0000000000000000000000000000000000000003")


def test_structs_have_attributes_nested_and_in_arrays(probe: Contract, trader: str) -> None:
    shape = probe.shape(trader, 2)
    assert (shape.owner, shape.tag) == (trader, TAG)
    assert (shape.centre.x, shape.centre.y) == (-5, 6)
    assert shape.corners == [(0, 0), (1, 2)]
    assert shape.corners[1].y == 2
    assert probe.point(-1, 2)._asdict() == {"x": -1, "y": 2}


def test_structs_go_in_as_tuples_mappings_or_what_came_out(probe: Contract, trader: str) -> None:
    shape = probe.shape(trader, 1)
    as_mapping = {"owner": trader, "centre": {"x": -5, "y": 6}, "corners": [(0, 0)], "tag": "0x" + TAG.hex()}
    shapes, count = probe.echo([shape, tuple(shape), as_mapping])
    assert shapes == [shape] * 3
    assert count == 3


def test_contracts_stand_for_their_addresses(probe: Contract) -> None:
    assert probe.shape(probe, 0).owner == probe.address
    listed, pair = probe.addresses(sender=probe)
    assert listed == [probe.address]
    assert pair == [probe.address, probe.address]


@pytest.mark.parametrize("bad", [-1, 2**256, "1", None, 1.5])
def test_misfit_argument_names_the_function(probe: Contract, trader: str, bad: object) -> None:
    with pytest.raises(BadArgument, match=r"store\(uint256\)"):
        probe.store(bad, sender=trader)


@pytest.mark.parametrize("bad", ["0x12", "trader", 5, None])
def test_misfit_address_is_refused(probe: Contract, bad: object) -> None:
    with pytest.raises(BadArgument, match="not an address"):
        probe.counts(bad)


@pytest.mark.parametrize("bad", [(1,), (1, 2, 3), {"x": 1}, {"x": 1, "y": 2, "z": 3}, 7])
def test_misfit_struct_is_refused(probe: Contract, trader: str, bad: object) -> None:
    with pytest.raises(BadArgument):
        probe.mark(1, bad, [], sender=trader)


def test_wrong_number_of_arguments_is_refused(probe: Contract) -> None:
    with pytest.raises(BadArgument, match="takes 1 arguments, not 0"):
        probe.counts()


# ---------------------------------------------------------------------------------------------- functions


def test_overloads_are_told_apart_by_argument_count(probe: Contract) -> None:
    assert (probe.twice(3), probe.twice(3, 4)) == (6, 14)


def test_overloads_of_equal_count_need_a_signature(probe: Contract, trader: str) -> None:
    with pytest.raises(AmbiguousFunction, match=r"kind\(uint256\), kind\(address\)|kind\(address\), kind\(uint256\)"):
        probe.kind(1)
    assert probe["kind(uint256)"](1) == "number"
    assert probe["kind(address)"](trader) == "address"


def test_unknown_function(probe: Contract) -> None:
    with pytest.raises(AttributeError, match="ChainProbe has no function nope"):
        probe.nope  # noqa: B018
    with pytest.raises(KeyError):
        probe["nope()"]


def test_sending_needs_a_sender(probe: Contract) -> None:
    with pytest.raises(TypeError, match="sender"):
        probe.bump()


def test_encode_and_decode_call_data(probe: Contract) -> None:
    data = probe.store.encode(5)
    assert data == probe.store.selector + (5).to_bytes(32, "big")
    assert probe.abi_functions.decode_call(data) == ("store", {"value": 5})


def test_view_may_be_sent_as_a_transaction(probe: Contract, trader: str) -> None:
    assert probe.seed.send(sender=trader).return_value == 7


def test_no_code_behind_the_address_is_told(chain: Chain, probe: Contract, trader: str) -> None:
    with pytest.raises(ChainError, match="is it deployed"):
        chain.contract(probe.artifact, trader).seed()


def test_equality_is_chain_and_address(chain: Chain, probe: Contract) -> None:
    again = chain.contract(probe.artifact, probe)
    assert again == probe
    assert {again} == {probe}
    assert again != probe.address


# ---------------------------------------------------------------------------------------------- receipts


def test_events_are_decoded_in_order(probe: Contract, trader: str) -> None:
    receipt = probe.mark(5, (-1, 2), [3, 4], sender=trader)
    mark = receipt.event("Mark")
    assert mark.address == probe.address
    assert mark.args == {"who": trader, "id": 5, "point": (-1, 2), "series": [3, 4]}
    assert mark["point"].x == -1
    assert len(receipt.logs[0].topics) == 3


def test_indexed_text_is_its_hash(probe: Contract, trader: str) -> None:
    event = probe.name("everstock", sender=trader).event("Name")
    assert event["plain"] == "everstock"
    assert len(event["hashed"]) == 32


def test_one_event_is_asked_for_and_none_is_there(probe: Contract, trader: str) -> None:
    receipt = probe.store(1, sender=trader)
    assert receipt.events == receipt.events_named("Mark") == []
    with pytest.raises(UnknownEvent, match="0 events named Mark"):
        receipt.event("Mark")


def test_logs_stay_after_later_transactions(probe: Contract, trader: str) -> None:
    first = probe.mark(1, (0, 0), [], sender=trader)
    probe.mark(2, (0, 0), [], sender=trader)
    assert first.event("Mark")["id"] == 1


def test_return_value_of_a_transaction(probe: Contract, trader: str) -> None:
    assert [probe.bump(sender=trader).return_value for _ in range(2)] == [1, 2]
    assert probe.mark(1, (0, 0), [], sender=trader).return_value is None


def test_gas_of_the_first_transaction_is_that_of_a_chain(chain: Chain, probe: Contract, trader: str) -> None:
    assert 40_000 < probe.bump(sender=trader).gas_used < 50_000


# ---------------------------------------------------------------------------------------------- errors


def test_custom_error_is_named_with_its_arguments(probe: Contract, trader: str) -> None:
    for fail in (probe.failWith, probe.failWith.send):
        with reverts("ChainProbe_BeyondLimit", 12, 10) as caught:
            fail(12, 10, sender=trader)
        assert str(caught.error) == "ChainProbe_BeyondLimit(asked=12, limit=10)"
        assert caught.error["limit"] == 10


def test_error_with_a_struct(probe: Contract) -> None:
    with reverts("ChainProbe_BadPoint", (-3, 4), "why not"):
        probe.failPoint((-3, 4), "why not")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("failBare", "ChainProbe_Bare()"),
        ("failText", "Error(message=a plain reason)"),
        ("failSilently", "Empty()"),
        ("failInvalid", "Halt(reason=invalid opcode)"),
    ],
)
def test_every_kind_of_failure_reads_the_same_called_or_sent(
    probe: Contract, trader: str, function: str, text: str
) -> None:
    for fail in (probe[function], probe[function].send):
        with pytest.raises(Reverted) as caught:
            fail(sender=trader)
        assert str(caught.value) == text


def test_panic_is_explained(probe: Contract) -> None:
    with reverts("Panic", 0x12) as caught:
        probe.divide(1, 0)
    assert str(caught.error) == "Panic(0x12: division by zero)"


def test_failing_constructor_is_decoded(chain: Chain, probe: Contract, trader: str) -> None:
    # Initcode that reverts with ChainProbe_Bare's selector.
    selector = next(spec.selector for spec in chain.registry.errors.values() if spec.name == "ChainProbe_Bare")
    with reverts("ChainProbe_Bare"):
        chain.send(trader, None, b"\x63" + selector + bytes.fromhex("60e01b5f5260045ffd"))
