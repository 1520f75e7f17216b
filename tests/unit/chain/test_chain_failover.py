"""Requests over endpoints that fail: what is repeated, what is not, and where it goes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from everstock.chain.errors import ChainError, NodeUnreachable, RpcError
from everstock.chain.failover import RATE_LIMITED, FailoverRpc, repeatable
from everstock.chain.transport import Request


class Endpoint:
    """Fails as told, then answers with its name."""

    def __init__(self, name: str, *failures: ChainError) -> None:
        self.name, self.failures = name, list(failures)
        self.asked: list[str] = []
        self.closed = False

    def __call__(self, method: str, *params: Any) -> Any:
        self.asked.append(method)
        if self.failures:
            raise self.failures.pop(0)
        return self.name

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        return [self(method, *params) for method, params in calls]

    def close(self) -> None:
        self.closed = True


def down() -> NodeUnreachable:
    return NodeUnreachable("http://node.example/key", "connection refused")


@pytest.fixture
def pauses() -> list[float]:
    return []


def test_an_endpoint_that_fails_hands_over_to_the_next(pauses: list[float]) -> None:
    first, second = Endpoint("first", down()), Endpoint("second")
    heard: list[tuple[str, ChainError]] = []
    rpc = FailoverRpc(clients=[first, second], sleep=pauses.append, on_failure=lambda *it: heard.append(it))
    assert rpc("eth_chainId") == "second"
    assert rpc("eth_chainId") == "second", "it stays with the one that answered"
    assert (len(first.asked), len(second.asked)) == (1, 2)
    assert [method for method, _ in heard] == ["eth_chainId"]


def test_pauses_double_up_to_the_longest_and_vary_by_half(pauses: list[float]) -> None:
    rpc = FailoverRpc(
        clients=[Endpoint("a", *(down() for _ in range(5)))], pause=1, longest_pause=4, sleep=pauses.append
    )
    assert rpc("eth_call") == "a"
    for pause, middle in zip(pauses, (1, 2, 4, 4, 4), strict=True):
        assert middle / 2 <= pause <= middle * 1.5


def test_after_the_last_attempt_the_failure_is_raised(pauses: list[float]) -> None:
    endpoint = Endpoint("a", *(down() for _ in range(9)))
    with pytest.raises(NodeUnreachable, match=r"^http://node\.example: connection refused$"):
        FailoverRpc(clients=[endpoint], attempts=3, sleep=pauses.append)("eth_call")
    assert (len(endpoint.asked), len(pauses)) == (3, 2)


def test_a_rate_limit_is_waited_out_and_any_other_answer_is_final(pauses: list[float]) -> None:
    limited = Endpoint("a", RpcError("eth_call", RATE_LIMITED, "slow down"))
    assert FailoverRpc(clients=[limited], sleep=pauses.append)("eth_call") == "a"
    refusing = Endpoint("a", RpcError("eth_call", 3, "execution reverted"))
    with pytest.raises(RpcError, match="execution reverted"):
        FailoverRpc(clients=[refusing], sleep=pauses.append)("eth_call")
    assert len(refusing.asked) == 1


@pytest.mark.parametrize("method", ["eth_sendTransaction", "eth_sendTransactionSync", "evm_mine", "anvil_reorg"])
def test_what_may_have_been_done_is_not_done_again(method: str, pauses: list[float]) -> None:
    endpoint = Endpoint("a", down())
    with pytest.raises(NodeUnreachable):
        FailoverRpc(clients=[endpoint], sleep=pauses.append)(method)
    assert endpoint.asked == [method]


def test_a_batch_is_repeated_only_if_all_of_it_may_be(pauses: list[float]) -> None:
    reads = Endpoint("a", down())
    assert FailoverRpc(clients=[reads], sleep=pauses.append).batch([("eth_call", []), ("eth_call", [])]) == ["a", "a"]
    mixed = Endpoint("a", down())
    with pytest.raises(NodeUnreachable):
        FailoverRpc(clients=[mixed], sleep=pauses.append).batch([("eth_call", []), ("evm_mine", [])])


def test_a_signed_transaction_may_be_repeated_and_an_unsigned_one_not() -> None:
    assert repeatable("eth_sendRawTransaction")
    assert not repeatable("eth_sendTransaction")


def test_it_needs_an_endpoint_and_closes_all() -> None:
    with pytest.raises(ValueError, match="at least one endpoint"):
        FailoverRpc([])
    endpoints = [Endpoint("a"), Endpoint("b")]
    FailoverRpc(clients=endpoints).close()
    assert all(each.closed for each in endpoints)
