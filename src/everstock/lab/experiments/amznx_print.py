"""July 3, 2025: 500 USD print a share of 223 USD at 23,781. The same purchase in each of the four venues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from everstock.chain.rpc import RpcChain
from everstock.client import Side
from everstock.client.system import PriceStatus
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.lab.venues import Amm, DeskMaker, IssuerDesk, OptionsVenue, QuotesVenue, Refused, Stock, Taken, Town
from everstock.lab.venues.pair import amount_out, reserves_for_print
from everstock.lab.venues.town import DAY, HOUR
from everstock.scenarios.prices import midnight, read_bars

SLUG = "amznx-print"
TITLE = "500 USD that printed a share at 23,781"
QUESTION = (
    "On July 3, 2025 a purchase of 500 USD took AMZNX over 100 times above the share. What would it do elsewhere?"
)
JULY_3 = date(2025, 7, 3)
SHARE, BITCOIN = 223.41, 109_600.0  # closes of the day, unless the setting brings prices
PRINT = 23_781.0
SPENT = 500.0
AMZN = Stock("AMZN", "AMZNX", "Amazon (stock token)")
MAKERS_POOL_USD = 200_000.0
LOAN_COLLATERAL, LOAN_USD = 1_000, 100_000
MINUTE = 60
BUYER = "buyer"

Reading = dict[str, int]


@dataclass(frozen=True)
class Struck:
    """What a purchase did in one pool."""

    before: float
    after: float
    paid_per_token: float
    reserves: tuple[float, float]


class Scene:
    """The four venues in AMZNX, and people with positions, loans and shares in the fourth."""

    def __init__(self, chain: RpcChain, share: float, bitcoin: float, feed: Callable[[Town, Amm], None] | None) -> None:
        """`feed` may do to the feeds what a venue would that believes its own pool; None: they print the share."""
        day = midnight(JULY_3)
        self.town = town = Town(chain, AMZN, day + 14 * HOUR, share, bitcoin)
        self.chain, self.feed = chain, feed
        self.buyer = town.account(BUYER)
        town.pay(self.buyer, 100_000)
        tokens, usd = reserves_for_print(share, PRINT, SPENT)
        self.thin = self._pool("incentive pool, thin", tokens, usd)
        self.watched = self._pool("the same pool, with makers", tokens, usd)
        self.deep = self._pool("makers' pool of 200,000 USD a side", MAKERS_POOL_USD / share, MAKERS_POOL_USD)
        desk = IssuerDesk(town, 1)
        self.makers = [self._maker(pool, desk, n) for n, pool in enumerate((self.watched, self.deep))]
        self.quotes = QuotesVenue(town, tokens=500, usd=100_000)
        self.options = OptionsVenue(town, town.bitcoin_market)
        self._populate()

    def _pool(self, name: str, tokens: float, usd: float) -> Amm:
        town = self.town
        pool = Amm(town, name, town.token.contract, town.token.decimals, suffix=name)
        lp = town.account("pool lp")
        town.give(lp, tokens)
        town.pay(lp, usd)
        pool.provide(lp, tokens, usd)
        return pool

    def _maker(self, pool: Amm, desk: IssuerDesk, number: int) -> DeskMaker:
        who = self.town.account(f"market maker {number}")
        self.town.give(who, 100)
        self.town.pay(who, 25_000)
        return DeskMaker(self.town, pool, desk, who, stock_target=100)

    def _populate(self) -> None:
        town, token, loans = self.town, self.town.token, self.town.loans
        self.options.provide(town.account("lp"), 4_000)
        self.traders: dict[str, list[tuple[Any, int, Side]]] = {}
        stock, bitcoin = town.stock_market, town.bitcoin_market
        for name, market, side, notional in (
            ("holder of a call on AMZN", stock, Side.CALL, 200),
            ("holder of a put on AMZN", stock, Side.PUT, 150),
            ("holder of a put on BTC", bitcoin, Side.PUT, 300),
            ("holder of a call on BTC", bitcoin, Side.CALL, 250),
        ):
            who = town.account(name)
            self.options.margin(who, 80)
            strike = market.nearest_strike(market.price_usd)
            token.trader(who).open(market, strike, side, notional)
            self.traders[name] = [(market, strike, side)]
        self.borrower, lender = town.account("borrower"), town.account("lender")
        loans.loan.contract.mint(lender, loans.loan.units(400_000), sender=town.issuer)
        loans.supply(lender, 300_000)
        town.give(self.borrower, LOAN_COLLATERAL)
        loans.borrower(self.borrower).deposit(LOAN_COLLATERAL)
        loans.borrower(self.borrower).borrow(LOAN_USD)
        self.newcomer = town.account("newcomer")
        self.options.margin(self.newcomer, 20)

    # ── what could be hurt ────────────────────────────────────────────────────────────────────────────────────────────
    def reading(self) -> Reading:
        """Everything that options, loans and LP shares are worth, in smallest units."""
        town, token, system = self.town, self.town.token, self.town.system
        found: Reading = {}
        for name, positions in self.traders.items():
            who = town.account(name)
            for market, strike, side in positions:
                close = system.lens.previewClose(who, token.address, (market.id, strike, side is Side.CALL), 2**112 - 1)
                found[f"{name}: refusal to close"] = int.from_bytes(close[0], "big")
                found |= _fields(f"{name}: close", close, skip=1)
                found[f"{name}: mark"] = int(market.contract.marks([strike], False)[0][1 if side is Side.CALL else 2])
            found |= _fields(f"{name}: account", system.options.accountHealth(who, token.address))
            found[f"{name}: may withdraw"] = int(system.lens.maxWithdraw(who, token.address))
        for name, pool in (("main pool", token.main_contract), ("insurance pool", token.insurance_contract)):
            for kind in (False, True):
                found |= _fields(f"{name}: book value, {'deposit' if kind else 'redemption'}", pool.nav(kind))
            found[f"{name}: shares"] = int(pool.totalSupply())
            found[f"{name}: 10^24 shares are worth"] = int(pool.convertToAssets(10**24))
        contract = town.loans.contract
        found |= _fields("loan", contract.health(self.borrower))
        found["loan: debt"] = int(contract.debtOf(self.borrower))
        found |= _fields("lenders", contract.state())
        for name in ("BTC", AMZN.asset):
            found |= _fields(f"oracle: {name}", system.oracle.read(system.asset(name).id))
        return found

    def offer(self) -> int:
        """The premium that the fourth venue asks a newcomer for a put on BTC now, smallest units."""
        market, token = self.town.bitcoin_market, self.town.token
        order = token.trader(self.newcomer).order(market, 0, Side.PUT, 50, 50, None)
        return int(self.town.system.lens.previewOpen(order).premium)

    # ── the purchase ──────────────────────────────────────────────────────────────────────────────────────────────────
    def buy(self, pool: Amm, usd: float = SPENT) -> Struck:
        reserves, before = pool.reserves, pool.spot
        held = self.town.holds(self.buyer)[0]
        pool.buy(self.buyer, usd)
        if self.feed is not None:
            self.feed(self.town, pool)
        return Struck(before, pool.spot, usd / (self.town.holds(self.buyer)[0] - held), reserves)


def _fields(name: str, values: Any, skip: int = 0) -> Reading:
    return {f"{name}: {field}": int(value) for field, value in list(values._asdict().items())[skip:]}


@dataclass(frozen=True)
class Story:
    """What was found, in the order of the day. `thin`, `watched`, `deep` and `night` are purchases in pools."""

    share: float
    thin: Struck
    watched: Struck
    deep: Struck
    quoted: Taken
    day: tuple[Reading, Reading]
    """All values of options, loans and LP shares, before the purchases and after."""
    asked: tuple[int, int, int]
    """A premium: as asked for before and after, and as paid."""
    back: float
    """The watched pool's price when makers had been."""
    night_pair: tuple[Reading, Reading]
    night: Struck
    night_quote: Taken | None
    stood: float
    """Hours that the night's print stood."""
    monday: int
    chart: dict[Amm, list[tuple[float, float]]]
    curves: dict[str, list[float | None]]
    sizes: list[float]
    halted: dict[str, Any]


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    return play_with(chain, setting, progress, None)


def play_with(chain: RpcChain, setting: Setting, progress: Progress, feed: Callable[[Town, Amm], None] | None) -> Page:
    """`feed` tampers with the feeds after each purchase: for tests that a check can fail."""
    share, bitcoin = _prices(setting)
    scene = Scene(chain, share, bitcoin, feed)
    town = scene.town
    progress(0.3)
    opens, closes = town.session(midnight(JULY_3) // DAY)
    town.go(opens + HOUR)

    # In the session: all at one second, so that time itself changes nothing.
    before, asked = scene.reading(), scene.offer()
    thin = scene.buy(scene.thin)
    watched = scene.buy(scene.watched)
    deep = scene.buy(scene.deep)
    quoted = scene.quotes.take(scene.buyer, SPENT, buy=True)
    after, asked_after = scene.reading(), scene.offer()
    progress(0.5)
    opened = town.token.trader(scene.newcomer).open(town.bitcoin_market, 0, Side.PUT, 50).event("Open")["premium"]
    chart = {
        scene.thin: [(0.0, thin.before), (0.0, thin.after)],
        scene.watched: [(0.0, watched.before), (0.0, watched.after)],
    }
    sizes = [50.0, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000]
    curves = {
        "incentive pool, thin": _fresh_curve(thin.reserves, share, sizes),
        "makers' pool": _fresh_curve(deep.reserves, share, sizes),
        "signed quotes": [_quoted(scene, size) for size in sizes],
    }
    town.chain.warp(MINUTE)
    for maker in scene.makers:
        maker.act()
    back = scene.watched.spot
    for pool, seen in chart.items():
        seen.append((MINUTE / HOUR, pool.spot))

    # After the early close before a holiday and a weekend: nobody can hedge until Monday.
    evening = closes + 2 * HOUR
    chain.set_time(evening)
    town.publish()
    for maker in scene.makers:
        maker.act()
    night_before = scene.reading()
    night = scene.buy(scene.watched, _spend_to(scene.watched, PRINT))
    night_after = scene.reading()
    try:
        night_quote: Taken | None = scene.quotes.take(scene.buyer, SPENT, buy=True)
    except Refused:
        night_quote = None
    progress(0.7)
    stood, monday = _until_back(town, scene, evening, night, chart, setting.quick)
    progress(0.9)
    halted = _believed(scene)
    progress(1.0)
    story = Story(
        share=share,
        thin=thin,
        watched=watched,
        deep=deep,
        quoted=quoted,
        day=(before, after),
        asked=(asked, asked_after, int(opened)),
        back=back,
        night_pair=(night_before, night_after),
        night=night,
        night_quote=night_quote,
        stood=stood,
        monday=monday,
        chart=chart,
        curves=curves,
        sizes=sizes,
        halted=halted,
    )
    return _page(setting, scene, story)


def _prices(setting: Setting) -> tuple[float, float]:
    """Of the day it happened; bars of other assets or days say nothing of it."""
    bars = {} if setting.prices is None else read_bars(setting.prices)
    if not all(JULY_3 in bars.get(name, {}) for name in ("AMZN", "BTC")):
        return SHARE, BITCOIN
    return float(bars["AMZN"][JULY_3].close), float(bars["BTC"][JULY_3].close)


def _fresh_curve(reserves: tuple[float, float], share: float, sizes: list[float]) -> list[float | None]:
    """Cost at each size in a pool as it was before the purchase: price paid over the share's, less one."""
    base, quote = int(reserves[0] * 10**18), int(reserves[1] * 10**6)
    return [size / (amount_out(int(size * 10**6), quote, base) / 10**18) / share - 1 for size in sizes]


def _quoted(scene: Scene, size: float) -> float | None:
    try:
        return scene.quotes.quote(scene.buyer, size, buy=True).cost
    except Refused:
        return None


def _spend_to(pool: Amm, price: float) -> float:
    base, quote = pool.reserves
    low, high = 0.0, 1e7
    for _ in range(80):
        spent = (low + high) / 2
        reached = (quote + spent) * (quote + 0.997 * spent) / (base * quote)
        low, high = (spent, high) if reached < price else (low, spent)
    return round(high, 6)


def _until_back(
    town: Town, scene: Scene, since: int, night: Struck, chart: dict[Amm, list[tuple[float, float]]], quick: bool
) -> tuple[float, int]:
    """Hour by hour: makers act when they can. Hours until the pool is near the share, and when New York opened."""
    step = 12 * HOUR if quick else HOUR
    monday = town.next_open(since)
    start = town.start + HOUR
    times = sorted({*range(since + step, monday, step), monday - 1, monday + MINUTE, monday + HOUR})
    for at in times:
        town.chain.set_time(at)
        town.publish()
        scene.makers[0].act()
        for pool, seen in chart.items():
            seen.append(((at - start) / HOUR, pool.spot))
        if abs(scene.watched.spot / town.share - 1) < 0.05:
            return (at - since) / HOUR, monday
    return float("inf"), monday


def _believed(scene: Scene) -> dict[str, Any]:
    """Suppose that the share's own feed repeats the print: what the oracle says, and what it moves."""
    town = scene.town
    market, asset = town.stock_market, town.system.asset(AMZN.asset)
    town.publish()

    def held() -> Reading:
        found: Reading = {"price in the market": int(market.contract.state().price)}
        found["oracle's price"] = int(town.system.oracle.read(asset.id).price)
        for name in scene.traders:
            found[f"{name}: margin"] = town.token.trader(town.account(name))._units()
        for name, pool in (("main", town.token.main), ("insurance", town.token.insurance)):
            found[f"{name} pool: cash"] = int(pool.nav().cash)
        found["loan: debt"] = int(town.loans.contract.debtOf(scene.borrower))
        found["loan: limit"] = int(town.loans.contract.health(scene.borrower).borrowLimit)
        return found

    before = held()
    asset.publish(Decimal(str(PRINT)))
    market.poke()
    status = PriceStatus(town.system.oracle.read(asset.id).status)
    after = held()
    return {"status": status, "moved": {k: after[k] - before[k] for k in before}}


def _moved(pair: tuple[Reading, Reading]) -> dict[str, int]:
    before, after = pair
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


def _page(setting: Setting, scene: Scene, story: Story) -> Page:
    town, share, thin = scene.town, story.share, story.thin
    tokens, usd = thin.reserves
    moved, moved_at_night = _moved(story.day), _moved(story.night_pair)
    limit = int(story.day[0]["loan: borrowLimit"]) / 10**6
    naive = limit * thin.after / share
    checks = [
        Check(
            "500 USD print over 100 times the share in a thin pool",
            thin.after / share > 100 and abs(thin.after / PRINT - 1) < 0.001,
            f"{thin.before:,.2f} to {thin.after:,.2f} USD, {thin.after / share:.1f} times",
        ),
        Check(
            "no option, loan or LP share is worth a unit more or less, by day",
            not moved,
            f"{len(story.day[0]) - len(moved)} of {len(story.day[0])} values equal to the last unit" + _names(moved),
        ),
        Check(
            "nor by night, with the holiday ahead",
            not moved_at_night,
            f"{len(story.night_pair[0]) - len(moved_at_night)} of {len(story.night_pair[0])} values equal"
            + _names(moved_at_night),
        ),
        Check(
            "an option bought after the print costs what it cost before, to the unit",
            story.asked[0] == story.asked[1] == story.asked[2],
            f"{story.asked[0] / 10**18:.6f}, {story.asked[1] / 10**18:.6f} and {story.asked[2] / 10**18:.6f} AMZNX",
        ),
        Check(
            "signed quotes sell at their spread",
            story.quoted.cost <= 0.02,
            f"{story.quoted.cost:+.2%} by day, "
            + ("refused" if story.night_quote is None else f"{story.night_quote.cost:+.2%}")
            + " by night",
        ),
        Check(
            "makers at their post take the print back within a minute",
            abs(story.back / share - 1) < 0.05,
            f"{story.watched.after:,.0f} to {story.back:,.2f} USD",
        ),
        Check(
            "after the early close it stands until New York opens again",
            story.stood != float("inf")
            and town.chain.now >= story.monday
            and story.stood * HOUR >= story.monday - (town.start + HOUR) - 6 * HOUR,
            f"{story.stood:,.1f} hours",
        ),
        Check(
            "a feed that repeats the print halts the market and moves nothing",
            story.halted["status"] is PriceStatus.HALTED and not any(story.halted["moved"].values()),
            f"{story.halted['status'].name.lower()}, {sum(map(abs, story.halted['moved'].values())):,} units",
        ),
    ]

    def row(name: str, struck: Struck, then: str) -> tuple[str, ...]:
        return (
            name,
            f"{struck.reserves[0]:,.4f} AMZNX, {struck.reserves[1]:,.2f} USD",
            f"{struck.paid_per_token:,.2f}",
            f"{struck.after:,.2f}",
            f"{struck.after / share:,.1f}×",
            then,
        )

    rows = [
        row("(a) incentive pool, thin", thin, "stands: nobody may mint against it"),
        row("(b) the same pool, makers at work", story.watched, f"{story.back:,.2f} USD a minute later"),
        row("(b) the same pool, after the early close", story.night, f"stands for {story.stood:,.1f} hours"),
        row("(b) makers' pool of 200,000 USD a side", story.deep, "no gap worth closing"),
        (
            "(c) signed quote, by day",
            "500 AMZNX in stock",
            f"{share * (1 + story.quoted.cost):,.2f}",
            "no print",
            "",
            "",
        ),
        (
            "(c) signed quote, by night",
            "500 AMZNX in stock",
            "refused" if story.night_quote is None else f"{share * (1 + story.night_quote.cost):,.2f}",
            "no print",
            "",
            "",
        ),
        ("(d) options, loans, LP shares", "4,000 AMZNX in the pools", "sells no spot", "no print", "", "nothing moves"),
    ]
    worth = [
        (name, f"{before:,}", f"{story.day[1][name]:,}", f"{story.day[1][name] - before:,}")
        for name, before in story.day[0].items()
        if any(word in name for word in ("mark", "10^24", "borrowLimit", "loan: debt", "price", "toOwner"))
    ]
    figures = [
        Figure(
            "What the pool prints, from the purchase on",
            "hours since the purchase by day",
            "price of the pool, USD",
            [
                Series(pool.name, [h for h, _ in seen], [p for _, p in seen], Mark.STEP)
                for pool, seen in story.chart.items()
            ],
            log_y=True,
            note="The pool with makers is struck twice: in the session, and two hours after the early close.",
        ),
        Figure(
            "What a purchase costs above the share, by size",
            "size, USD",
            "above the share, %",
            [
                Series(
                    name,
                    [s for s, c in zip(story.sizes, costs, strict=True) if c is not None],
                    [100 * c for c in costs if c is not None],
                )
                for name, costs in story.curves.items()
            ],
            log_x=True,
            log_y=True,
        ),
    ]
    finding = (
        f"{SPENT:,.0f} USD take a pool of {usd:,.2f} USD and {tokens:.4f} AMZNX from {thin.before:,.2f} to "
        f"{thin.after:,.0f} USD, {thin.after / share:.0f} times the share; makers undo it within a minute while New "
        f"York trades and after {story.stood:,.0f} hours over the holiday; a signed quote costs "
        f"{story.quoted.cost:.1%} over the share; "
        f"of {len(story.day[0])} values of options, loans and LP shares "
        + ("none moves by a unit." if not moved else f"{len(moved)} move.")
    )
    notes = (
        f"The reserves follow from Uniswap v2's formula: price after = price before · (1 + s/y)(1 + 0.997 s/y), s = "
        f"500 USD, so y = {usd:,.2f} USD. The chart's price is the marginal one after the purchase; the buyer paid "
        f"{thin.paid_per_token:,.2f} USD a token on average. What reserves the pool really had is not known to us.",
        f"Were the pool's price a lender's feed, {LOAN_COLLATERAL:,} AMZNX would back {naive:,.0f} USD of debt instead "
        f"of {limit:,.0f}: arithmetic, not something that can happen here.",
        "Where rivals do better: (b) and (c) sell the token itself, close to the share, whenever somebody stands "
        "behind them; (d) does not sell spot at all. A buyer of AMZNX needs one of them.",
        "July 3, 2025 closed early and July 4 was a holiday: both as the chain's calendar computes them.",
        "No randomness: the seed changes nothing here.",
    )
    return Page(
        SLUG,
        TITLE,
        QUESTION,
        finding,
        setting.command(SLUG),
        figures,
        [
            Grid(
                f"The same {SPENT:,.0f} USD",
                ("venue", "behind it", "paid per token, USD", "prints, USD", "to the share", "then"),
                rows,
                f"The share is at {share:,.2f} USD. By night the purchase in (b) is what takes it to the same price.",
            ),
            Grid("Before and after, smallest units", ("value", "before", "after", "change"), worth),
        ],
        checks,
        notes,
    )


def _names(moved: dict[str, int]) -> str:
    return f"; moved: {', '.join(list(moved)[:3])}" if moved else ""


EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
