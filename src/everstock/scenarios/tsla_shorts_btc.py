"""TSLA.M is margin for a short on bitcoin, CRCL.M for a long over a weekend, and their holders are the sellers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from everstock.chain.base import Chain
from everstock.client import MarginToken, Market, Pool, Side, Trader
from everstock.client.system import QuoteKind, from_wad
from everstock.keeper import Action, Kind, PositionKey
from everstock.params import Params, load
from everstock.report import Party, Role, TokenLedger, build
from everstock.report.tables import checks_table, ledger_table, lp_table, summary, tokens, usd
from everstock.scenarios.prices import (
    DAY_SECONDS,
    BadWindow,
    Dynamics,
    Stretch,
    Window,
    bars_to_paths,
    midnight,
    synthetic_paths,
)
from everstock.scenarios.world import World

TITLE = "Tesla shorts bitcoin"
DESCRIPTION = (
    "A holder of TSLA.M shorts BTC without selling a share, one of CRCL.M goes long on a Saturday; LPs sell the "
    "options and redeem, a thin account is liquidated, a call that reaches its cap is exercised. It ends with a "
    "ledger that adds up."
)

CRYPTO = ("BTC", "ETH")
STOCKS = ("TSLA",)
HOUR = 3600
MIN_DAYS = 4
FULL_MARK = Decimal("0.75")
SLIPPAGE = Decimal("1.01")
PRICE_NOTES = {"TSLA.M": "the share's last price", "CRCL.M": "when listed (margin needs no feed)"}

SYNTHETIC_WINDOW = Window(date(2026, 1, 5), date(2026, 1, 18))
SYNTHETIC = {
    "BTC": Dynamics(
        Decimal(90_000),
        0.48,
        jumps_per_week=1.0,
        jump_size=0.02,
        plot=(Stretch(0.30, 0.55, -0.14), Stretch(0.6, 1, 0.06)),
    ),
    "ETH": Dynamics(Decimal(3_000), 0.60, jumps_per_week=1.0, jump_size=0.02, plot=(Stretch(0.12, 0.70, 0.47),)),
    "TSLA": Dynamics(Decimal(430), 0.50, trading_hours_only=True, plot=(Stretch(0.1, 0.6, -0.08),)),
}

PARTIES = {
    "TSLA.M": {
        "founding LP": Role.LP,
        "late LP": Role.LP,
        "short": Role.TRADER,
        "thin account": Role.TRADER,
        "ETH bull": Role.TRADER,
        "hedger": Role.TRADER,
    },
    "CRCL.M": {"Circle LP": Role.LP, "weekender": Role.TRADER},
}
MINTED = {
    "founding LP": 2_700,
    "late LP": 600,
    "short": 60,
    "thin account": 10,
    "ETH bull": 40,
    "hedger": 20,
    "Circle LP": 4_000,
    "weekender": 30,
}


@dataclass
class Outcome:
    """What happened, for whoever checks."""

    ledgers: list[TokenLedger]
    liquidations: int
    exercises: int
    redemptions: int
    world: World

    @property
    def adds_up(self) -> bool:
        return all(ledger.adds_up for ledger in self.ledgers)


def play(
    chain: Chain,
    console: Console,
    *,
    prices: Path | None = None,
    window: Window | None = None,
    seed: int = 1,
) -> Outcome:
    """Tell the story on `chain`, print it, and return its ledgers.

    Raises:
        PriceDataError: the prices cannot be used.
    """
    if prices is None:
        paths = synthetic_paths(SYNTHETIC, window or SYNTHETIC_WINDOW, seed)
    else:
        paths = bars_to_paths(prices, CRYPTO, STOCKS, window, seed)
    if len(paths.window.days) < MIN_DAYS:
        raise BadWindow(f"the story takes at least {MIN_DAYS} days: {paths.window} has {len(paths.window.days)}")
    story = Story(World(chain, load("local"), paths, console))
    story.tell()
    return story.end()


class Story:
    def __init__(self, world: World) -> None:
        self.world = world
        self.system = world.system
        self.tsla, self.crcl = (self.system.token(symbol) for symbol in ("TSLA.M", "CRCL.M"))
        self.counts = dict.fromkeys(Kind, 0)
        self.liquidated: Counter[str] = Counter()
        self.shorted_at = Decimal(0)
        self.first_share_prices: dict[str, dict[str, Decimal]] = {}
        world.on_action = self.acted

    # ── who and when ─────────────────────────────────────────────────────────────────────────────────────────────────
    def account(self, name: str) -> str:
        return self.world.chain.account(name)

    def name(self, address: str) -> str:
        names = [*MINTED, "keeper"]
        return next(name for name in names if self.account(name) == address)

    def trader(self, name: str) -> Trader:
        token = self.tsla if name in PARTIES["TSLA.M"] else self.crcl
        return token.trader(self.account(name))

    def share(self, part: float) -> int:
        """A full hour, after this share of the window."""
        paths = self.world.paths
        return paths.start + int(part * len(paths.window.days) * DAY_SECONDS) // HOUR * HOUR

    @property
    def weekend(self) -> tuple[int, int] | None:
        """Saturday morning and Monday afternoon of the first weekend that the window holds."""
        days = self.world.paths.window.days
        for day in days:
            if day.weekday() == 5 and day + timedelta(2) in days:
                return midnight(day) + 10 * HOUR, midnight(day + timedelta(2)) + 15 * HOUR
        return None

    def session(self, share: float) -> int:
        """The first afternoon on which New York trades, at or after this share of the window; else the last one."""
        afternoons = [midnight(day) + 16 * HOUR for day in self.world.paths.window.days if day.weekday() < 5]
        return next((at for at in afternoons if at >= self.share(share)), afternoons[-1] + HOUR)

    # ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────
    def tell(self) -> None:
        world, start = self.world, self.world.paths.start
        self.introduce()
        self.seed_pools()
        end = start + len(world.paths.window.days) * DAY_SECONDS
        world.at(start + 2 * HOUR, self.late_lp_joins)
        world.at(start + 9 * HOUR, self.short_opens)
        world.at(start + 11 * HOUR, self.thin_account_opens)
        world.at(start + 13 * HOUR, self.bull_opens)
        world.at(self.session(0), self.hedger_opens)
        if self.weekend is not None:
            world.at(self.weekend[0], self.weekender_opens)
            world.at(self.weekend[1], lambda: self.leave("weekender", "Monday: "))
        else:
            world.say("This window holds no whole weekend: the CRCL.M holder stays at home.", "yellow")
        world.at(self.share(0.36), self.late_lp_requests)
        world.at(self.share(0.60), self.short_closes_half, cue=lambda: self.fallen_by(Decimal("0.08")))
        world.at(self.share(0.85), lambda: self.leave("short"), cue=lambda: self.fallen_by(Decimal("0.10")))
        world.at(self.session(0.70), lambda: self.leave("hedger"))
        for day in range(1, len(world.paths.window.days)):
            world.at(start + day * DAY_SECONDS + 12 * HOUR, self.tend_accounts)
        for hours, name in ((6, "ETH bull"), (5, "thin account"), (4, "weekender"), (3, "short")):
            world.at(end - hours * HOUR, lambda name=name: self.leave(name))  # type: ignore[misc]
        world.run()

    def introduce(self) -> None:
        world, params = self.world, self.world.params
        prices = ", ".join(f"{name} {usd(world.price(name))}" for name in params.assets)
        text = (
            f"[bold]{TITLE}[/bold]: {world.paths.window}, prices {world.paths.source}\n"
            f"[dim]Every holder keeps the stock token; only margin, premiums and payouts move, in that token.\n"
            f"First prices in USD: {prices}. Times are UTC.[/dim]"
        )
        world.console.print(Panel.fit(text, border_style="dim"), highlight=False)
        if world.shift:
            weeks = world.shift // (7 * DAY_SECONDS)
            world.console.print(
                f"[dim]This chain has a past: its clock runs {weeks} weeks ahead of the dates below.[/dim]"
            )
        for symbol, names in PARTIES.items():
            for name in names:
                self.system.token(symbol).mint(self.account(name), MINTED[name])

    def seed_pools(self) -> None:
        for token, name, main, insurance in (
            (self.tsla, "founding LP", 2_000, 700),
            (self.crcl, "Circle LP", 3_000, 1_000),
        ):
            token.main.deposit(self.account(name), main)
            token.insurance.deposit(self.account(name), insurance)
            pools = {"main pool": token.main, "insurance pool": token.insurance}
            self.first_share_prices[token.symbol] = {name: pool.share_price for name, pool in pools.items()}
            self.world.say(
                f"The {name} puts {main:,} {token.symbol} into the main pool and {insurance:,} into insurance, "
                "to sell options and earn the premium in kind."
            )

    def late_lp_joins(self) -> None:
        pool = self.tsla.main
        pool.deposit(self.account("late LP"), 600)
        self.world.say(f"The late LP joins the main pool with 600 TSLA.M at {pool.share_price:.6f} TSLA.M a share.")

    def short_opens(self) -> None:
        self.trader("short").deposit(45)
        text = self.open("short", "BTC-7D", Side.PUT, Decimal(1), 400)
        self.shorted_at = self.world.price("BTC")
        self.world.say(f"The short puts up 45 TSLA.M and shorts BTC without selling one: {text}")

    def thin_account_opens(self) -> None:
        trader = self.trader("thin account")
        trader.deposit(8)
        text = self.open("thin account", "BTC-7D", Side.CALL, Decimal(1), 120)
        health = trader.health
        spare = (health.equity - health.initial_margin) * Decimal("0.999")
        trader.withdraw(spare)
        left = tokens(trader.health.equity)
        self.world.say(f"The thin account {text} Then it takes out all that it may: {left} TSLA.M stay as margin.")

    def bull_opens(self) -> None:
        self.trader("ETH bull").deposit(20)
        text = self.open("ETH bull", "ETH-7D", Side.CALL, Decimal("0.815"), 60)
        self.world.say(f"The ETH bull {text} Deep in the money, it pays little funding.")

    def hedger_opens(self) -> None:
        self.trader("hedger").deposit(14)
        text = self.open("hedger", "TSLA-7D", Side.PUT, Decimal(1), 80)
        self.world.say(f"The hedger {text} TSLA.M is margin and underlying at once.")

    def weekender_opens(self) -> None:
        self.trader("weekender").deposit(25)
        text = self.open("weekender", "BTC-7D", Side.CALL, Decimal(1), 300)
        self.world.say(f"Saturday, New York is closed. The weekender puts up 25 CRCL.M and goes long BTC: {text}")

    def fallen_by(self, share: Decimal) -> bool:
        """BTC, since the short opened."""
        return self.world.price("BTC") <= self.shorted_at * (1 - share)

    def tend_accounts(self) -> None:
        """Careful holders look at their margin at noon, and add to it below twice the requirement."""
        for name in ("short", "ETH bull", "hedger"):
            trader = self.trader(name)
            health = trader.health
            if health.equity >= 2 * health.initial_margin:
                continue
            amount = min(6 * health.initial_margin - health.equity, trader.token.balance(trader.owner))
            if amount > 0:
                trader.deposit(amount)
                had, needs = tokens(health.equity), tokens(health.maintenance_margin)
                self.world.say(
                    f"The {name} adds {tokens(amount)} {trader.token.symbol}: funding had left a margin of {had}, "
                    f"below {needs} it would be liquidated."
                )

    def open(self, name: str, market_name: str, side: Side, ratio: Decimal, notional: int) -> str:
        """Buy at the strike nearest to `ratio` times the price, for at most 1% over the quote; says what it cost."""
        market, trader = self.system.market(market_name), self.trader(name)
        self.world.require_open(market)
        strike = market.nearest_strike(self.world.price(market.asset.name) * ratio)
        ask = from_wad(market.quote(strike, side, QuoteKind.ASK).value)
        event = trader.open(market, strike, side, notional, max_premium=notional * ask * SLIPPAGE).event("Open")
        token = trader.token
        premium, fee = (tokens(token.amount(event[key])) for key in ("premium", "fee"))
        strike_usd, index = usd(market.strike_price_usd(strike), 0), usd(from_wad(event["price"]), 0)
        return (
            f"buys {market_name} {side.value}s on {notional} {token.symbol} at {strike_usd} (index {index}) "
            f"for {premium} premium and {fee} fee."
        )

    def short_closes_half(self) -> None:
        trader = self.trader("short")
        for position in trader.positions:
            self.world.say(f"The short takes half off: {self.close(trader, PositionKey(*position), Decimal(200))}")

    def leave(self, name: str, intro: str = "") -> None:
        """Close what is open and withdraw everything; nothing for an account that has left."""
        trader = self.trader(name)
        texts = [self.close(trader, PositionKey(*position)) for position in trader.positions]
        balance = trader.balance
        if balance:
            trader.withdraw()
            texts.append(f"withdraws {tokens(balance)} {trader.token.symbol}.")
        if texts:
            self.world.say(f"{intro}The {name} {' And '.join(texts)}")

    def close(self, trader: Trader, position: PositionKey, notional: Decimal | None = None) -> str:
        market, side = self.market(position), Side.CALL if position.is_call else Side.PUT
        self.world.require_open(market)
        receipt = trader.close(market, position.strike, side, notional)
        closed, token = receipt.event("Close")["closed"], trader.token
        payout = tokens(token.amount(closed.payoutMain + closed.payoutInsurance))
        # The vault has an event of that name too.
        settled = next(event for event in receipt.events_named("Settle") if "funding" in event.args)
        funding = tokens(token.amount(settled["funding"] + settled["rent"]))
        return (
            f"closes {market.name} {side.value}s on {tokens(token.amount(closed.notional), 0)} {token.symbol} at "
            f"{usd(market.price_usd, 0)}: receives {payout}, paid {funding} in funding and rent."
        )

    def market(self, position: PositionKey) -> Market:
        return next(market for market in self.system.markets.values() if market.id == position.market_id)

    def late_lp_requests(self) -> None:
        pool, lp = self.tsla.main, self.account("late LP")
        shares = Decimal(pool.shares_of(lp)).scaleb(-self.tsla.decimals - 6)
        pool.request_redeem(lp)
        self.world.say(
            f"The late LP asks for all of its {tokens(shares)} shares back, at {pool.share_price:.6f} TSLA.M now. "
            "They stay at risk for a day, and cannot be taken back."
        )

    # ── what the keeper did ──────────────────────────────────────────────────────────────────────────────────────────
    def acted(self, action: Action) -> None:
        self.counts[action.kind] += 1
        if action.kind is Kind.REDEEM:
            self.redeemed(action)
        if action.kind not in (Kind.LIQUIDATE, Kind.EXERCISE):
            return
        assert action.position is not None
        name, market = self.name(action.owner), self.market(action.position)
        trader = self.trader(name)
        token, closed = trader.token, action.receipt.event("Close")["closed"]
        side = "calls" if action.position.is_call else "puts"
        what = f"{market.name} {side} on {tokens(token.amount(closed.notional), 1)} {token.symbol}"
        payout = tokens(token.amount(closed.payoutMain + closed.payoutInsurance))
        reward, index = tokens(token.amount(closed.fee)), usd(market.price_usd, 0)
        if action.kind is Kind.EXERCISE:
            self.world.say(
                f"At {index} the mark of the {name}'s call has reached 75% of notional, its cap. The keeper exercises "
                f"{what}: pays {payout}, of which {reward} to the keeper.",
                "green",
            )
            self.world.at(self.world.time + HOUR, lambda: self.leave(name))
            return
        self.liquidated[name] += 1
        if self.liquidated[name] == 1:
            left = tokens(trader.health.equity)
            self.world.say(
                f"Funding has eaten the {name}'s margin. At {index} the keeper sells {what} for {payout}, of which "
                f"{reward} to the keeper, and no more than restores the margin: {left} {token.symbol}.",
                "yellow",
            )

    def redeemed(self, action: Action) -> None:
        token, pool = self.pool(action.at)
        event = action.receipt.event("ExecuteRedemption")
        assets = tokens(token.amount(event["assets"]))
        name = self.name(action.owner)
        self.world.say(
            f"The keeper executes the {name}'s redemption, now that every market has a price from after the day of "
            f"waiting: {assets} {token.symbol}."
        )

        def claim() -> None:
            pool.claim(action.owner)
            self.world.say(f"The {name} claims {assets} {token.symbol}.")

        self.world.at(self.world.time + HOUR, claim)

    def pool(self, address: str) -> tuple[MarginToken, Pool]:
        pools = [(token, pool) for token in self.system.tokens.values() for pool in (token.main, token.insurance)]
        return next((token, pool) for token, pool in pools if pool.address == address)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def end(self) -> Outcome:
        world, counts = self.world, self.counts
        self.unsaid()
        ledgers = [self.ledger(token) for token in (self.tsla, self.crcl)]
        priced = [(ledger, self.price_usd(ledger.token)) for ledger in ledgers]
        for ledger, price in priced:
            world.console.print()
            world.console.print(ledger_table(ledger, price, PRICE_NOTES[ledger.token.symbol]), highlight=False)
            world.console.print()
            first = self.first_share_prices[ledger.token.symbol]
            world.console.print(lp_table(ledger, price, first), highlight=False)
        for ledger in ledgers:
            world.console.print()
            world.console.print(checks_table(ledger), highlight=False)
        world.console.print()
        world.console.print(summary(priced), highlight=False)
        outcome = Outcome(ledgers, counts[Kind.LIQUIDATE], counts[Kind.EXERCISE], counts[Kind.REDEEM], world)
        checks = sum(len(ledger.checks) for ledger in ledgers)
        if outcome.adds_up:
            world.console.print(f"[green]✓[/green] Everything adds up to the last unit: {checks} checks.")
        else:
            wrong = sum(not check.ok for ledger in ledgers for check in ledger.checks)
            world.console.print(f"[bold red]✗ {wrong} of {checks} checks do not add up.[/bold red]")
        return outcome

    def unsaid(self) -> None:
        """What the prices of this window did not bring, and what the keeper did."""
        world, counts, keeper = self.world, self.counts, self.world.keeper
        for name, times in self.liquidated.items():
            if times > 1:
                more = "once" if times == 2 else f"{times - 1} times"
                world.say(f"The {name} was liquidated {more} more, a piece at a time.", "dim")
        if not counts[Kind.LIQUIDATE]:
            world.say("No account ran out of margin in this window.", "yellow")
        if not counts[Kind.EXERCISE]:
            highest = max(keeper.highest_mark.values(), default=Decimal(0))
            world.say(
                f"No position reached its cap in this window: the highest mark was {highest:.0%} of notional, "
                f"exercise begins at {FULL_MARK:.0%}.",
                "yellow",
            )
        done = keeper.statistics
        world.say(
            f"The keeper poked {done.pokes:,} times ({done.pokes_on_moves:,} on moves of 0.5%), liquidated "
            f"{counts[Kind.LIQUIDATE]}, exercised {counts[Kind.EXERCISE]} and executed {counts[Kind.REDEEM]}; "
            f"the jump breaker halted {done.halts}.",
            "dim",
        )

    def ledger(self, token: MarginToken) -> TokenLedger:
        parties = [Party(name, role, self.account(name)) for name, role in PARTIES[token.symbol].items()]
        parties += [
            Party("keeper", Role.KEEPER, self.account("keeper")),
            Party("treasury", Role.TREASURY, self.system.treasury),
        ]
        system = self.system
        addresses = [system.options.address, system.vault.address, token.address]
        addresses += [token.main.address, token.insurance.address]
        return build(system, token, parties, self.world.log.source(addresses).poll())

    def price_usd(self, token: MarginToken) -> Decimal:
        """The last price of the share for TSLA.M; CRCL.M has no feed, and needs none: its price when listed."""
        params: Params = self.world.params
        listed = params.tokens[token.symbol].price_usd
        return self.world.price("TSLA") if token is self.tsla else listed or Decimal(1)
