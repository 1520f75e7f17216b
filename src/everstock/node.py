"""A local chain to try everything on: `make node`.

Anvil with the whole system deployed by the one builder, recorded in `deployments/local.json`, seeded with liquidity and
positions. Until it is stopped, prices move once a second and a keeper does its work.
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from decimal import Decimal
from pathlib import Path

from eth_account import Account

from everstock.chain.accounts import key
from everstock.chain.anvil import AnvilNode
from everstock.chain.errors import AnvilFailed
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Side, System
from everstock.deploy.record import Record, Store
from everstock.deploy.release import Release
from everstock.deploy.terminal import Terminal
from everstock.keeper import AccountBook, EventLog, Keeper
from everstock.params import LOCAL, load

PORT = 8545
LP_USD = 3_000_000
TRADER_USD = 20_000
STEP = Decimal("0.0005")
"""A price's usual move in a second: lively, and far from the jump breaker."""

ETHER = 10**18


def deploy(chain: RpcChain, store: Store) -> tuple[System, Record]:
    """The system of `params/local.yaml`, on the record."""
    store.path(LOCAL).unlink(missing_ok=True)  # of a node that is gone
    deployer = chain.sender_of(None)
    chain.fund(deployer, ETHER)
    release = Release(chain, load(LOCAL), LOCAL, deployer, store=store)
    return release.run(release.plan())


def seed(system: System) -> None:
    """An LP in both pools of each margin token, and a trader with a put and a call on bitcoin."""
    market = system.market("BTC-7D")
    lp, trader = system.chain.account("lp"), system.chain.account("trader")
    for token in system.tokens.values():
        deposit = tokens_for(system, token, LP_USD)
        token.mint(lp, deposit * 3 // 2)
        token.main.deposit(lp, deposit)
        token.insurance.deposit(lp, deposit // 2)
        margin = tokens_for(system, token, TRADER_USD)
        token.mint(trader, margin)
        account = token.trader(trader)
        account.deposit(margin)
        strike = market.nearest_strike(market.price_usd)
        account.open(market, strike, Side.PUT, margin)
        account.open(market, strike + 2, Side.CALL, margin)


def tokens_for(system: System, token: MarginToken, usd: int) -> int:
    """About so many dollars' worth, by the price in the parameters."""
    return int(usd / (system.params.tokens[token.symbol].price_usd or 100))


def live(system: System, chain: RpcChain, log: EventLog, seconds: float | None) -> Keeper:
    """Let prices move and the keeper work, once a second. Returns the keeper."""
    keeper = Keeper(system, chain.account("keeper"), log.source(AccountBook(system).addresses))
    feeds = [asset for asset in system.assets.values() if system.params.assets[asset.name].aggregator is None]
    prices = {feed.name: Decimal(feed.aggregator.latestAnswer()) / 10**feed.feed_decimals for feed in feeds}
    chance = random.Random(1)
    started = time.monotonic()
    while seconds is None or time.monotonic() - started < seconds:
        chain.set_time(max(chain.now + 1, int(time.time())))
        for feed in feeds:
            prices[feed.name] *= 1 + STEP * Decimal(chance.gauss(0, 1))
            feed.publish(prices[feed.name])
        keeper.tick()
        time.sleep(1)
    return keeper


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="everstock.node", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--seconds", type=float, help="end after so long; without it, when stopped")
    parser.add_argument("--deployments", type=Path, help="folder of the record")
    options = parser.parse_args(arguments)
    terminal = Terminal()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # importing ape replaces it by one that exits at once
    started = time.monotonic()
    try:
        node = AnvilNode(port=options.port, start=int(time.time()))
    except AnvilFailed as error:
        raise SystemExit(f"everstock.node: {error}") from None
    with node:
        chain = node.chain(signer=Account.from_key(key("deployer")), exclusive=False)
        log = EventLog(chain)
        with terminal.console.status("Deploying"):
            system, record = deploy(chain, Store(options.deployments))
        with terminal.console.status("Seeding"):
            seed(system)
        terminal.contracts(record)
        terminal.console.print(
            f"\nDeployed and seeded in {time.monotonic() - started:.0f} s. The chain answers at {node.uri}, chain id "
            f"{record.chain_id}; every account may send, gas is free.\n"
            "Prices move once a second and a keeper works, until you press Ctrl-C."
        )
        try:
            live(system, chain, log, options.seconds)
        except KeyboardInterrupt:
            terminal.console.print("Stopped.")


if __name__ == "__main__":
    main()
