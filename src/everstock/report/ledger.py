"""A double-entry ledger of one margin token, computed from events and checked against balances, in smallest units.

Every cause (premium, funding, …) is a column that sums to zero over the parties; every party is a row that sums to its
profit or loss. Nothing is rounded: a ledger that does not add up to the last unit is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from everstock.chain.registry import Event
from everstock.client import MarginToken, System

FREE = "0x" + "00" * 20
"""Module zero of the vault: an owner's free balance. Also the source of minted tokens."""

MAIN, INSURANCE = 0, 1


class Cause(Enum):
    """Why tokens changed hands. Funding and rent are what was charged; what could not be collected is `UNPAID`."""

    PREMIUM = "premium"
    FUNDING = "funding"
    RENT = "rent"
    FEES = "fees"
    PAYOUT = "payout"
    REWARDS = "rewards"
    FORGIVEN = "forgiven"
    UNPAID = "unpaid"


class Role(Enum):
    TRADER = "trader"
    POOL = "pool"
    LP = "LP"
    KEEPER = "keeper"
    TREASURY = "treasury"


@dataclass(frozen=True)
class Party:
    name: str
    role: Role
    address: str


@dataclass(frozen=True)
class Check:
    """Two ways to one number, in smallest units. They must be equal."""

    name: str
    left: int
    right: int = 0
    shares: bool = False
    """Counted in pool shares, not in tokens."""

    @property
    def difference(self) -> int:
        return self.left - self.right

    @property
    def ok(self) -> bool:
        return self.difference == 0


@dataclass(frozen=True)
class LpLine:
    """What an LP put into a pool and has of it, in smallest units."""

    name: str
    pool: str
    deposited: int
    claimed: int
    claimable: int
    shares: int
    worth: int

    @property
    def result(self) -> int:
        return self.claimed + self.claimable + self.worth - self.deposited


@dataclass(frozen=True)
class PoolLine:
    """A pool since its first deposit. `kept` is what no share is worth: rounding, and the virtual shares' part."""

    name: str
    deposited: int
    redeemed: int
    result: int
    cash: int
    nav: int
    shares: int
    kept: int
    price_now: Decimal


@dataclass
class TokenLedger:
    """One margin token. `entries[party name][cause]` in smallest units: positive is gained."""

    token: MarginToken
    parties: list[Party]
    entries: dict[str, Counter[Cause]]
    started: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    lps: list[LpLine] = field(default_factory=list)
    pools: list[PoolLine] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def result(self, name: str) -> int:
        return sum(self.entries[name].values())

    @property
    def causes(self) -> list[Cause]:
        """All, but `UNPAID` only when something is."""
        return [c for c in Cause if c is not Cause.UNPAID or any(row[c] for row in self.entries.values())]

    @property
    def adds_up(self) -> bool:
        return all(check.ok for check in self.checks)


def build(system: System, token: MarginToken, parties: Sequence[Party], events: Iterable[Event]) -> TokenLedger:
    """The ledger of `token` for these parties, who must be all there are: a stranger's part shows as a difference."""
    main = Party("main pool", Role.POOL, token.main.address)
    insurance = Party("insurance pool", Role.POOL, token.insurance.address)
    everyone = [*parties, main, insurance]
    posting = _Posting(system, token, everyone)
    for event in events:
        posting.take(event)
    ledger = TokenLedger(token, everyone, posting.entries)
    _lps(ledger, posting, parties)
    _balances(ledger, posting)
    _checks(ledger, posting)
    return ledger


class _Posting:
    """Turns events into entries."""

    def __init__(self, system: System, token: MarginToken, parties: Sequence[Party]) -> None:
        self.system, self.token = system, token
        self.names = {party.address: party.name for party in parties}
        self.entries: dict[str, Counter[Cause]] = {party.name: Counter() for party in parties}
        self.entries["others"] = Counter()
        self.pools = (token.main, token.insurance)
        self.pool_names = ("main pool", "insurance pool")
        self.treasury = self.names.get(system.treasury, "others")
        # what moved without changing anyone's wealth
        self.minted: Counter[str] = Counter()
        self.margin_in: Counter[str] = Counter()
        self.margin_out: Counter[str] = Counter()
        self.pool_in: Counter[str] = Counter()
        self.pool_out: Counter[str] = Counter()
        self.lp_in: Counter[tuple[str, str]] = Counter()
        self.lp_out: Counter[tuple[str, str]] = Counter()
        self.executed: Counter[tuple[str, str]] = Counter()
        self.debts: dict[str, list[int]] = {}

    def name(self, address: str) -> str:
        return self.names.get(address, "others")

    def move(self, cause: Cause, giver: str, taker: str, amount: int) -> None:
        self.entries[giver][cause] -= amount
        self.entries[taker][cause] += amount

    def take(self, event: Event) -> None:
        if event.address == self.token.address:
            if event.name == "Transfer" and event["from"] == FREE:
                self.minted[self.name(event["to"])] += event["value"]
        elif event.address in (pool.address for pool in self.pools):
            self._pool_event(event)
        elif event.args.get("token") == self.token.address:
            if event.address == self.system.vault.address:
                self._vault_event(event)
            elif event.address == self.system.options.address:
                self._options_event(event)

    def _pool_event(self, event: Event) -> None:
        pool = self.pool_names[MAIN if event.address == self.pools[MAIN].address else INSURANCE]
        if event.name == "Deposit":
            self.pool_in[pool] += event["assets"]
            self.lp_in[self.name(event["owner"]), pool] += event["assets"]
        elif event.name == "ExecuteRedemption":
            self.pool_out[pool] += event["assets"]
            self.executed[self.name(event["controller"]), pool] += event["assets"]
        elif event.name == "Withdraw":
            self.lp_out[self.name(event["owner"]), pool] += event["assets"]

    def _vault_event(self, event: Event) -> None:
        if event["module"] != self.system.options.address:
            return
        owner = self.name(event["owner"]) if "owner" in event.args else ""
        if event.name == "Deposit" and owner not in self.pool_names:
            self.margin_in[owner] += event["amount"]
        elif event.name == "Withdraw":
            self.margin_out[owner] += event["amount"]

    def _options_event(self, event: Event) -> None:
        main, insurance = self.pool_names
        owner = self.name(event["owner"]) if "owner" in event.args else ""
        if event.name == "Open":
            self.move(Cause.PREMIUM, owner, main, event["premium"])
            self._fee(owner, event["fee"])
        elif event.name == "Settle":
            funding, rent = event["funding"], event["rent"]
            self.move(Cause.FUNDING, owner, main, funding - funding // 100)
            self.move(Cause.FUNDING, owner, insurance, funding // 100)
            self.move(Cause.RENT, owner, main, rent - rent // 10)
            self.move(Cause.RENT, owner, insurance, rent // 10)
        elif event.name == "Owe":
            self._owe(owner, event["main"], event["insurance"])
        elif event.name == "Repay":
            self._owe(owner, -event["main"], -event["insurance"])
        elif event.name == "Close":
            closed = event["closed"]
            self.move(Cause.PAYOUT, main, owner, closed.payoutMain)
            self.move(Cause.PAYOUT, insurance, owner, closed.payoutInsurance)
            self._pay_debt(owner, closed.debtPaid)
            if event["reason"] == 0:  # in any other close the fee is the keeper's reward
                self._fee(owner, closed.fee)
        elif event.name == "Reward":
            keeper = self.name(event["keeper"])
            self.move(Cause.REWARDS, owner, keeper, event["fromAccount"])
            self.move(Cause.REWARDS, insurance, keeper, event["fromInsurance"])
        elif event.name == "Forgive":
            self.move(Cause.FORGIVEN, main, owner, event["main"])
            self.move(Cause.FORGIVEN, insurance, owner, event["insurance"])
            self._owe(owner, -event["main"], -event["insurance"])

    def _owe(self, owner: str, main: int, insurance: int) -> None:
        """What a settlement could not collect is owed until it is repaid, paid out of proceeds, or forgiven."""
        debt = self.debts.setdefault(owner, [0, 0])
        debt[MAIN] += main
        debt[INSURANCE] += insurance
        self.move(Cause.UNPAID, self.pool_names[MAIN], owner, main)
        self.move(Cause.UNPAID, self.pool_names[INSURANCE], owner, insurance)

    def _pay_debt(self, owner: str, amount: int) -> None:
        """Proceeds pay both pools in proportion, rounded to main. A forgiveness in the same close is already out."""
        if amount:
            debt = self.debts[owner]
            insurance = amount * debt[INSURANCE] // sum(debt)
            self._owe(owner, insurance - amount, -insurance)

    def _fee(self, payer: str, fee: int) -> None:
        treasury, insurance = fee * 30 // 100, fee * 20 // 100
        self.move(Cause.FEES, payer, self.pool_names[MAIN], fee - treasury - insurance)
        self.move(Cause.FEES, payer, self.pool_names[INSURANCE], insurance)
        self.move(Cause.FEES, payer, self.treasury, treasury)


def _lps(ledger: TokenLedger, posting: _Posting, parties: Sequence[Party]) -> None:
    for pool, name in zip(posting.pools, posting.pool_names, strict=True):
        nav = pool.nav().nav
        supply = pool.contract.totalSupply()
        for party in parties:
            if (party.name, name) not in posting.lp_in:
                continue
            shares = pool.shares_of(party.address) + pool.contract.pendingRedeemRequest(0, party.address)
            claimable = posting.executed[party.name, name] - posting.lp_out[party.name, name]
            line = LpLine(
                party.name,
                name,
                posting.lp_in[party.name, name],
                posting.lp_out[party.name, name],
                claimable,
                shares,
                shares * (nav + 1) // (supply + 10**6),
            )
            ledger.lps.append(line)
        here = [line for line in ledger.lps if line.pool == name]
        ledger.pools.append(
            PoolLine(
                name,
                posting.pool_in[name],
                posting.pool_out[name],
                ledger.result(name),
                int(pool.contract.nav(False).cash),
                nav,
                sum(line.shares for line in here),
                nav - sum(line.worth for line in here),
                Decimal(nav + 1) * 10**6 / (supply + 10**6),
            )
        )


def _vault(ledger: TokenLedger, module: str, owner: str) -> int:
    return int(ledger.token.system.vault.balanceOf(ledger.token.address, module, owner))


def _earned(ledger: TokenLedger, party: Party) -> int:
    """A free balance; the treasury's fees too that wait in the main pool's entry to be collected."""
    waiting = int(ledger.token.system.options.tokenBook(ledger.token.address).treasuryDue)
    return _vault(ledger, FREE, party.address) + (waiting if party.role is Role.TREASURY else 0)


def _balances(ledger: TokenLedger, posting: _Posting) -> None:
    """What every party holds: wallet, margin or free balance, and pool shares."""
    options = posting.system.options.address
    for party in ledger.parties:
        ledger.started[party.name] = posting.minted[party.name]
        if party.role is Role.POOL:
            continue
        wallet = int(ledger.token.contract.balanceOf(party.address))
        held = _vault(ledger, options, party.address) + _earned(ledger, party)
        stakes = sum(line.worth + line.claimable for line in ledger.lps if line.name == party.name)
        ledger.ended[party.name] = wallet + held + stakes


def _checks(ledger: TokenLedger, posting: _Posting) -> None:
    token, system = ledger.token, posting.system
    options = system.options.address
    add = ledger.checks.append
    columns = [sum(row[cause] for row in ledger.entries.values()) for cause in Cause]
    add(Check("every cause: given = taken, Σ", sum(map(abs, columns))))
    add(Check("nobody else took part", sum(abs(value) for value in ledger.entries["others"].values())))

    for party in ledger.parties:
        name, margin = party.name, _vault(ledger, options, party.address)
        free, wallet = _earned(ledger, party), int(token.contract.balanceOf(party.address))
        if party.role is Role.TRADER:
            booked = posting.margin_in[name] - posting.margin_out[name] + ledger.result(name)
            add(Check(f"{name}: margin by events = in the vault", booked, margin))
            gained = wallet + margin + free - posting.minted[name]
            add(Check(f"{name}: result = what the wallet gained", ledger.result(name), gained))
        elif party.role in (Role.KEEPER, Role.TREASURY):
            add(Check(f"{name}: earned by events = in the vault", ledger.result(name), free))
    for pool, line in zip(posting.pools, ledger.pools, strict=True):
        booked = line.deposited - line.redeemed + line.result
        add(Check(f"{line.name}: cash by events = in the vault", booked, line.cash))
        claimable = sum(lp.claimable for lp in ledger.lps if lp.pool == line.name)
        add(Check(f"{line.name}: claimable = set aside", claimable, _vault(ledger, FREE, pool.address)))
        add(Check(f"{line.name}: the LPs hold every share", line.shares, int(pool.contract.totalSupply()), True))
    for lp in dict.fromkeys(line.name for line in ledger.lps):
        paid = sum(line.deposited - line.claimed for line in ledger.lps if line.name == lp)
        address = next(party.address for party in ledger.parties if party.name == lp)
        wallet = int(token.contract.balanceOf(address))
        add(Check(f"{lp}: wallet = minted − deposited + claimed", posting.minted[lp] - paid, wallet))

    book = system.options.tokenBook(token.address)
    for pool_index, recorded in ((MAIN, book.debtMain), (INSURANCE, book.debtInsurance)):
        debts = sum(debt[pool_index] for debt in posting.debts.values())
        add(Check(f"debts to the {posting.pool_names[pool_index]}: by events = in the book", debts, recorded))
    forgiven = sum(row[Cause.FORGIVEN] for name, row in ledger.entries.items() if name not in posting.pool_names)
    add(Check("forgiven: by events = in the book", forgiven, book.forgiven))
    add(Check("every position is closed", book.callNotional + book.putNotional))
    entries = sum(_vault(ledger, m, p.address) for p in ledger.parties for m in (options, FREE))
    holds = int(token.contract.balanceOf(system.vault.address))
    add(Check("vault: Σ entries = tokens it holds", entries, holds))
    wallets = sum(int(token.contract.balanceOf(party.address)) for party in ledger.parties)
    add(Check("supply: Σ wallets + vault = minted", wallets + holds, int(token.contract.totalSupply())))
    kept = sum(line.kept for line in ledger.pools)
    add(Check("results of all parties and what pools keep: Σ", total_result(ledger) + kept))


def party_result(ledger: TokenLedger, party: Party) -> int:
    """Profit or loss: an LP's comes through its shares, everyone else's through entries."""
    through_shares = sum(line.result for line in ledger.lps if line.name == party.name)
    return through_shares + ledger.result(party.name)


def total_result(ledger: TokenLedger) -> int:
    """Sum over all parties but the pools, which belong to the LPs."""
    return sum(party_result(ledger, party) for party in ledger.parties if party.role is not Role.POOL)
