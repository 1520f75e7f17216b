"""A split in the middle of open options, LP shares and loans leaves every account's value as it was. T3, G.

Every case is played twice from the same state: with the corporate action, and without. The market and the loan read a
derived feed: the share's print times the multiplier at the print's stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.contract import Contract
from everstock.chain.testing import reverts
from support.desk import DAY, ONE, WAD, Desk
from support.issuer import Issuer
from support.lending_desk import DOLLAR as USDX
from support.lending_desk import STOCK_ID, LendingDesk

SPLIT, REVERSE = 0, 1
SHARE = 250 * 10**8
CASES = [
    pytest.param(SPLIT, 3 * WAD, id="3:1"),
    pytest.param(REVERSE, WAD // 10, id="10:1 reverse"),
]
LAST_DECIMAL = Fraction(3, SHARE)
"""Of the share's print, relative: a third of 250 dollars has no end."""


def derived_price(issuer: Issuer, system: Any, assets: Sequence[bytes]) -> Contract:
    """Let the assets' prices be per token, derived from one share feed. Returns the share's aggregator."""
    deploy, owner = issuer.chain.deploy, issuer.governor
    share = deploy(system.artifacts["MockAggregator"], 8, SHARE, sender=owner)
    feed = deploy(system.artifacts["ChainlinkFeed"], share, sender=owner)
    derived = deploy(system.artifacts["DerivedFeed"], feed, issuer.token, share.description(), sender=owner)
    for asset in assets:
        system.oracle.setAsset(asset, (derived.address, DAY, WAD // 200, ZERO_ADDRESS), sender=owner)
    return share


@dataclass(eq=False)
class Scene:
    """TSLA.M is margin for BTC and TSLA options, an LP's share, and collateral of a loan, all at once."""

    issuer: Issuer
    desk: Desk
    tesla: Desk
    loan: LendingDesk
    share: Contract
    """The share's aggregator."""

    @classmethod
    def begin(cls, issuer: Issuer, system: Any) -> Scene:
        desk = issuer.desk
        tesla, loan = desk.with_market("TSLA-7D"), LendingDesk.open(system)
        share = derived_price(issuer, system, (tesla.market.asset.id, STOCK_ID))
        scene = cls(issuer, desk, tesla, loan.funded(), share)
        scene.loan.borrow(100_000 * USDX)
        scene.print_share(SHARE)
        desk.publish()
        desk.open(0, False, 50 * ONE, owner=desk.who.trader)
        scene.tesla.open(0, True, 40 * ONE, owner=desk.who.rival)
        scene.tesla.open(1, False, 20 * ONE, owner=desk.who.trader)
        return scene

    def print_share(self, share: int) -> None:
        """A round of the share's feed."""
        self.share.updateAnswer(share, sender=self.issuer.governor)

    def trade(self) -> None:
        """Everybody who may touch these prices does, in both markets, the pool and the loan."""
        desk = self.desk
        desk.open(1, True, 10 * ONE, owner=desk.who.trader)
        self.tesla.open(0, True, 10 * ONE, owner=desk.who.rival)
        desk.fund_pool(0, 50 * ONE, desk.who.late_lp)
        self.loan.repay(1_000 * USDX)

    def values(self) -> dict[str, int]:
        """Everything that anybody has."""
        desk, out = self.desk, {}
        for who in (desk.who.trader, desk.who.rival):
            out |= {
                f"{who} margin": desk.balance(who),
                f"{who} free": desk.free(who),
                f"{who} wallet": desk.wallet(who),
            }
            health = desk.health(who)
            out |= {f"{who} {name}": getattr(health, name) for name in health._fields}
        for pool in (desk.main, desk.insurance):
            for for_deposit in (True, False):
                nav = pool.nav(for_deposit)
                out |= {f"{pool.address} {for_deposit} {name}": getattr(nav, name) for name in nav._fields}
            out[f"{pool.address} supply"] = pool.totalSupply()
            out |= {f"{pool.address} {lp}": pool.balanceOf(lp) for lp in (desk.who.lp, desk.who.late_lp)}
        for market in (desk.market, self.tesla.market):
            for kind in range(3):
                out[f"{market.name} value {kind}"] = market.contract.quote(0, True, kind).value
        loan = self.loan.market.health(self.loan.borrower)
        out |= {f"loan {name}": getattr(loan, name) for name in loan._fields}
        out["supply"] = desk.token.contract.totalSupply()
        return {name: int(value) for name, value in out.items()}


@pytest.fixture
def scene(issuer: Issuer, system: Any) -> Scene:
    return Scene.begin(issuer, system)


def played(scene: Scene, play: Callable[[bool], None], acts: bool) -> dict[str, int]:
    with scene.issuer.chain.anchor():
        play(acts)
        return scene.values()


def same(with_split: dict[str, int], without: dict[str, int], exact: bool) -> None:
    assert with_split.keys() == without.keys()
    for name, value in without.items():
        allowed = 0 if exact else abs(value) * LAST_DECIMAL * 50 + 1  # a value's elasticity to the price
        assert abs(with_split[name] - value) <= allowed, (name, with_split[name], value)


@pytest.mark.parametrize(("kind", "multiplier"), CASES)
@pytest.mark.parametrize("order", permutations(("feed", "activation", "trade")), ids="-".join)
def test_values_do_not_change_in_any_order_of_feed_activation_and_trade(scene, kind, multiplier, order):
    """As margin, as underlying, in the pools and behind a loan."""
    issuer = scene.issuer
    effective = issuer.chain.now + DAY + 600

    def play(acts: bool) -> None:
        if acts:
            issuer.token.announceAction(kind, multiplier, effective, sender=issuer.governor)
        issuer.chain.set_time(effective - 300)
        scene.desk.publish()
        scene.print_share(SHARE)
        for step, act in enumerate(order):
            issuer.chain.set_time(effective + 60 * (step - 1))
            if act == "feed":
                split = acts and issuer.chain.now >= effective
                scene.print_share(SHARE * WAD // multiplier if split else SHARE)
            elif act == "trade":
                scene.trade()
            elif acts and issuer.chain.now >= effective:
                issuer.token.activate(sender=scene.desk.who.stranger)
        issuer.chain.set_time(effective + 120)
        scene.print_share(SHARE * WAD // multiplier if acts else SHARE)
        for market in (scene.desk.market, scene.tesla.market):
            market.contract.poke(sender=scene.desk.who.keeper)

    exact = SHARE * WAD % multiplier == 0
    same(played(scene, play, True), played(scene, play, False), exact)


@pytest.mark.parametrize(("kind", "multiplier"), CASES)
@pytest.mark.parametrize("early", [True, False], ids=["feed before the token", "feed after the token"])
def test_a_feed_out_of_step_halts_trading_and_harms_nobody(scene, kind, multiplier, early):
    """One print of the wrong side of the split: refused as a jump, nobody can be liquidated on it; then all goes on."""
    issuer, desk, tesla = scene.issuer, scene.desk, scene.tesla
    effective = issuer.chain.now + DAY + 600
    issuer.token.announceAction(kind, multiplier, effective, sender=issuer.governor)
    issuer.chain.set_time(effective - 300)
    scene.print_share(SHARE)
    tesla.market.contract.poke(sender=desk.who.keeper)
    before = {who: desk.balance(who) for who in (desk.who.trader, desk.who.rival)}
    issuer.chain.set_time(effective - 60 if early else effective + 60)
    scene.print_share(SHARE * WAD // multiplier if early else SHARE)
    with reverts("OptionMarket_NotOpen"):
        tesla.open(0, True, ONE, owner=desk.who.rival)
    with reverts("OptionMarket_NotOpen"):
        tesla.liquidate(0, True, owner=desk.who.rival)
    assert {who: desk.balance(who) for who in before} == before
    issuer.chain.set_time(effective + 120)
    scene.print_share(SHARE * WAD // multiplier)
    desk.publish()
    tesla.open(0, True, ONE, owner=desk.who.rival)


def test_tokens_as_margin_never_see_the_split(scene):
    """No price of TSLA.M is read for BTC options: to the unit, whatever the feed says."""
    issuer, desk = scene.issuer, scene.desk
    effective = issuer.chain.now + DAY

    def play(acts: bool) -> None:
        if acts:
            issuer.token.announceAction(SPLIT, 3 * WAD, effective, sender=issuer.governor)
        issuer.chain.set_time(effective + 600)
        desk.publish()
        scene.print_share(SHARE // 3 if acts else SHARE)
        desk.close(0, False, owner=desk.who.trader)

    kept = ("margin", "free", "wallet", "supply")
    results = [played(scene, play, acts) for acts in (True, False)]
    assert {k: v for k, v in results[0].items() if k.endswith(kept)} == {
        k: v for k, v in results[1].items() if k.endswith(kept)
    }
