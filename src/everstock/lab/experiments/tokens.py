"""Two hundred stock tokens as margin: what listing, trading, depositing and redeeming cost as their number grows.

Three acts on one chain: tokens are listed one after the other through the factory, and at some counts the same
transactions are measured and undone; then every token's pools are seeded, traded and redeemed, in bulk; and at last the
same transactions are measured once more beside all of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from everstock.chain.base import START_TIME, ZERO_ADDRESS
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Market, Side, System
from everstock.deploy import deploy_system
from everstock.deploy.stock import deploy_stock_token, protect
from everstock.lab.bulk import Job, Tally, run
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.params import Params, load
from everstock.params import Token as TokenParams
from everstock.scenarios.world import align

NAME = "two-hundred-tokens"
TITLE = "Two hundred stock tokens as margin"
QUESTION = "Does listing, trading, depositing or redeeming cost more when two hundred other stock tokens are listed?"

TOKENS, QUICK_TOKENS = 208, 9
COUNTS, QUICK_COUNTS = (1, 50, 100, 150, 208), (1, 5, 9)
TOLERANCE = 0.03
STRIKES = range(-3, 4)
MARKETS = ("BTC-7D", "ETH-7D")
WAIT_SECONDS = 300
POKE_SECONDS = 900
DAY = 86_400
MAIN, INSURANCE = 5_000, 2_500
MARGIN = 100
EVER = 2**256 - 1

Tamper = Callable[[System], None]
Gas = dict[str, int]


@dataclass
class Bulk:
    """What the bulk act sent: gas by operation, in the order of the tokens."""

    gas: dict[str, list[int]] = field(default_factory=dict)
    sent: int = 0
    failures: list[str] = field(default_factory=list)

    def take(self, kind: str, tally: Tally) -> None:
        self.sent += len(tally.jobs)
        self.failures += [f"{name}: {why}" for name, why in tally.failures]
        self.gas[kind] = [receipt.gas_used for receipt in tally.receipts if receipt is not None]


@dataclass
class Books:
    """What was seen of all tokens' ledgers."""

    looks: int = 0
    uncovered: list[str] = field(default_factory=list)  # pools that held less than they had reserved
    unbacked: list[str] = field(default_factory=list)  # tokens of which the vault holds another amount than it owes
    lost: list[str] = field(default_factory=list)  # tokens whose holders and vault do not add up to what was issued


class Town:
    """The system, its tokens and who uses them: for each token one LP and one trader of its own."""

    def __init__(self, chain: RpcChain, seed: int) -> None:
        align(chain, START_TIME)
        self.chain = chain
        self.system: System = deploy_system(chain, without_tokens(load("local")))
        self.markets = [self.system.market(name) for name in MARKETS]
        self.tokens: list[MarginToken] = []
        self.random = Random(f"{seed}:{NAME}")
        self.lp, self.trader, self.keeper = (chain.account(name) for name in ("lp", "trader", "keeper"))
        self.prices = {"BTC": 60_000.0, "ETH": 3_000.0}

    def list_one(self) -> int:
        """List one more stock token; the gas of the factory's transaction."""
        system, symbol = self.system, f"S{len(self.tokens) + 1:03}.M"
        stock = deploy_stock_token(system, f"Stock {len(self.tokens) + 1}", symbol)
        minimum = TokenParams(name=symbol, min_notional=1).min_notional_units  # type: ignore[arg-type]
        receipt = system.factory.listToken(stock.address, minimum, sender=system.governor)
        created = receipt.event("CreatePools")
        main, insurance = (
            self.chain.contract(system.artifacts[kind], created[key])
            for kind, key in (("MainPool", "mainPool"), ("InsurancePool", "insurancePool"))
        )
        protect(system, main, insurance)
        token = MarginToken(system, symbol, stock, 18, main, insurance)
        system.tokens[symbol] = token
        self.tokens.append(token)
        return int(receipt.gas_used)

    def publish(self) -> None:
        for name, price in self.prices.items():
            self.prices[name] = price = round(price * self.random.uniform(0.997, 1.003), 2)
            self.system.asset(name).publish(str(price))

    def poke(self) -> None:
        self.publish()
        for market in self.markets:
            market.poke()

    # ── one transaction, measured ─────────────────────────────────────────────────────────────────────────────────────
    def settle_in(self) -> None:
        """In the first token: pools with 14 live strikes, and a trader with one position, as in most accounts."""
        token, system = self.tokens[0], self.system
        for who in (self.lp, self.trader):
            token.mint(who, 100_000)
        token.main.deposit(self.lp, 50_000)
        token.insurance.deposit(self.lp, 25_000)
        account, bystander = token.trader(self.trader), token.trader(self.lp)
        account.deposit(1_000)
        bystander.deposit(1_000)
        for who, spender in ((self.lp, token.main), (self.trader, system.vault)):
            token.contract.approve(spender.address, EVER, sender=who)
        for market in self.markets:
            for strike in STRIKES:  # alive in the market and for this token, for all that follows
                bystander.open(market, strike, Side.PUT, 100)
        account.open(self.markets[0], 0, Side.PUT, 100)
        self.chain.warp(POKE_SECONDS)
        self.poke()
        account.settle()

    def measure(self) -> Gas:
        """Gas of each operation with the first token, each undone."""
        token, market, chain = self.tokens[0], self.markets[0], self.chain
        account, main = token.trader(self.trader), token.main
        shares = main.shares_of(self.lp) // 10
        deposit = token.main_contract["deposit(uint256,address)"]

        def gas(act: Callable[[], Any], *before: Callable[[], Any], wait: int = WAIT_SECONDS) -> int:
            with chain.anchor():
                for step in before:
                    step()
                chain.warp(wait)
                return int(act().gas_used)

        def requested() -> None:
            main.request_redeem(self.lp, shares)
            chain.warp(DAY)
            for asset, price in self.prices.items():
                self.system.asset(asset).publish(str(price))

        def executed() -> None:
            requested()
            main.execute_redemption(self.lp, self.keeper)

        return {
            "open": gas(lambda: account.open(market, 0, Side.PUT, 100)),
            "close": gas(lambda: account.close(market, 0, Side.PUT, 50)),
            "margin in": gas(lambda: self.send(self.margin_tx(token, self.trader, 10))),
            "margin out": gas(lambda: account.withdraw(10)),
            "pool deposit": gas(lambda: deposit(token.units(100), self.lp, sender=self.lp)),
            "redemption asked for": gas(lambda: main.request_redeem(self.lp, shares)),
            "redemption executed": gas(lambda: main.execute_redemption(self.lp, self.keeper), requested, wait=1),
            "redemption claimed": gas(lambda: main.claim(self.lp), executed),
            "token transfer": gas(lambda: token.contract.transfer(self.lp, 1, sender=self.trader)),
            "poke": gas(market.poke, wait=POKE_SECONDS),
        }

    def send(self, tx: Tx) -> Receipt:
        return self.chain.send(tx.sender, tx.to, tx.data)

    def margin_tx(self, token: MarginToken, who: str, amount: int) -> Tx:
        system = self.system
        where = (token.address, system.options.address, who, token.units(amount))
        tx: Tx = system.vault.deposit.tx(*where, sender=who)
        return tx

    # ── all tokens, in bulk ───────────────────────────────────────────────────────────────────────────────────────────
    def bulk(self, books: Books, opened_all: Callable[[], None], told: Callable[[float], None]) -> Bulk:
        """Seed, trade and redeem every token but the first: by an LP and a trader of its own, and a keeper for all.

        No time passes until every position is open; then `opened_all` may look around.
        """
        chain, system = self.chain, self.system
        others = self.tokens[1:]
        lps = [chain.account(f"lp of {token.symbol}") for token in others]
        traders = [chain.account(f"trader of {token.symbol}") for token in others]
        of = list(zip(others, lps, traders, strict=True))
        found = Bulk()

        def all_do(kind: str, tx: Callable[[MarginToken, str, str], Tx]) -> None:
            found.take(kind, run(chain, [Job(f"{t.symbol}: {kind}", tx(t, lp, trader)) for t, lp, trader in of]))

        def mint(token: MarginToken, to: str, amount: int) -> Tx:
            tx: Tx = token.contract.mint.tx(to, token.units(amount), sender=system.governor)
            return tx

        def approve(token: MarginToken, who: str, spender: str) -> Tx:
            tx: Tx = token.contract.approve.tx(spender, EVER, sender=who)
            return tx

        def deposit(pool: Any, token: MarginToken, lp: str, amount: int) -> Tx:
            tx: Tx = pool["deposit(uint256,address)"].tx(token.units(amount), lp, sender=lp)
            return tx

        all_do("issued to the LP", lambda t, lp, _: mint(t, lp, MAIN + INSURANCE))
        all_do("issued to the trader", lambda t, _, trader: mint(t, trader, 2 * MARGIN))
        all_do("approved for the main pool", lambda t, lp, _: approve(t, lp, t.main.address))
        all_do("approved for insurance", lambda t, lp, _: approve(t, lp, t.insurance.address))
        all_do("approved for the vault", lambda t, _, trader: approve(t, trader, system.vault.address))
        all_do("main pool deposit", lambda t, lp, _: deposit(t.main_contract, t, lp, MAIN))
        all_do("insurance deposit", lambda t, lp, _: deposit(t.insurance_contract, t, lp, INSURANCE))
        all_do("margin in", lambda t, _, trader: self.margin_tx(t, trader, MARGIN))
        told(0.3)

        drawn: dict[str, tuple[Market, int, Side, int]] = {}
        for token in others:
            market, strike = self.random.choice(self.markets), self.random.choice(STRIKES)
            drawn[token.symbol] = (market, strike, self.random.choice(list(Side)), self.random.randrange(50, 500))

        def opened(token: MarginToken, _: str, trader: str) -> Tx:
            market, strike, side, notional = drawn[token.symbol]
            order = token.trader(trader).order(market, strike, side, notional, notional, None)
            tx: Tx = system.options.open.tx(order, sender=trader)
            return tx

        def closed(token: MarginToken, _: str, trader: str) -> Tx:
            market, strike, side, _notional = drawn[token.symbol]
            tx: Tx = system.options.close.tx(
                token.trader(trader).order(market, strike, side, None, 0, None), sender=trader
            )
            return tx

        all_do("open", opened)
        opened_all()
        self.look(books)
        told(0.45)
        for _ in range(8):
            self.pass_time(3 * 3600)
        all_do("close", closed)
        self.look(books)

        def leave(token: MarginToken, _: str, trader: str) -> Tx:
            held = system.vault.balanceOf(token.address, system.options.address, trader)
            tx: Tx = system.options.withdraw.tx(token.address, held, trader, sender=trader)
            return tx

        def asked(pool: Any, lp: str) -> Tx:
            tx: Tx = pool.requestRedeem.tx(pool.balanceOf(lp), lp, lp, sender=lp)
            return tx

        def executed(pool: Any, lp: str) -> Tx:
            tx: Tx = pool.executeRedemption.tx(lp, sender=self.keeper)
            return tx

        def claimed(pool: Any, lp: str) -> Tx:
            tx: Tx = pool.redeem.tx(pool.maxRedeem(lp), lp, lp, sender=lp)
            return tx

        all_do("margin out", leave)
        told(0.6)
        all_do("main redemption asked for", lambda t, lp, _: asked(t.main_contract, lp))
        all_do("insurance redemption asked for", lambda t, lp, _: asked(t.insurance_contract, lp))
        told(0.7)
        for days in range(7):
            self.pass_time(DAY)
            if days == 0:
                all_do("main redemption executed", lambda t, lp, _: executed(t.main_contract, lp))
        all_do("insurance redemption executed", lambda t, lp, _: executed(t.insurance_contract, lp))
        told(0.85)
        all_do("main redemption claimed", lambda t, lp, _: claimed(t.main_contract, lp))
        all_do("insurance redemption claimed", lambda t, lp, _: claimed(t.insurance_contract, lp))
        told(1.0)
        return found

    def pass_time(self, seconds: int) -> None:
        self.chain.warp(seconds)
        self.poke()

    # ── what must add up ──────────────────────────────────────────────────────────────────────────────────────────────
    def look(self, books: Books) -> None:
        """Reserves of every pool, and the vault's tokens against what it owes and against what was issued."""
        system, vault = self.system, self.system.vault
        books.looks += 1
        for token in self.tokens:
            for kind, pool in (("main", token.main), ("insurance", token.insurance)):
                nav = pool.nav()
                if nav.cash < nav.reserved:
                    books.uncovered.append(f"{token.symbol} {kind}: {nav.cash} of {nav.reserved}")
            first = token is self.tokens[0]
            names = ("lp", "trader") if first else (f"lp of {token.symbol}", f"trader of {token.symbol}")
            people = [self.chain.account(name) for name in names]
            owners = [*people, self.keeper, system.treasury, token.main.address, token.insurance.address]
            modules = (system.options.address, ZERO_ADDRESS)
            owed = sum(vault.balanceOf.read_many([(token.address, m, owner) for m in modules for owner in owners]))
            *wallets, held = token.contract.balanceOf.read_many([*((who,) for who in people), (vault.address,)])
            if held != owed:
                books.unbacked.append(f"{token.symbol}: {held} held, {owed} owed")
            issued = token.contract.totalSupply()
            if sum(wallets) + held != issued:
                books.lost.append(f"{token.symbol}: {sum(wallets) + held} of {issued}")

    def reading(self) -> dict[str, int]:
        """The first token's books, in smallest units."""
        token, system = self.tokens[0], self.system
        found: dict[str, int] = {}
        for kind, pool in (("main", token.main), ("insurance", token.insurance)):
            found |= {f"{kind} {key}": int(value) for key, value in pool.nav()._asdict().items()}
            found[f"{kind} shares"] = int(pool.contract.totalSupply())
        health = system.options.accountHealth(self.trader, token.address)
        return found | {f"account {key}": int(value) for key, value in health._asdict().items()}


def without_tokens(params: Params) -> Params:
    """The local system with no token listed, and nothing that needs one."""
    stock = params.stock.model_copy(update={"desks": {}})
    quotes = params.quotes.model_copy(update={"assets": {}})
    return params.model_copy(update={"tokens": {}, "stock": stock, "quotes": quotes, "lending": None})


# ── the experiment ────────────────────────────────────────────────────────────────────────────────────────────────────
def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    return play_with(chain, setting, progress, None)


def play_with(chain: RpcChain, setting: Setting, progress: Progress, tamper: Tamper | None) -> Page:
    """`tamper` does something to the system before the books are looked at last: for tests that a check can fail."""
    total, counts = (QUICK_TOKENS, QUICK_COUNTS) if setting.quick else (TOKENS, COUNTS)
    town = Town(chain, setting.seed)
    listings: list[int] = []
    table: dict[str, Gas] = {}
    for number in range(1, total + 1):
        listings.append(town.list_one())
        if number == 1:
            town.settle_in()
        if number in counts:
            table[f"{number} listed"] = town.measure()
        progress(0.4 * number / total)
    books = Books()
    before, after = town.reading(), dict[str, int]()

    def opened_all() -> None:
        after.update(town.reading())
        table[f"{total} traded"] = town.measure()

    found = town.bulk(books, opened_all, lambda done: progress(0.4 + 0.6 * done))
    if tamper is not None:
        tamper(town.system)
    town.look(books)
    registered = [int(town.system.factory.tokenCount()), len({t.main.address for t in town.tokens})]
    return report(setting, listings, table, found, books, registered, before, after)


def spread(values: Sequence[int]) -> float:
    """By how much the dearest is above the cheapest, as a share."""
    return max(values) / min(values) - 1


def flat(name: str, values: Mapping[str, Sequence[int]], what: str) -> Check:
    """Each of these costs the same, within the tolerance."""
    worst = max(values, key=lambda key: spread(values[key]))
    by = spread(values[worst])
    return Check(name, by <= TOLERANCE, f"at most {by:.2%} between the cheapest and the dearest {what} ({worst})")


def level(values: Mapping[str, Sequence[int]]) -> Check:
    """The last tokens' users pay what the first ones' did. Trades are drawn and differ by themselves: so on average."""

    def drift(gas: Sequence[int]) -> float:
        part = max(1, len(gas) // 4)
        return sum(gas[-part:]) / sum(gas[:part]) - 1

    name = "Users of the tokens listed last pay what those of the first do"
    if none := [kind for kind, gas in values.items() if not gas]:
        return Check(name, False, f"nobody managed: {', '.join(none)}")
    worst = max(values, key=lambda kind: abs(drift(values[kind])))
    by = drift(values[worst])
    return Check(
        name,
        abs(by) <= TOLERANCE,
        f"the last quarter's mean is at most {abs(by):.2%} away from the first quarter's ({worst})",
    )


def report(
    setting: Setting,
    listings: Sequence[int],
    table: Mapping[str, Gas],
    found: Bulk,
    books: Books,
    registered: Sequence[int],
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> Page:
    total = len(listings)
    operations = list(next(iter(table.values())))
    by_operation = {kind: [gas[kind] for gas in table.values()] for kind in operations}
    once_each = {kind: found.gas[kind] for kind in SHOWN}
    moved = [key for key, value in before.items() if after[key] != value]
    worst = max(spread(values) for values in by_operation.values())
    numbers = list(range(2, total + 1))
    return Page(
        slug=NAME,
        title=TITLE,
        question=QUESTION,
        finding=(
            f"With {total} stock tokens listed and traded, opening took {by_operation['open'][-1]:,} gas, with one "
            f"{by_operation['open'][0]:,}; no operation differed by more than {worst:.2%}, and listing token "
            f"{total} took {listings[-1]:,} gas after {listings[0]:,} for the first."
        ),
        command=setting.command(NAME),
        figures=[
            Figure(
                "What it takes to list one more token",
                "tokens listed, with this one",
                "gas, thousands",
                [Series("listing", list(range(1, total + 1)), [gas / 1e3 for gas in listings], Mark.POINTS)],
                note="The factory's transaction: two pools are deployed, and the token is entered in the options.",
            ),
            Figure(
                "One user in each token: what each paid",
                "token, in the order of listing",
                "gas, thousands",
                [
                    Series(kind, numbers[: len(values)], [gas / 1e3 for gas in values], Mark.POINTS)
                    for kind, values in once_each.items()
                ],
                note="The market, the strike, the side and the size of each trade are drawn.",
            ),
        ],
        grids=[
            Grid(
                "The same transaction, by tokens listed",
                ["gas of", *table, "dearest over cheapest"],
                [
                    [kind, *(f"{gas:,}" for gas in values), f"{spread(values):.2%}"]
                    for kind, values in by_operation.items()
                ],
                note=(
                    "With the first token, by users that have done it before, five minutes after the last price; 14 "
                    "live strikes in its pools, so that whatever values a pool is dearer than in a new one. In the "
                    "last column every other token's pools are seeded, and have sold an option."
                ),
            ),
            Grid(
                f"{total - 1} tokens, each by its own users for the first time",
                ["gas of", "least", "mean", "most"],
                [
                    [kind, f"{min(values):,}", f"{sum(values) / len(values):,.0f}", f"{max(values):,}"]
                    for kind, values in found.gas.items()
                    if values
                ],
            ),
        ],
        checks=[
            Check(
                "Every transaction in bulk succeeds",
                not found.failures,
                f"{found.sent:,} transactions, {len(found.failures)} failed" + _first(found.failures),
            ),
            Check(
                "The factory knows every token, and each has pools of its own",
                list(registered) == [total, total],
                f"{registered[0]} tokens, {registered[1]} main pools",
            ),
            flat("Listing costs the same, however many are listed", {"listing": listings}, "of all listings"),
            flat("The same transaction costs the same, however many are listed", by_operation, "count of tokens"),
            level(once_each),
            Check(
                "What is traded in other tokens moves nothing in the first one's books",
                not moved,
                f"{len(before)} figures compared, {len(moved)} moved" + _first(moved),
            ),
            Check(
                "Each pool holds at least what it has reserved",
                not books.uncovered,
                f"{2 * total * books.looks:,} readings, {len(books.uncovered)} below" + _first(books.uncovered),
            ),
            Check(
                "The vault holds of each token exactly what it owes, and the rest is in wallets",
                not books.unbacked and not books.lost,
                f"{total * books.looks:,} readings, {len(books.unbacked) + len(books.lost)} differ"
                + _first(books.unbacked + books.lost),
            ),
        ],
        notes=[
            "Gas is what Anvil counts, for whole transactions. What it costs in money is another matter.",
            "Listing is the governor's: two hundred listings are two hundred decisions. The issuer's own token "
            "contract, which has to exist before, is not counted.",
            "One LP, one trader and one position in each token: what values a pool grows with the strikes live in it.",
        ],
    )


SHOWN = ("open", "close", "main pool deposit", "margin in", "main redemption executed", "main redemption claimed")


def _first(faults: Sequence[str]) -> str:
    return f"; first: {faults[0]}" if faults else ""


EXPERIMENT = Experiment(
    NAME,
    TITLE,
    "Lists 208 stock tokens as margin, seeds, trades and redeems each, and measures whether anything gets dearer.",
    play,
)
