"""What must always hold, checked on the chain's own state; the ids are those of docs/invariants.

`Watch` looks on while a `Lockstep` runs. Checks of single operations (P3, P6, X2, X7) happen as they are done, the rest
whenever the state is compared. What a check tries out is undone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from everstock.chain.errors import Reverted
from everstock.model.options import TREASURY
from everstock.model.vault import FREE, OPTIONS
from everstock.testing.lockstep import (
    ACTORS,
    KEEPER,
    LAYERS,
    PROVIDERS,
    STRANGER,
    TRADERS,
    WAD,
    ZERO_ADDRESS,
    Lockstep,
    Operation,
    Outcome,
    State,
)

INDEX = 10**27
VIRTUAL_SHARES = 10**6
UINT112 = 2**112 - 1
OPEN = 0
FROZEN = 2
BID, MARK = 1, 2
ASK = 0
KAPPA_MAIN_WAD = 3 * WAD // 4

LP_OPERATIONS = {"pool_deposit", "pool_fund", "pool_mint", "transfer_shares", "request_redeem", "execute_redemption"}
POKING = {"pool_deposit", "pool_fund", "pool_mint", "execute_redemption"}
CLOSES = {"close", "liquidate", "exercise", "evict", "close_frozen"}
# What crosses the vault's edge: from the operation and its result to the tokens that came in.
EDGES: dict[str, Callable[[Operation, Outcome], int]] = {
    "deposit_margin": lambda op, _: int(op.args["amount"]),
    "withdraw_margin": lambda op, _: -int(op.args["amount"]),
    "withdraw_free": lambda op, _: -int(op.args["amount"]),
    "pool_deposit": lambda op, _: int(op.args["assets"]),
    "pool_mint": lambda _, out: int(out.result),
    "redeem": lambda _, out: -int(out.result),
    "withdraw_claim": lambda op, _: -int(op.args["assets"]),
}


class Broken(AssertionError):
    """An invariant does not hold; the message starts with its id."""


class Watch:
    """Checks the invariants of one `Lockstep` and counts how often each was really tested."""

    def __init__(self, world: Lockstep, thorough: bool = False) -> None:
        self.world = world
        self.thorough = thorough
        self.checked: Counter[str] = Counter()
        self._before: dict[str, Any] = {}
        self._entered: Counter[str] = Counter()  # tokens that crossed the vault's edge
        self._clocks: dict[int, tuple[int, int]] = {}  # accumulators of a market
        self._rent: dict[str, int] = {}
        self._turn = 0
        world.observers.append(self)

    def require(self, name: str, holds: bool, told: str) -> None:
        self.checked[name] += 1
        if not holds:
            raise Broken(f"{name}: {told}")

    # ── single operations ─────────────────────────────────────────────────────────────────────────────────────────────
    def before(self, operation: Operation) -> None:
        self._before = {}
        if operation.name in LP_OPERATIONS:
            poking = operation.name in POKING
            self._before["share"] = self._share_prices(operation, poking=poking)
        if operation.name == "liquidate":
            self._before["health"] = self._health_when_fresh(operation)
        self._turn += 1
        if "token" in operation.args and (self.thorough or self._turn % 8 == 0):
            self._before["others"] = self._other_tokens(operation)

    def after(self, operation: Operation, outcome: Outcome) -> None:
        if "others" in self._before:
            same = self._before["others"] == self._other_tokens(operation)
            self.require("P6", same, f"{operation} touched another token's pools")
        if operation.name == "liquidate":
            self._check_liquidation(operation, outcome)
        if outcome.refused:
            return
        if operation.name in LP_OPERATIONS:
            self._check_share_prices(operation)
        if operation.name in CLOSES:
            notional, main, insurance = outcome.result[:3]
            covered = main <= (3 * notional + 3) // 4 and insurance <= (notional + 3) // 4
            self.require("X2", covered, f"{operation} paid {outcome.result}")
        if operation.name in EDGES:
            self._entered[operation.args["token"]] += EDGES[operation.name](operation, outcome)

    def _share_prices(self, operation: Operation, *, poking: bool) -> list[tuple[int, int]]:
        """(NAV + 1, supply + virtual shares) for deposits and for redemptions, at fresh prices."""
        world = self.world
        pool = world.pool(operation.args["token"], operation.args["layer"])

        def read() -> list[tuple[int, int]]:
            supply = pool.totalSupply() + VIRTUAL_SHARES
            return [(pool.nav(for_deposit).nav + 1, supply) for for_deposit in (True, False)]

        if not poking:
            return read()
        with world.chain.anchor():
            for market in world.market_contracts:
                market.poke(sender=world.addresses[STRANGER])
            return read()

    def _check_share_prices(self, operation: Operation) -> None:
        before, after = self._before["share"], self._share_prices(operation, poking=False)
        for (nav, supply), (nav_after, supply_after) in zip(before, after, strict=True):
            if nav > 1:  # a pool under water is worth nothing, however its shares are counted
                kept = nav_after * supply >= nav * supply_after
                self.require("P3", kept, f"{operation} lowered the share price: {before} → {after}")

    def _health_when_fresh(self, operation: Operation) -> Any:
        world, args = self.world, operation.args
        if not 0 <= args["market"] < len(world.market_contracts):
            return None
        with world.chain.anchor():
            world.market(args["market"]).poke(sender=world.addresses[STRANGER])
            return world.options.accountHealth(world.addresses[args["owner"]], world.token(args["token"]).address)

    def _check_liquidation(self, operation: Operation, outcome: Outcome) -> None:
        health = self._before["health"]
        if outcome.refused in (None, "PerpetualOptions_Healthy"):
            below = health.equity < health.maintenanceMargin
            self.require("X7", below == (outcome.refused is None), f"{operation}: {health} → {outcome}")

    def _other_tokens(self, operation: Operation) -> list[Any]:
        world = self.world
        return [
            (
                world.vault.balancesOf(
                    world.token(symbol).address,
                    world.options.address,
                    [world.addresses[f"{symbol}:main"], world.addresses[f"{symbol}:insurance"], ZERO_ADDRESS],
                ),
                world.options.tokenBook(world.token(symbol).address),
                *(world.pool(symbol, layer).totalSupply() for layer in LAYERS),
            )
            for symbol in world.tokens
            if symbol != operation.args["token"]
        ]

    # ── the whole state ───────────────────────────────────────────────────────────────────────────────────────────────
    def compared(self, state: State) -> None:
        """Check everything; `state` is the chain's."""
        self._turn += 1
        for symbol in self.world.tokens:
            self._check_tokens(symbol, state)
            self._check_positions(symbol, state)
            self._check_values(symbol, state)
            self._check_limits(symbol)
            self._check_top_up(symbol)
        self._check_custody()
        self._check_clocks(state)
        self._check_quotes(state)
        self._check_pokes()
        self._check_round_trip()
        self._check_exits(state)

    def _check_tokens(self, symbol: str, state: State) -> None:
        world = self.world
        names = [*ACTORS, TREASURY, f"{symbol}:main", f"{symbol}:insurance"]
        ledger = sum(state["ledger", symbol, module, name] for module in (OPTIONS, FREE) for name in names)
        vault = state["wallet", symbol, "vault"]
        owed = vault - world.donated[symbol]
        self.require("V1", ledger == owed, f"{symbol}: the ledger holds {ledger}, the vault {owed}")
        entered = self._entered[symbol]
        self.require("P4", ledger == entered, f"{symbol}: the ledger holds {ledger} of {entered} that came in")
        wallets = vault + sum(state["wallet", symbol, name] for name in names)
        supply = world.token(symbol).totalSupply()
        constant = wallets == supply == world.minted[symbol]
        self.require("X3", constant, f"{symbol}: {wallets} held, {supply} supplied, {world.minted[symbol]} minted")

    def _positions(
        self, symbol: str, state: State
    ) -> Iterator[tuple[str, tuple[int, int, bool], tuple[int, int, int]]]:
        for owner in TRADERS:
            for position_id, position in state["account", symbol, owner, "positions"].items():
                yield owner, position_id, position

    def _check_positions(self, symbol: str, state: State) -> None:
        """X1, X4 and P1, from the positions themselves."""
        world = self.world
        strikes: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        entries: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        owed: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        rent_now = self._rent_index(symbol)
        last_rent = self._rent.get(symbol, 0)
        self.require("X4", rent_now >= last_rent, f"{symbol}: the rent index fell from {last_rent} to {rent_now}")
        self._rent[symbol] = rent_now
        for _, (market_id, strike, is_call), (notional, funding, rent) in self._positions(symbol, state):
            strikes[market_id][strike][0 if is_call else 1] += notional
            entries[market_id][0] += notional * funding
            entries[market_id][1] += notional * rent
            sold = state["book", symbol, "market", market_id]
            index = world.market(market_id).fundingAndMargin(strike)[0]
            rent_index = sold[4] if sold[3] else rent_now
            told = f"{symbol} {market_id} {strike}: the indices fell below a settlement's"
            self.require("X4", index >= funding and rent_index >= rent, told)
            owed[market_id][0] += -(-notional * (index - funding) // INDEX)
            owed[market_id][1] += -(-notional * (rent_index - rent) // WAD)
            owed[market_id][2] += 1
        total = 0
        for market_id in range(len(world.market_contracts)):
            sold, mine = state["book", symbol, "market", market_id], strikes[market_id]
            listed = sorted((strike, *both) for strike, both in mine.items())
            self.require("X1", listed == sold[0], f"{symbol}: {listed} ≠ {sold[0]}")
            sums = entries[market_id] == [sold[1], sold[2]]
            self.require("X1", sums, f"{symbol} {market_id}: E {entries[market_id]} ≠ {sold[1:3]}")
            total += sum(calls + puts for _, calls, puts in listed)
            self._check_owed(symbol, market_id, sold, owed[market_id], rent_now)
        for layer, share in (("main", 3), ("insurance", 1)):
            cash = self._cash(symbol, layer, state)
            reserved = (share * total + 3) // 4
            self.require("P1", cash >= reserved, f"{symbol} {layer}: {cash} cash, {reserved} reserved")

    def _check_owed(self, symbol: str, market_id: int, sold: Any, owed: list[int], rent_now: int) -> None:
        gathered, market = 0, self.world.market(market_id)
        for strike, calls, puts in sold[0]:
            index = market.fundingAndMargin(strike)[0]
            gathered += (calls + puts) * index
        rent_index = sold[4] if sold[3] else rent_now
        notional = sum(calls + puts for _, calls, puts in sold[0])
        for name, booked, due, scale in (
            ("funding", gathered - sold[1], owed[0], INDEX),
            ("rent", notional * rent_index - sold[2], owed[1], WAD),
        ):
            self.require(
                "X4",
                booked // scale <= due <= booked // scale + owed[2],
                f"{symbol} {market_id}: {name} {due} owed, {booked} booked",
            )

    def _cash(self, symbol: str, layer: str, state: State) -> int:
        """A pool's ledger entry, less what of the main pool's is the treasury's."""
        entry = int(state["ledger", symbol, OPTIONS, f"{symbol}:{layer}"])
        return entry - int(state["book", symbol][4]) if layer == "main" else entry

    def _rent_index(self, symbol: str) -> int:
        return int(self.world.options.poolState(self.world.token(symbol).address, 0).rentIndex)

    def _check_values(self, symbol: str, state: State) -> None:
        """P2: the NAV from scratch, from each position's own debt and value."""
        world = self.world
        rent_now = self._rent_index(symbol)
        for layer in LAYERS:
            main = layer == "main"
            for for_deposit in (True, False):
                nav = state["pool", symbol, layer, "nav", for_deposit]
                cash = self._cash(symbol, layer, state)
                debts = [state["account", symbol, owner, "debt"][0 if main else 1] for owner in TRADERS]
                accrued = liability = 0
                for market_id in range(len(world.market_contracts)):
                    part, value = self._value_market(symbol, market_id, main, for_deposit, state, rent_now)
                    accrued, liability = accrued + part, liability + value
                debt = sum(debts) if for_deposit else 0
                value = max(0, cash + accrued + debt - liability)
                self.require("P2", value == nav[5], f"{symbol} {layer}: {value} from scratch, {nav}")

    def _value_market(
        self, symbol: str, market_id: int, main: bool, for_deposit: bool, state: State, rent_now: int
    ) -> tuple[int, int]:
        market, sold = self.world.market(market_id), state["book", symbol, "market", market_id]
        mine = [each for each in self._positions(symbol, state) if each[1][0] == market_id]
        if not mine:
            return 0, 0
        strikes = sorted({each[1][1] for each in mine})
        marks = dict(zip(strikes, market.marks(strikes, not for_deposit), strict=True))
        funding = sum(n * (marks[strike].fundingIndex - index) for _, (_, strike, _), (n, index, _) in mine) // INDEX
        rent_index = sold[4] if sold[3] else rent_now
        rent = sum(n * (rent_index - index) for _, _, (n, _, index) in mine) // WAD
        insurance = funding // 100 + rent // 10
        accrued = funding + rent - insurance if main else insurance
        if market.phase() != FROZEN and market.peek()[1] != OPEN:
            locked = sum(n for _, _, (n, _, _) in mine)
            return accrued, 0 if for_deposit else ((3 if main else 1) * locked + 3) // 4
        liability = 0
        for _, (_, strike, is_call), (notional, _, _) in mine:
            value = marks[strike].call if is_call else marks[strike].put
            paid_by_main = min(value, KAPPA_MAIN_WAD)
            liability += notional * (paid_by_main if main else min(value, WAD) - paid_by_main)
        return accrued, liability // WAD if for_deposit else -(-liability // WAD)

    # ── what could be done now ────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def _trying(self) -> Iterator[None]:
        with self.world.chain.anchor():
            yield

    def _try(self, name: str, told: str, action: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """The action must succeed."""
        try:
            result = action(*args, **named)
        except Reverted as error:
            raise Broken(f"{name}: {told}: {error}") from error
        self.checked[name] += 1
        return result

    def _check_limits(self, symbol: str) -> None:
        """P5: max* never reverts, and what it says can be done."""
        world = self.world
        token = world.token(symbol)
        for layer in LAYERS:
            pool = world.pool(symbol, layer)
            for name in (PROVIDERS[self._turn % len(PROVIDERS)],):
                lp = world.addresses[name]
                redeemable = self._try("P5", "maxRedeem", pool.maxRedeem, lp)
                payable = self._try("P5", "maxWithdraw", pool.maxWithdraw, lp)
                if redeemable:
                    with self._trying():
                        self._try("P5", "redeem", pool.redeem, redeemable, lp, lp, sender=lp)
                if payable:
                    with self._trying():
                        self._try("P5", "withdraw", pool.withdraw, payable, lp, lp, sender=lp)
                with self._trying():
                    for market in world.market_contracts:
                        market.poke(sender=lp)
                    most = self._try("P5", "maxDeposit", pool.maxDeposit, lp)
                    shares = self._try("P5", "maxMint", pool.maxMint, lp)
                    if not most:
                        continue
                    token.mint(lp, most, sender=world.system.governor)
                    with self._trying():
                        deposit = pool["deposit(uint256,address)"]
                        self._try("P5", f"deposit({most}) into {symbol} {layer}", deposit, most, lp, sender=lp)
                    self._try("P5", f"mint({shares})", pool.mint, shares, lp, sender=lp)

    def _check_top_up(self, symbol: str) -> None:
        """V3: margin can be added in every state of every market."""
        world = self.world
        owner, payer = TRADERS[self._turn % len(TRADERS)], world.addresses[STRANGER]
        token = world.token(symbol)
        with self._trying():
            token.mint(payer, 1, sender=world.system.governor)
            parties = (token.address, world.options.address, world.addresses[owner])
            self._try("V3", f"top-up of {owner}", world.vault.deposit, *parties, 1, sender=payer)

    def _check_custody(self) -> None:
        """V2: nobody but a module moves another's balance."""
        world = self.world
        symbol, victim = world.tokens[self._turn % len(world.tokens)], TRADERS[self._turn % len(TRADERS)]
        token, thief = world.token(symbol).address, world.addresses[STRANGER]
        owner, pool = world.addresses[victim], world.addresses[f"{symbol}:main"]
        deltas = [(owner, -1), (thief, 1), (ZERO_ADDRESS, 0)]
        for target in (owner, pool):
            deltas[0] = (target, -1)
            for name, args in (
                ("settle", (token, ZERO_ADDRESS, 0, list(deltas))),
                ("release", (token, target, thief, 1)),
                ("withdrawFrom", (token, target, 1, thief)),
            ):
                with self._trying():
                    try:
                        getattr(world.vault, name)(*args, sender=thief)
                    except Reverted:
                        self.checked["V2"] += 1
                    else:
                        raise Broken(f"V2: a stranger's {name} moved {target}'s balance")

    def _check_clocks(self, state: State) -> None:
        """X4: what the clocks have gathered never falls."""
        for market_id in range(len(self.world.market_contracts)):
            a, b = state["market", market_id][6:8]
            last = self._clocks.get(market_id, (0, 0))
            self.require("X4", a >= last[0] and b >= last[1], f"market {market_id}: {last} fell to {a, b}")
            self._clocks[market_id] = a, b

    def _check_quotes(self, state: State) -> None:
        """X5: call − put = x − 1, 0 ≤ time value ≤ 1/u, and K · value falls (calls) or rises (puts) with K, convex."""
        for market_id, market in enumerate(self.world.market_contracts):
            if market.peek()[1] != OPEN:
                continue
            peak, cell = market.constants().peak, state["market", market_id][4]
            strikes = [strike for strike in range(cell - 6, cell + 8, 2) if abs(strike) <= 164]
            last: tuple[int, int] | None = None
            for strike in strikes:
                call, put = market.quote(strike, True, MARK), market.quote(strike, False, MARK)
                x = call.price * WAD // call.strikePrice
                told = f"market {market_id}, strike {strike}: call {call.value}, put {put.value}, x {x}"
                self.require("X5", call.value - put.value == x - WAD, told)
                self.require("X5", 0 <= call.value - max(0, x - WAD) <= peak, told)
                worth = call.value * call.strikePrice // WAD, put.value * put.strikePrice // WAD
                slack = call.strikePrice * 10 // WAD + 10  # a few units of rounding in the value
                if last is not None:
                    ordered = worth[0] <= last[0] + slack and worth[1] >= last[1] - slack
                    self.require("X5", ordered, f"{told}: not monotone")
                last = worth

    def _check_pokes(self) -> None:
        """X4: between variance samples n pokes are one poke, to one unit of each accumulator per poke."""
        world = self.world
        market = world.market_contracts[self._turn % len(world.market_contracts)]
        s = market.state()
        now, pokes, step = world.chain.now, 5, 20
        if not s.running or s.sampledAt + 600 <= now + pokes * step or market.peek()[1] != OPEN:
            return
        if any(each.at <= now + pokes * step for each in market.events()):
            return
        sender = world.addresses[KEEPER]
        with self._trying():
            market.poke(sender=sender)
            with self._trying():
                for _ in range(pokes):
                    world.chain.warp(step)
                    market.poke(sender=sender)
                many = market.state()
            world.chain.warp(pokes * step)
            market.poke(sender=sender)
            one = market.state()
        if many.variance == one.variance and many.accruedAt == one.accruedAt:
            close = 0 <= one.a - many.a <= pokes and 0 <= one.b - many.b <= pokes
            self.require("X4", close, f"{pokes} pokes: {many}, one: {one}")

    def _check_round_trip(self) -> None:
        """X6: opening and closing in one block never profits."""
        world = self.world
        turn = self._turn
        symbol, owner = world.tokens[turn % len(world.tokens)], TRADERS[turn % len(TRADERS)]
        market_id = turn % len(world.market_contracts)
        market, address, token = world.market(market_id), world.addresses[owner], world.token(symbol).address
        s, status = market.peek()
        if status != OPEN or market.phase() == FROZEN:
            return
        strike, is_call = max(-164, min(164, s.cell + turn % 5 - 2)), turn % 2 == 0
        notional = 10 * world.options.tokenBook(token).minNotional
        parties = (token, world.options.address, address)
        order = (address, token, market_id, strike, is_call, notional)
        with self._trying():
            world.token(symbol).mint(address, 10 * notional, sender=world.system.governor)
            world.vault.deposit(*parties, 10 * notional, sender=address)
            market.poke(sender=address)
            world.options.settle(address, token, sender=address)
            before = world.vault.balanceOf(*parties)
            try:
                world.options.open((*order, UINT112, world.chain.now), sender=address)
            except Reverted:
                return  # limits, a pause, a delisting
            try:
                world.options.close((*order, 0, world.chain.now), sender=address)
            except Reverted as error:
                if error.name != "PerpetualOptions_BelowMinimum":  # of what the account held before
                    raise Broken(f"X6: {owner} cannot close what it opened: {error}") from error
                return
            after = world.vault.balanceOf(*parties)
        self.require("X6", after <= before, f"{owner} made {after - before} {symbol} of nothing")

    def _check_exits(self, state: State) -> None:
        """X8: whose market is Open, or frozen, can close."""
        world = self.world
        positions = [(symbol, *each) for symbol in world.tokens for each in self._positions(symbol, state)]
        if not positions:
            return
        some = positions if self.thorough else [positions[(self._turn + i * 7) % len(positions)] for i in range(3)]
        for symbol, owner, position_id, _ in some:
            address, token = world.addresses[owner], world.token(symbol).address
            market = world.market(position_id[0])
            with self._trying():
                if market.phase() == FROZEN:
                    told = f"closeFrozen of {owner}'s {position_id}"
                    self._try("X8", told, world.options.closeFrozen, address, token, position_id, sender=address)
                elif market.peek()[1] == OPEN:
                    order = (address, token, *position_id, UINT112, 0, world.chain.now)
                    told = f"close of {owner}'s {position_id}"
                    self._try("X8", told, world.options.close, order, sender=address)
