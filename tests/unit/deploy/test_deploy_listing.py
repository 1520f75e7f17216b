"""What a lister must pass, the rehearsal that shows it, and the calls that a multisig then makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from everstock.artifacts import load as load_artifacts
from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.chain.rpc import RpcChain
from everstock.deploy.listing import Examination, examine, write_batches
from everstock.deploy.record import Record
from everstock.deploy.release import connect
from everstock.params import Token
from support.public_node import DAY, PublicNode, finish

HOLDER = EvmChain.account("holder")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PublicNode, Record]]:
    node, folder = PublicNode(), tmp_path_factory.mktemp("record")
    yield node, finish(node, folder, node.release(folder).plan())
    node.close()


@pytest.fixture
def node(public) -> Iterator[PublicNode]:
    with public[0].undone():
        yield public[0]


@pytest.fixture
def record(public) -> Record:
    return public[1]


@pytest.fixture
def dollar(node: PublicNode) -> Contract:
    """A token of six decimals that nobody has listed; the holder has a million of it."""
    chain = node.chain("feeds")
    token = chain.deploy(load_artifacts()["MockDollar"], 6)
    token.mint(HOLDER, 10**12)
    return token


def found(node: PublicNode, record: Record, token: Any, symbol: str = "USDX", **changes: Any) -> Examination:
    fields: dict[str, Any] = {"decimals": 6, "min_notional": Decimal(250), "price_usd": Decimal(1)}
    spec = Token(name=symbol, address=getattr(token, "address", token), **(fields | changes))
    return examine(node.chain(), record, spec, symbol, HOLDER)


def faults(examination: Examination) -> list[str]:
    return [finding.fault for finding in examination.findings if finding.fault]


def test_a_good_token_passes_and_the_multisigs_calls_list_it(node, record, dollar, tmp_path):
    before = node.chain().block_number
    examination = found(node, record, dollar)
    assert faults(examination) == []
    assert examination.passed
    assert node.chain().block_number == before  # all of it happened on a fork
    assert examination.delay_seconds == 2 * DAY

    chain = RpcChain(node.uri)
    system = connect(chain, record)
    schedule, execute = write_batches(examination, record, system, "USDX", tmp_path)
    for path in (schedule, execute):
        batch = json.loads(path.read_text())
        assert batch["chainId"] == str(record.chain_id)
        assert len(batch["transactions"]) == len(examination.calls)
        for transaction in batch["transactions"]:
            chain.send(system.governor, transaction["to"], bytes.fromhex(transaction["data"][2:]))
        chain.warp(2 * DAY)
    book = system.options.tokenBook(dollar.address)
    assert book.minNotional == 250 * 10**6
    assert chain.code(book.mainPool)
    assert "it is listed" not in faults(found(node, record, dollar))  # the record of the deployment does not know it


def test_without_a_delay_there_is_one_batch(node, record, dollar, tmp_path):
    examination = replace(found(node, record, dollar), delay_seconds=0)
    (path,) = write_batches(examination, record, connect(node.chain(), record), "USDX", tmp_path)
    first = json.loads(path.read_text())["transactions"][0]
    assert first["to"] == examination.calls[0].to
    assert first["data"] == "0x" + examination.calls[0].data.hex()


def test_what_does_not_fit_is_named(node, record, dollar):
    assert faults(found(node, record, dollar, symbol="USDC")) == ["its symbol is USDX"]
    assert faults(found(node, record, dollar, decimals=8, min_notional=Decimal("2.5"))) == ["it has 6 decimals, not 8"]
    assert faults(found(node, record, "0x" + "77" * 20)) == ["there is no contract at " + "0x" + "77" * 20]
    lens = record.contracts["lens"].address
    assert "does not answer as an ERC-20" in faults(found(node, record, lens))[0]


def test_a_token_of_the_deployment_is_listed_already(node, record):
    token = record.contracts["tokens/TSLA.M"].address
    changes = {"decimals": 18, "min_notional": Decimal(1), "price_usd": Decimal(250)}
    assert faults(found(node, record, token, symbol="TSLA.M", **changes)) == [
        "nothing of it was issued",
        f"{HOLDER} holds 0: the rehearsal takes a hundred times the minimum notional",
        "it is listed",
    ]


@pytest.mark.parametrize(("minimum", "worth"), [("99", "99"), ("1001", "1001")])
def test_a_minimum_far_from_250_dollars_is_refused(node, record, dollar, minimum, worth):
    assert faults(found(node, record, dollar, min_notional=Decimal(minimum))) == [
        f"{minimum} at 1 USD is worth {worth} USD: about 250 is meant"
    ]


def test_a_token_without_a_price_cannot_be_judged(node, record, dollar):
    assert faults(found(node, record, dollar, price_usd=None)) == [
        "name the token's price, to see what the minimum is worth"
    ]


def test_a_token_that_the_protocol_refuses_fails_the_rehearsal(node, record):
    """Five decimals are too few for the pools: the factory says so, on the fork."""
    chain = node.chain("feeds")
    coarse = chain.deploy(load_artifacts()["MockDollar"], 5)
    coarse.mint(HOLDER, 10**12)
    spec = Token(name="USDX", address=coarse.address, decimals=6, min_notional=Decimal(250), price_usd=Decimal(1))
    examination = examine(node.chain(), record, spec.model_copy(update={"decimals": 5}), "USDX", HOLDER)
    assert faults(examination) == ["PoolFactory_Decimals(decimals=5, min=6, max=18)"]


def test_a_proxy_is_noted(node, record, dollar):
    from everstock.deploy.listing import IMPLEMENTATION_SLOT

    node.admin().rpc("anvil_setStorageAt", dollar.address, IMPLEMENTATION_SLOT, "0x" + "11".rjust(64, "0"))
    examination = found(node, record, dollar)
    assert examination.passed
    assert any(finding.subject.startswith("note: a proxy") for finding in examination.findings)
