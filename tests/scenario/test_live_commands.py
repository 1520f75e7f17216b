"""`ape run keeper` and `ape run rfq` as processes, on a recorded deployment on a node of its own: they act, they are
killed, and their next lives go on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from eth_account import Account

from everstock.artifacts import find_root
from everstock.chain.accounts import key
from everstock.chain.anvil import AnvilNode
from everstock.chain.rpc import RpcChain
from everstock.client import OrderDesk, Side, System, buy
from everstock.client.issuer import SettlementSide
from everstock.deploy.record import Store
from everstock.node import deploy, seed
from everstock.rfq import SignedQuote
from support.commands import APE_RUN, Command, free_port, key_file, wait_for
from support.uniswap_venue import UniswapVenue

ETHER = 10**18
SILVERBACK = "EVERSTOCK_SILVERBACK"
PRICES = {"BTC": Decimal(60_000), "ETH": Decimal(3_000), "TSLA": Decimal(250)}


class Town:
    """A plain Anvil with the system on it, and everybody but the keeper and the maker."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.node = AnvilNode(plain=True)
        self.uri = self.node.uri
        self.chain: RpcChain = self.node.chain(signer=Account.from_key(key("deployer")), exclusive=False)
        self.system: System = deploy(self.chain, Store(home / "deployments"))[0]
        seed(self.system)
        self.prices = dict(PRICES)
        self.keeper = self.chain.account("keeper")
        for name in ("keeper", "maker"):
            self.chain.fund(self.chain.account(name), ETHER)
            key_file(home, name, name)
        self.orders = OrderDesk(self.system.token("TSLA.M"), self.chain.account("trader"))
        self.orders.authorise()

    def pass_time(self, seconds: int, **prices: int) -> None:
        """And everything has a new print."""
        self.chain.warp(seconds)
        self.prices |= {name: Decimal(price) for name, price in prices.items()}
        for name, price in self.prices.items():
            self.system.asset(name).publish(price)

    def commit(self, salt: int) -> bytes:
        market = self.system.market("BTC-7D")
        leg = buy(self.orders.token, market, 0, Side.CALL, 3, 2)
        order = self.orders.order(leg, salt=salt, deadline=self.chain.now + 86_400)
        self.orders.commit(order)
        return bytes(order.digest(self.system.orders))

    def events(self, address: str, name: str) -> list[Any]:
        from everstock.keeper import NodeLogs

        return [event for event in NodeLogs(self.chain, [address], 0, span=10**9).poll() if event.name == name]

    def executed(self) -> list[bytes]:
        return [bytes(event["orderHash"]) for event in self.events(self.system.orders.address, "Execute")]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("live"))
    yield town
    town.node.close()


def test_the_keeper_does_all_its_duties_and_survives_its_death(town: Town) -> None:
    system, keeper = town.system, town.keeper
    venue = UniswapVenue.open(system.token("TSLA.M"), 4_000, 250)
    dollars = venue.issuer.cash_units(200_000)
    venue.cash.mint(keeper, dollars, sender=system.governor)
    market = system.lending_market("TSLA.M/USDX")
    lender, borrower = town.chain.account("lender"), market.borrower(town.chain.account("borrower"))
    market.loan.contract.mint(lender, market.loan.units(100_000), sender=system.governor)
    market.supply(lender, 100_000)
    market.collateral.mint(borrower.owner, 300)
    borrower.deposit(300)
    borrower.borrow(40_000)
    config = town.home / "keeper.yaml"
    config.write_text(
        f"arbitrage:\n- {{token: TSLA.M, pair: '{venue.pair.address}', router: '{venue.router.address}', "
        "cash_limit: 50000}\n"
    )
    port = free_port()
    options = ("--account", "keeper", "--config", str(config), "--metrics-port", str(port), "--json-logs")
    options += ("--poll-seconds", "0.1", "--endpoint", town.uri)
    first = town.commit(salt=1)

    with Command(town.home, town.uri, "keeper", *options) as command:
        command.says('"started"')
        assert command.lines[0]["account"] == keeper
        town.pass_time(5)
        wait_for(lambda: town.executed() == [first], lambda: command.said)
        venue.push(tokens=250)
        wait_for(lambda: town.events(venue.issuer.desk.address, "RequestRedeem"), lambda: command.said)
        command.says('"request redeem"')
        numbers = command.metrics(port)
        assert numbers['everstock_keeper_actions_total{kind="order"}'] == 1
        assert numbers['everstock_keeper_actions_total{kind="buy"}'] == 1
        assert numbers["everstock_keeper_accounts"] == 2
        assert numbers["everstock_keeper_loans"] == 1
        assert 0 < numbers["everstock_keeper_gas_wei"] < ETHER
        assert {"buy", "order", "request redeem", "started"} <= {line["event"] for line in command.lines}
        second = town.commit(salt=2)
        command.kill()

    # Nobody is there: an order waits, the loan goes bad, the issuer settles.
    town.pass_time(5)
    for price in (228, 208, 195):
        town.pass_time(1_201, TSLA=price)
        system.oracle.refresh(system.asset("TSLA").id, sender=system.governor)
    venue.cash.mint(system.governor, dollars, sender=system.governor)
    venue.issuer.settle_batch(SettlementSide.REDEEM, 250)
    assert town.executed() == [first]
    town.pass_time(5)

    with Command(town.home, town.uri, "keeper", *options) as command:
        wait_for(lambda: second in town.executed(), lambda: command.said)
        (sold,) = wait_for(lambda: town.events(market.address, "Liquidate"), lambda: command.said)
        assert (sold["borrower"], sold["liquidator"]) == (borrower.owner, keeper)
        (claim,) = wait_for(lambda: town.events(venue.issuer.desk.address, "Claim"), lambda: command.said)
        assert claim["controller"] == keeper
        command.says('"liquidate loan"')
        assert command.stop() == 0
        assert command.lines[-1]["event"] == "stopped"
        assert "Traceback" not in command.said
    assert town.executed() == [first, second], "each once"


def test_a_keeper_without_ether_or_a_node_ends_in_one_line(town: Town) -> None:
    key_file(town.home, "poor", "poor keeper")
    options = ("--account", "poor", "--once")
    with Command(town.home, town.uri, "keeper", *options, APE_ACCOUNTS_poor_PASSPHRASE="correct horse") as command:
        assert command.process.wait(60) == 1
        assert "holds no ether to pay gas with" in command.said
        assert "Traceback" not in command.said
    with Command(town.home, f"http://127.0.0.1:{free_port()}", "keeper", "--dry-run", "--once") as command:
        assert command.process.wait(60) == 1
        assert "Does the node answer?" in command.said
        assert "Traceback" not in command.said
    with Command(town.home, town.uri, "keeper", "--dry-run", "--once", "--deployment", "mainnet") as command:
        assert command.process.wait(60) == 1
        assert "no deployment 'mainnet'" in command.said


def test_a_dry_run_says_what_it_would_send(town: Town) -> None:
    town.commit(salt=77)
    town.pass_time(5)
    number = town.chain.block_number
    with Command(town.home, town.uri, "keeper", "--dry-run", "--once") as command:
        assert command.process.wait(60) == 0
        assert "function=execute" in command.said
    assert town.chain.block_number == number


# ── the bot ───────────────────────────────────────────────────────────────────────────────────────────────────────────


FAKE_BROKER = """
import sys, types
import ape
from ape import networks

class SilverbackBot:
    signer = None
    def __init__(self): self.handlers = {}
    def on_worker_startup(self): return lambda f: self.handlers.setdefault("startup", f)
    def on_(self, source): return lambda f: self.handlers.setdefault("block", f)

sys.modules["silverback"] = types.SimpleNamespace(SilverbackBot=SilverbackBot)
sys.path.insert(0, "bots")
with networks.parse_network_choice(sys.argv[2]):
    import keeper
    account = ape.accounts.load("keeper")
    account.set_autosign(True)
    keeper.bot.signer = account
    keeper.bot.handlers["startup"](None)
    print("did", keeper.bot.handlers["block"](None))
    keeper.one_pass.acquire()
    print("busy", keeper.bot.handlers["block"](None))
    keeper.one_pass.release()
    print("then", keeper.bot.handlers["block"](None))
"""


def test_the_bots_handlers_work_under_a_fake_broker(town: Town) -> None:
    waiting = town.commit(salt=5)
    town.pass_time(5)
    program = (sys.executable, "-c", FAKE_BROKER)
    with Command(town.home, town.uri, program=program) as command:
        assert command.process.wait(60) == 0, command.said
        (did,) = [line for line in command.said.splitlines() if line.startswith("did")]
        assert "'order': " in did
        assert "busy {}" in command.said
        assert "then {}" in command.said
    assert waiting in town.executed()


@pytest.mark.skipif(
    "EVERSTOCK_SILVERBACK" not in os.environ, reason="names the silverback of an environment of its own"
)
def test_the_bot_works_under_silverback_itself(town: Town) -> None:
    program = (os.environ[SILVERBACK], "run", "keeper:bot")
    with Command(town.home, town.uri, "--account", "keeper", program=program) as command:
        command.says('"started"')
        waiting = town.commit(salt=6)

        def after_a_block() -> bool:
            town.pass_time(1)  # it looks at blocks only, and ends when none comes
            return waiting in town.executed()

        wait_for(after_a_block, lambda: command.said)
        command.says('"event": "order"')


# ── quotes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", data), timeout=10) as answer:
            return json.loads(answer.read())
    except HTTPError as error:
        return {"status": error.code} | json.loads(error.read())


def test_the_quote_server_survives_its_death(town: Town) -> None:
    system, chain = town.system, town.chain
    maker, taker, token = chain.account("maker"), chain.account("taker"), system.token("TSLA.M")
    dollar, port = system.pay_tokens["USDX"], free_port()
    token.mint(maker, 1_000)
    for owner in (maker, taker):
        dollar.mint(owner, 10**12, sender=system.governor)
        for each in (token.contract, dollar):
            each.approve(system.quotes, 2**256 - 1, sender=owner)
    environment = {"EVERSTOCK_MAKER_KEY": key("maker").hex()}
    options = ("--port", str(port), "--validity-seconds", "300")
    wanted = {"asset": "TSLA.M", "side": "buy", "quantity": "4", "taker": taker}
    town.pass_time(5)
    mid = town.prices["TSLA"]

    with Command(town.home, town.uri, "rfq", **environment) as command:
        assert "Quotes as" in command.says("Quotes as")
    with Command(town.home, town.uri, "rfq", *options, **environment) as command:
        command.says("Quotes as")
        assert ask(port, "/health")["maker"] == maker
        assert {name: Decimal(found) for name, found in ask(port, "/assets").items()} == {"TSLA.M": mid}
        earlier = ask(port, "/quote", wanted)
        assert earlier["distance_bps"] == "10.00"
        assert ask(port, "/quote", wanted | {"quantity": "4000"})["status"] == 422
        command.kill()

    with Command(town.home, town.uri, "rfq", *options, **environment) as command:
        command.says("Quotes as")
        later = ask(port, "/quote", wanted)
        for answer in (earlier, later):
            signed = SignedQuote.of(answer)
            filled = system.quotes.fill(signed.quote.struct, signed.signature, signed.quote.quantity, sender=taker)
            (receipt,) = ask(port, f"/receipt/{filled.tx_hash}")
            assert (Decimal(receipt["oracle_mid_usd"]), receipt["cost_bps"]) == (mid, "10.00")
        assert earlier["quote"]["nonce"] != later["quote"]["nonce"]
        assert token.balance(taker) == 8
        assert command.stop() == 0
        assert "Traceback" not in command.said


def test_the_quote_server_asks_for_its_key(town: Town) -> None:
    with Command(town.home, town.uri, "rfq") as command:
        assert command.process.wait(60) == 1
        assert "set EVERSTOCK_MAKER_KEY" in command.said


@pytest.mark.parametrize(("margin", "up", "down"), [("TSLA.M", "TSLA-7D", "BTC-7D"), ("NVDA.M", "NVDA-7D", "ETH-7D")])
def test_a_pair_with_a_stock_is_priced_at_any_hour(margin: str, up: str, down: str) -> None:
    """New York is closed most of the week; on a local chain the command lets it open."""
    command = [*APE_RUN, "strategy", "pair", "--margin", margin, "--market", up, "--against", down, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90, cwd=find_root())
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for what in (
        f"pair trade on {margin}",
        f"buy {up} call",
        f"buy {down} put",
        "margin to bring",
        "funding and rent per day, at today's speed",
        f"break-even in {up} now",
        f"break-even in {down} now",
        f"{margin} won or lost, by the price of {up} in USD",
        "A dry run: nothing was traded.",
    ):
        assert what in said
    assert said.count("●") > 50, "the picture"


def test_commands_explain_themselves() -> None:
    for name in ("keeper", "rfq"):
        done = subprocess.run([*APE_RUN, name, "--help"], capture_output=True, text=True, check=True, timeout=60)
        assert "--deployment" in done.stdout
