"""The scenarios by name, and where each can be played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from everstock.chain.base import Chain
from everstock.report import TokenLedger
from everstock.scenarios import bad_prices, chaos_keeper, first_trade, issuer_stories, lending, tsla_shorts_btc
from everstock.scenarios.prices import Window
from everstock.scenarios.stage import Stage


class Outcome(Protocol):
    """What every scenario ends with."""

    ledgers: list[TokenLedger]

    @property
    def adds_up(self) -> bool: ...


class Play(Protocol):
    """Runs on any local chain. Prices come from a CSV file of daily bars, or from the scenario's own seeded model."""

    def __call__(
        self, chain: Chain, console: Console, *, prices: Path | None, window: Window | None, seed: int
    ) -> Outcome: ...


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    description: str
    play: Play
    on_network: Callable[[Stage, Console], Outcome] | None = None
    """Plays it on a recorded deployment, with funded accounts."""

    @property
    def needs_time_travel(self) -> bool:
        """Then it is for local chains only."""
        return self.on_network is None


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("first-trade", first_trade.TITLE, first_trade.DESCRIPTION, first_trade.play, first_trade.tell),
        Scenario("tsla-shorts-btc", tsla_shorts_btc.TITLE, tsla_shorts_btc.DESCRIPTION, tsla_shorts_btc.play),
        Scenario("borrow-against-stock", lending.LOAN_TITLE, lending.LOAN_DESCRIPTION, lending.play_loan),
        Scenario("monday-gap", lending.GAP_TITLE, lending.GAP_DESCRIPTION, lending.play_gap),
        Scenario("chaos-keeper", chaos_keeper.TITLE, chaos_keeper.DESCRIPTION, chaos_keeper.play),
        Scenario("bad-prices", bad_prices.TITLE, bad_prices.DESCRIPTION, bad_prices.play),
        *(
            Scenario(name, title, play.__doc__ or title, play)
            for name, title, play in (
                ("issue-and-redeem", issuer_stories.ISSUE_AND_REDEEM, issuer_stories.issue_and_redeem),
                ("split-mid-position", issuer_stories.SPLIT_MID_POSITION, issuer_stories.split_mid_position),
                ("dividend-season", issuer_stories.DIVIDEND_SEASON, issuer_stories.dividend_season),
                ("proxy-vote", issuer_stories.PROXY_VOTE, issuer_stories.proxy_vote),
            )
        ),
    )
}
