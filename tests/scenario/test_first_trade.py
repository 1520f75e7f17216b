"""The story that plays anywhere: in process, and on a plain node, where nothing can be made to happen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from rich.console import Console

from everstock.chain.accounts import address, key
from everstock.chain.evm import EvmChain
from everstock.deploy.record import Record, Store
from everstock.params import Params
from everstock.scenarios import SCENARIOS
from everstock.scenarios.first_trade import Outcome
from everstock.scenarios.prices import BadWindow, Window
from everstock.scenarios.stage import NotPlayable, network_stage
from support.printer import printing
from support.public_node import ETHER, PublicNode, finish
from support.release_desk import Home
from support.wire import Wire

STORY = SCENARIOS["first-trade"]
ACTORS = ("first issuer", "first lp", "first trader", "first keeper")
PLAIN = re.compile(r"eth_|net_|web3_")


def wrong(outcome: Any) -> list[str]:
    return [f"{check.name}: {check.difference}" for check in outcome.checks if not check.ok]


def told(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


# ---------------------------------------------------------------------------------------------- in process


def test_in_process_everything_happens_and_adds_up(console):
    outcome = STORY.play(EvmChain(), console, prices=None, window=None, seed=1)
    assert wrong(outcome) == []
    assert (outcome.adds_up, outcome.left_out, len(outcome.checks)) == (True, [], 11)
    trader = outcome.stage["trader"].address
    stock, dollars = outcome.books
    assert stock.flows[trader]["payout"] > 0 > stock.flows[trader]["premium"]
    assert stock.flows[trader]["orders"] == -(10**16)
    assert dollars.flows[trader]["borrowed"] < 0  # a little interest


def test_a_token_that_nobody_posted_is_found_out(console):
    outcome = STORY.play(EvmChain(), console, prices=None, window=None, seed=1)
    keeper = outcome.stage["keeper"].address
    outcome.stage.system.token("TSLA.M").mint(keeper, 1)
    assert wrong(outcome) == [f"keeper: TSLA.M by events = held: {-(10**18)}"]
    assert not outcome.adds_up


def test_it_has_prices_of_its_own(console):
    with pytest.raises(BadWindow, match="prices of its own"):
        STORY.play(EvmChain(), console, prices=None, window=Window.parse("2026-01-05:2026-01-09"), seed=1)


def test_only_this_story_needs_no_time_travel():
    assert [name for name, each in SCENARIOS.items() if not each.needs_time_travel] == ["first-trade"]


# ---------------------------------------------------------------------------------------------- on a plain node


@dataclass
class Network:
    """A plain node with a deployment whose issuer is an account with a key, and whose stock trades on this Monday."""

    node: PublicNode
    wire: Wire
    record: Record

    def signers(self, *names: str) -> list[Any]:
        return [Account.from_key(key(name)) for name in names]

    def publish(self) -> None:
        self.node.aggregators["BTC"].updateAnswer(60_000 * 10**8)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    node = PublicNode()
    for name in ACTORS:
        node.admin().rpc("anvil_setBalance", address(name), hex(ETHER))
    fields = node.params.model_dump()
    fields["roles"] |= {"issuer": address("first issuer"), "issuer_delay_seconds": 0}
    node.params = Params.model_validate(fields)
    folder = tmp_path_factory.mktemp("network")
    record = finish(node, folder, node.release(folder).plan())
    wire = Wire(node.uri)
    yield Network(node, wire, record)
    wire.close()
    node.close()


@pytest.fixture
def played(network: Network) -> Iterator[Network]:
    with network.node.undone():
        network.wire.methods.clear()
        yield network


def play(network: Network, console: Console, *names: str, **options: Any) -> Outcome:
    options = {"patience": 60, "sleep": lambda _: None, **options}
    stage = network_stage(network.wire.uri, network.record, network.signers(*names), **options)
    assert STORY.on_network is not None
    outcome = STORY.on_network(stage, console)
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize("count", [4, 1], ids=["an account a part", "one account for all parts"])
def test_on_a_plain_node_with_funded_accounts(played, console, count):
    with printing(played.publish):
        outcome = play(played, console, *ACTORS[:count])
    assert wrong(outcome) == []
    assert outcome.left_out == []
    assert "the keeper executes the order at that price" in told(console)
    assert "it is repaid, with" in told(console)
    assert all(map(PLAIN.match, played.wire.methods)), played.wire.methods
    assert "eth_sendTransaction" not in played.wire.methods
    spent = [ETHER - played.node.chain().balance(address(name)) for name in ACTORS[:count]]
    assert min(spent) > 0  # gas costs, and each pays its own


def test_a_feed_that_does_not_print_ends_in_a_cancelled_order(played, console):
    def block(_seconds: float) -> None:
        time.sleep(0.05)
        played.node.admin().rpc("evm_mine")

    outcome = play(played, console, *ACTORS, patience=2, sleep=block)
    assert wrong(outcome) == []
    assert [line[:26] for line in outcome.left_out] == ["The feed did not print wit"]


def test_who_lacks_tokens_and_an_issuer_is_told(played, console):
    with pytest.raises(NotPlayable, match=r"the trader 0x\w+ lacks 940 TSLA.M, and 0x\w+ may not issue at once"):
        play(played, console, "first lp")
    assert played.node.chain().nonce(address("first lp")) == 0


def test_who_has_no_ether_is_told(played, console):
    with pytest.raises(NotPlayable, match="has no ether to pay for gas"):
        play(played, console, "first issuer", "a beggar")


def test_nobody_signs(played, console):
    with pytest.raises(NotPlayable, match="name one to four, with --account"):
        play(played, console)


def test_a_closed_market_is_told_before_anything_is_sent(played, console):
    admin = played.node.admin()
    admin.rpc("evm_setNextBlockTimestamp", admin.now + 5_000)
    admin.rpc("evm_mine")
    with pytest.raises(NotPlayable, match="BTC-7D is not open but stale"):
        play(played, console, *ACTORS)
    assert played.node.chain().nonce(address("first issuer")) == 0


# ---------------------------------------------------------------------------------------------- the command


def test_a_story_that_lets_days_pass_is_refused_on_a_network(network: Network, tmp_path: Path) -> None:
    wire = Wire(network.node.uri, client="Geth/v1.16.0/linux-amd64")
    try:
        done = Home(tmp_path / "ape").ape("scenario", "monday-gap", "--network", f"base:mainnet:{wire.uri}")
    finally:
        wire.close()
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "monday-gap lets days pass: it needs a local chain. On networks: first-trade" in told
    assert all(map(PLAIN.match, wire.methods)), wire.methods
    assert "eth_sendRawTransaction" not in wire.methods


def test_an_account_that_ape_does_not_know_is_told(network: Network, tmp_path: Path) -> None:
    """That the command plays to its end is seen where the line on docs/deployment.md is run."""
    home = Home(tmp_path / "ape")
    Store(home.deployments).save(network.record)
    where = ("--network", f"base:mainnet:{network.node.uri}", "--deployment", "base")
    done = home.ape("scenario", "first-trade", *where, "--account", "nobody", typed="base\n")
    assert done.returncode == 1
    assert "ape knows no account 'nobody'" in done.stderr
