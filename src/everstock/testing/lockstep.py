"""The chain and the model, operation by operation.

`Lockstep` pairs one deployed system with one `SystemModel`. Every operation is done to both; results and refusals must
agree, and so must the whole state, bit for bit. Operations are plain data, so that any sequence can be saved,
replayed and moved to another chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from everstock.artifacts import load as load_artifacts
from everstock.chain.base import Chain
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted
from everstock.client.system import System
from everstock.deploy.builder import deploy_system
from everstock.deploy.roles import GRANTS
from everstock.model.book import Layer
from everstock.model.calendar import Calendar, WeekdaySessions
from everstock.model.errors import ModelRevert
from everstock.model.market import MarketConfig, ScheduledEvent
from everstock.model.options import TREASURY, Closed
from everstock.model.oracle import Guards, Print
from everstock.model.system import NO_LIMIT, PositionId, Side, SystemModel
from everstock.model.vault import FREE, OPTIONS
from everstock.params import Market as MarketParams
from everstock.params import Params, Token, load

WAD = 10**18
BREAKER_UNIT_WAD = 10**10
CALENDAR_WEIGHT_WAD = WAD // 5
UINT112 = 2**112 - 1
ZERO_ADDRESS = "0x" + "00" * 20

TRADERS = ("trader0", "trader1", "trader2", "trader3")
PROVIDERS = ("provider0", "provider1", "provider2")
KEEPER = "keeper"
STRANGER = "stranger"
ACTORS = (*TRADERS, *PROVIDERS, KEEPER, STRANGER)

LAYERS = {"main": Layer.MAIN, "insurance": Layer.INSURANCE}

# Names that may stand for each other: the refusal is the same, or both are due and no page says which comes first.
SAME_REFUSAL = (
    frozenset({"CollateralVault_InsufficientBalance", "PerpetualOptions_InsufficientBalance"}),
    frozenset({"CollateralVault_SealedEntry", "CollateralVault_ZeroAmount"}),
    frozenset({"OptionMarket_NotOpen", "OptionMarket_StrikeOutOfGrid"}),
    frozenset({"UnderwritingPool_MarketNotOpen", "UnderwritingPool_PriceTooOld"}),
)

OF_SOME_MARKET = ("marketId", "locked", "updatedAt")

Half = Callable[[], Any]
Halves = tuple[Half, Half]
State = dict[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Operation:
    """A name of `Lockstep`'s operations and its arguments: names, integers, booleans."""

    name: str
    args: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.args.items())})"


@dataclass(frozen=True)
class Outcome:
    """What an operation gave: a result, or the name of the error it was refused with."""

    result: Any = None
    refused: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.refused}({dict(self.details)})" if self.refused else f"{self.result}"


class Disagreement(AssertionError):
    """Contract and model differ."""


class Observer(Protocol):
    """Is told of every operation before and after it, and of the chain's state whenever it has been compared."""

    def before(self, operation: Operation) -> None: ...

    def after(self, operation: Operation, outcome: Outcome) -> None: ...

    def compared(self, state: State) -> None: ...


class ChainPrimitives:
    """The chain's own exponential and logarithm, remembered: the model then agrees to the last bit."""

    def __init__(self, harness: Contract) -> None:
        self.exp_wad: Callable[[int], int] = lru_cache(maxsize=1 << 16)(lambda x: int(harness.expWad(x)))
        self.ln_wad: Callable[[int], int] = lru_cache(maxsize=1 << 16)(lambda x: int(harness.lnWad(x)))


@dataclass(frozen=True)
class Layout:
    """What is deployed: markets by name (those in `with_sessions` close at night), and margin tokens."""

    markets: tuple[str, ...] = ("BTC-7D", "BTC-30D", "TSLA-7D")
    with_sessions: tuple[str, ...] = ("TSLA-7D",)
    copies: int = 0  # more markets like the first
    tokens: tuple[tuple[str, int, int], ...] = (("TSLA.M", 18, 1), ("CRCL.M", 6, 2))  # symbol, decimals, minimum

    def params(self) -> Params:
        base = load("local")
        markets = {name: base.markets[name] for name in self.markets}
        markets |= {f"{self.markets[0]}-{i}": base.markets[self.markets[0]] for i in range(self.copies)}
        assets = {each.asset: base.assets[each.asset] for each in markets.values()}
        tokens = {
            symbol: Token.model_validate({"name": symbol, "decimals": decimals, "min_notional": str(minimum)})
            for symbol, decimals, minimum in self.tokens
        }
        return base.model_copy(update={"markets": markets, "assets": assets, "tokens": tokens})


class Lockstep:
    """One deployed system and its model.

    `history` holds every operation done since the start. `log` is told each one with its outcome. The state is compared
    after every `every` operations (1: always; 0: only on demand, through `compare`).
    """

    def __init__(
        self, chain: Chain, layout: Layout | None = None, every: int = 1, log: Callable[[str], None] | None = None
    ) -> None:
        self.chain = chain
        self.layout = layout or Layout()
        self.every = every
        self.log = log
        self.history: list[Operation] = []
        self.succeeded: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.observers: list[Observer] = []
        self._since_compared = 0

        params = self.layout.params()
        unsessioned = {name: each for name, each in params.markets.items() if name not in self.layout.with_sessions}
        self.system = deploy_system(chain, params.model_copy(update={"markets": unsessioned}))
        self.harness = chain.deploy(load_artifacts()["MathHarness"], sender=self.system.governor)
        self.model = SystemModel(chain.now, ChainPrimitives(self.harness))
        self.market_contracts: list[Contract] = []
        self.market_assets: list[str] = []
        self._build_markets(params)

        self.tokens = tuple(params.tokens)
        for symbol, token in params.tokens.items():
            self.model.list_token(symbol, token.min_notional_units)
        self.addresses: dict[str, str] = {name: chain.account(name) for name in ACTORS}
        self.addresses[TREASURY] = self.system.treasury
        for symbol in self.tokens:
            for layer in LAYERS:
                self.addresses[f"{symbol}:{layer}"] = self.pool(symbol, layer).address
        self.addresses["vault"] = self.system.vault.address
        self.names = {address: name for name, address in self.addresses.items()}
        self.minted: Counter[str] = Counter()
        self.donated: Counter[str] = Counter()
        for symbol in self.tokens:
            spenders = [self.system.vault.address, *(self.pool(symbol, layer).address for layer in LAYERS)]
            for actor in ACTORS:
                for spender in spenders:
                    self.token(symbol).approve(spender, NO_LIMIT, sender=self.addresses[actor])

    # ── construction ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _build_markets(self, params: Params) -> None:
        calendars: dict[str, Calendar] = {}
        for name, spec in params.assets.items():
            if any(params.markets[market].asset == name for market in self.layout.with_sessions):
                calendars[name] = WeekdaySessions(closed_weight_wad=CALENDAR_WEIGHT_WAD)
            deviation_wad = int(spec.deviation * WAD)
            oracle = self.model.add_asset(
                name, max_age=spec.max_age_seconds, deviation_wad=deviation_wad, calendar=calendars.get(name)
            )
            oracle.guards = Guards(max_jump_wad=spec.guards.max_jump_wad)
            assert spec.initial_price_usd is not None
            oracle.print = Print(int(spec.initial_price_usd * 10**8) * BREAKER_UNIT_WAD, 1, self.chain.now)
        # Markets have their ids by the order of deployment: those with sessions come last.
        ordered = sorted(params.markets, key=lambda name: name in self.layout.with_sessions)
        for name in ordered:
            spec_ = params.markets[name]
            calendar = calendars.get(spec_.asset)
            if calendar is None:
                contract = self.system.market(name).contract
            else:
                contract = _deploy_with_sessions(self.system, spec_, calendar)
            config = MarketConfig(
                reference_price_wad=int(spec_.reference_price_usd * WAD),
                variance_budget_wad=spec_.variance_budget_wad,
                initial_variance_wad=spec_.initial_variance_wad,
                min_variance_wad=int(params.sigma_min**2 * WAD),
                max_variance_wad=int(params.sigma_max**2 * WAD),
                loading_wad=int(spec_.loading * WAD),
            )
            market_id = self.model.add_market(spec_.asset, config)
            assert market_id == len(self.market_contracts)
            self.market_contracts.append(contract)
            self.market_assets.append(spec_.asset)
            self.model.poke(market_id)

    # ── contracts ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def options(self) -> Contract:
        return self.system.options

    @property
    def vault(self) -> Contract:
        return self.system.vault

    def token(self, symbol: str) -> Contract:
        return self.system.tokens[symbol].contract

    def pool(self, symbol: str, layer: str) -> Contract:
        token = self.system.tokens[symbol]
        return token.main_contract if layer == "main" else token.insurance_contract

    def market(self, market_id: int) -> Contract:
        return self.market_contracts[market_id]

    # ── running ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def run(self, name: str, /, **args: Any) -> Outcome:
        """Do one operation to both.

        Raises:
            Disagreement: the results, the refusals or the states differ.
        """
        operation = Operation(name, args)
        self.history.append(operation)
        for observer in self.observers:
            observer.before(operation)
        on_chain, on_model = getattr(self, f"_{name}")(**args)
        chain, model = _outcome(on_chain), _outcome(on_model)
        if self.log:
            self.log(f"{operation} → {chain}")
        self._match(operation, chain, model)
        if chain.refused:
            self.refused[name, chain.refused] += 1
        else:
            self.succeeded[name] += 1
        for observer in self.observers:
            observer.after(operation, chain)
        self._since_compared += 1
        if self.every and self._since_compared >= self.every:
            self.compare()
        return chain

    def replay(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            self.run(operation.name, **operation.args)

    def _match(self, operation: Operation, chain: Outcome, model: Outcome) -> None:
        same = (
            chain.refused == model.refused or {chain.refused, model.refused} in SAME_REFUSAL
            if chain.refused or model.refused
            else chain.result == model.result
        )
        if same and chain.refused == model.refused:
            # Of several markets that stand in the way, either side may name any.
            ignored = OF_SOME_MARKET if "marketId" in model.details else ()
            for key, value in model.details.items():
                if key in ignored:
                    continue
                if isinstance(value, int) and key in chain.details and chain.details[key] != value:
                    same = False
        if not same:
            raise Disagreement(f"{operation}\n  contract: {chain}\n  model:    {model}")

    def compare(self) -> State:
        """Compare the states; returns the chain's.

        Raises:
            Disagreement: they differ; names every entry that does.
        """
        self._since_compared = 0
        chain, model = self.chain_state(), self.model_state()
        if chain != model:
            lines = [
                f"  {' '.join(map(str, key))}\n    contract: {chain.get(key, '—')}\n    model:    {model.get(key, '—')}"
                for key in sorted(chain.keys() | model.keys(), key=str)
                if chain.get(key) != model.get(key)
            ]
            last = self.history[-1] if self.history else "deployment"
            raise Disagreement("\n".join([f"states differ after {last}:", *lines]))
        for observer in self.observers:
            observer.compared(chain)
        return chain

    # ── the state of either side, as one flat mapping ─────────────────────────────────────────────────────────────────
    def chain_state(self) -> State:
        state: State = {}
        for symbol in self.tokens:
            self._chain_ledger(symbol, state)
            self._chain_book(symbol, state)
            for layer in LAYERS:
                self._chain_pool(symbol, layer, state)
            for trader in TRADERS:
                self._chain_account(trader, symbol, state)
        for market_id, market in enumerate(self.market_contracts):
            s = market.state()
            phase = market.phase()
            state["market", market_id] = (
                *(s.price, s.updatedAt, s.maxAge, s.accruedAt, s.cell, s.running, s.a, s.b),
                *(s.variance, s.samplePrice, s.sampledAt, s.band),
            )
            # Nothing follows from the anchor once the market is frozen.
            state["market", market_id, "anchor"] = phase == 2 or s.resetAnchor
            state["market", market_id, "phase"] = phase
            state["market", market_id, "wind-down"] = tuple(market.windDown())
            state["market", market_id, "events"] = [tuple(each) for each in market.events()]
            state["market", market_id, "live"] = market.liveCount()
            state["market", market_id, "paused"] = self.options.openingPausedUntil(market_id)
        return state

    def _chain_ledger(self, symbol: str, state: State) -> None:
        contract = self.token(symbol)
        names = [*ACTORS, TREASURY, f"{symbol}:main", f"{symbol}:insurance"]
        for module, address in ((OPTIONS, self.options.address), (FREE, ZERO_ADDRESS)):
            for start in range(0, len(names), 3):
                three = names[start : start + 3]
                padded = [self.addresses[name] for name in three] + [ZERO_ADDRESS] * (3 - len(three))
                for name, balance in zip(three, self.vault.balancesOf(contract.address, address, padded), strict=False):
                    state["ledger", symbol, module, name] = balance
        for name in (*names, "vault"):
            state["wallet", symbol, name] = contract.balanceOf(self.addresses[name])

    def _chain_book(self, symbol: str, state: State) -> None:
        address = self.token(symbol).address
        book = self.options.tokenBook(address)
        state["book", symbol] = (
            *(book.minNotional, book.closeOnly, book.callNotional, book.putNotional, book.treasuryDue),
            *(book.rentIndex, book.rentAccruedAt, book.debtMain, book.debtInsurance, book.forgiven),
        )
        state["book", symbol, "markets"] = sorted(book.marketIds)
        for market_id in range(len(self.market_contracts)):
            sold = self.options.marketState(address, market_id)
            state["book", symbol, "market", market_id] = (
                _strikes(sold),
                *(sold.fundingEntry, sold.rentEntry, sold.frozen, sold.frozenRentIndex),
            )

    def _chain_pool(self, symbol: str, layer: str, state: State) -> None:
        pool, key = self.pool(symbol, layer), ("pool", symbol, layer)
        state[*key, "supply"] = pool.totalSupply()
        for name in (*PROVIDERS, STRANGER, f"{symbol}:{layer}"):
            state[*key, "shares", name] = pool.balanceOf(self.addresses[name])
        for name in (*PROVIDERS, STRANGER):
            address = self.addresses[name]
            request = pool.redemptionOf(address)
            state[*key, "request", name] = (request.shares, request.executableAt if request.shares else 0)
            state[*key, "claim", name] = (pool.maxRedeem(address), pool.maxWithdraw(address))
        for for_deposit in (True, False):
            state[*key, "nav", for_deposit] = tuple(pool.nav(for_deposit))
        state[*key, "total assets"] = pool.totalAssets()

    def _chain_account(self, owner: str, symbol: str, state: State) -> None:
        address, token, key = self.addresses[owner], self.token(symbol).address, ("account", symbol, owner)
        positions = {}
        for each in self.options.positions(address, token):
            position = self.options.position(address, token, each)
            positions[tuple(each)] = (position.notional, position.fundingIndex, position.rentIndex)
        state[*key, "positions"] = positions
        state[*key, "debt"] = tuple(self.options.debtOf(address, token))
        state[*key, "health"] = tuple(self.options.accountHealth(address, token))

    def model_state(self) -> State:
        model, state = self.model, State()
        for symbol in self.tokens:
            names = [*ACTORS, TREASURY, f"{symbol}:main", f"{symbol}:insurance"]
            for module in (OPTIONS, FREE):
                for name in names:
                    state["ledger", symbol, module, name] = model.vault.balance(symbol, module, name)
            for name in names:
                state["wallet", symbol, name] = model.vault.wallet(symbol, name)
            state["wallet", symbol, "vault"] = model.vault.holdings.get(symbol, 0)
            self._model_book(symbol, state)
            for name, layer in LAYERS.items():
                self._model_pool(symbol, name, layer, state)
            for trader in TRADERS:
                account = model.options.account(trader, symbol)
                key = ("account", symbol, trader)
                state[*key, "positions"] = {
                    (i, strike, side is Side.CALL): (each.notional, each.settled_at.funding, each.settled_at.rent)
                    for (i, strike, side), each in account.positions.items()
                }
                state[*key, "debt"] = (account.debt.main, account.debt.insurance)
                h = model.health(trader, symbol)
                state[*key, "health"] = (
                    *(h.balance, h.debt, h.owed, h.equity),
                    *(h.initial_margin, h.maintenance_margin),
                )
        for market_id, market in model.options.markets.items():
            phase = market.phase(model.now).value
            state["market", market_id] = (
                *(market.price_wad, market.updated_at, market.max_age, market.accrued_at, market.cell),
                *(market.running, market.a, market.b),
                *(market.variance_wad, market.sample_price_wad, market.sampled_at, market.band_wad),
            )
            state["market", market_id, "anchor"] = phase == 2 or market.reset_anchor
            state["market", market_id, "phase"] = phase
            state["market", market_id, "wind-down"] = (market.final_price_wad, market.freeze_at)
            state["market", market_id, "events"] = [(each.at, each.lump_wad, each.move_wad) for each in market.events]
            state["market", market_id, "live"] = len(market.outside)
            state["market", market_id, "paused"] = model.options.opening_paused_until.get(market_id, 0)
        return state

    def _model_book(self, symbol: str, state: State) -> None:
        book = self.model.options.books[symbol]
        state["book", symbol] = (
            *(book.min_notional, book.close_only, book.call_notional, book.put_notional, book.treasury_due),
            *(book.rent_index, book.rent_accrued_at, book.debt.main, book.debt.insurance, book.forgiven.total),
        )
        state["book", symbol, "markets"] = sorted(book.open_market_ids())
        for market_id in self.model.options.markets:
            sold = book.market_books.get(market_id)
            state["book", symbol, "market", market_id] = (
                ([], 0, 0, False, 0)
                if sold is None
                else (
                    [(strike, *sold.strikes[strike]) for strike in sorted(sold.strikes)],
                    *(sold.funding_entry, sold.rent_entry),
                    *(sold.frozen_rent_index is not None, sold.frozen_rent_index or 0),
                )
            )

    def _model_pool(self, symbol: str, name: str, layer: Layer, state: State) -> None:
        pool, key = self.model.pools[symbol, layer], ("pool", symbol, name)
        state[*key, "supply"] = pool.supply
        for owner in (*PROVIDERS, STRANGER, f"{symbol}:{name}"):
            state[*key, "shares", owner] = pool.shares_of(owner)
        for owner in (*PROVIDERS, STRANGER):
            request, claim = pool.requests.get(owner), pool.claims.get(owner)
            state[*key, "request", owner] = (request.shares, request.executable_at) if request else (0, 0)
            state[*key, "claim", owner] = (claim.shares, claim.assets) if claim else (0, 0)
        for for_deposit in (True, False):
            nav = self.model.nav(symbol, layer, for_deposit=for_deposit)
            state[*key, "nav", for_deposit] = (
                *(nav.cash, nav.reserved, nav.accrued, nav.debt),
                *(nav.liability, nav.nav),
            )
        state[*key, "total assets"] = self.model.nav(symbol, layer, for_deposit=False, marked=True).nav

    # ── operations: the world ─────────────────────────────────────────────────────────────────────────────────────────
    def _warp(self, seconds: int) -> Halves:
        return lambda: self.chain.warp(seconds), lambda: self.model.warp(seconds)

    def _publish(self, asset: str, answer: int, age: int = 0) -> Halves:
        """The feed answers `answer` (1e-8 USD), stamped `age` seconds ago (or ahead)."""
        last = self.model.oracles[asset].print
        assert last is not None
        round_id, stamp = last.round + 1, self.chain.now - age
        aggregator = self.system.asset(asset).aggregator

        def on_chain() -> None:
            aggregator.updateRoundData(round_id, answer, stamp, stamp, sender=self.addresses[STRANGER])

        price_wad = max(0, answer) * BREAKER_UNIT_WAD
        return on_chain, lambda: self.model.set_print(asset, Print(price_wad, round_id, stamp))

    def _fund(self, token: str, owner: str, amount: int) -> Halves:
        """A wallet receives new tokens."""

        def on_chain() -> None:
            self.token(token).mint(self.addresses[owner], amount, sender=self.system.governor)
            self.minted[token] += amount

        return on_chain, lambda: self.model.fund(token, owner, amount)

    def _donate(self, token: str, payer: str, target: str, amount: int) -> Halves:
        """A plain transfer to the vault or to a pool."""

        def on_chain() -> None:
            self.token(token).transfer(self.addresses[target], amount, sender=self.addresses[payer])
            if target == "vault":
                self.donated[token] += amount

        def on_model() -> None:
            vault = self.model.vault
            if target == "vault":
                vault.donate(token, payer, amount)
                return
            balance = vault.wallet(token, payer)
            if balance < amount:
                raise ModelRevert("ERC20InsufficientBalance", balance=balance, needed=amount)
            vault.wallets[token, payer] = balance - amount
            vault.mint(token, target, amount)

        return on_chain, on_model

    # ── operations: markets ───────────────────────────────────────────────────────────────────────────────────────────
    def _poke(self, market: int) -> Halves:
        def on_chain() -> tuple[int, int]:
            status, updated_at = self.market(market).poke(sender=self.addresses[STRANGER]).return_value
            return status, updated_at

        def on_model() -> tuple[int, int]:
            status = self.model.poke(market)
            return status.value, self.model.options.markets[market].updated_at

        return on_chain, on_model

    def _accrue(self, market: int) -> Halves:
        return lambda: _nothing(self.market(market).accrue(sender=self.addresses[STRANGER])), lambda: _nothing(
            self.model.accrue(market)
        )

    def _schedule_event(self, market: int, at: int, lump: int, move: int) -> Halves:
        contract, event = self.market(market), ScheduledEvent(at, lump, move)
        return lambda: _nothing(
            contract.scheduleEvent((at, lump, move), sender=self.system.governor)
        ), lambda: self.model.schedule_event(market, event)

    def _cancel_event(self, market: int, at: int) -> Halves:
        contract = self.market(market)
        return lambda: _nothing(contract.cancelEvent(at, sender=self.system.governor)), lambda: self.model.cancel_event(
            market, at
        )

    def _announce_wind_down(self, market: int, final_price: int, freeze_at: int) -> Halves:
        contract = self.market(market)
        return lambda: _nothing(
            contract.announceWindDown(final_price, freeze_at, sender=self.system.governor)
        ), lambda: self.model.announce_wind_down(market, final_price, freeze_at)

    def _cancel_wind_down(self, market: int) -> Halves:
        contract = self.market(market)
        return lambda: _nothing(
            contract.cancelWindDown(sender=self.system.governor)
        ), lambda: self.model.cancel_wind_down(market)

    def _pause_opening(self, market: int, until: int) -> Halves:
        return lambda: _nothing(
            self.options.pauseOpening(market, until, sender=self.system.governor)
        ), lambda: self.model.pause_opening(market, until)

    def _set_token(self, token: str, min_notional: int, close_only: bool) -> Halves:
        address = self.token(token).address
        return lambda: _nothing(
            self.options.setToken(address, min_notional, close_only, sender=self.system.governor)
        ), lambda: self.model.set_token(token, min_notional, close_only)

    # ── operations: traders ───────────────────────────────────────────────────────────────────────────────────────────
    def _deposit_margin(self, token: str, owner: str, amount: int, payer: str | None = None) -> Halves:
        payer = payer or owner
        return lambda: _nothing(
            self.vault.deposit(
                self.token(token).address,
                self.options.address,
                self.addresses[owner],
                amount,
                sender=self.addresses[payer],
            )
        ), lambda: self.model.deposit_margin(token, owner, amount, payer)

    def _withdraw_free(self, token: str, owner: str, amount: int) -> Halves:
        address = self.addresses[owner]
        return lambda: _nothing(
            self.vault.withdraw(self.token(token).address, amount, address, sender=address)
        ), lambda: self.model.withdraw_free(token, owner, amount)

    def _order(
        self, owner: str, token: str, position: tuple[int, int, str], notional: int, limit: int, deadline: int
    ) -> tuple[Any, ...]:
        return (
            *(self.addresses[owner], self.token(token).address, *_chain_id(*position)),
            *(notional, limit, deadline),
        )

    def _open(
        self,
        owner: str,
        token: str,
        market: int,
        strike: int,
        side: str,
        notional: int,
        limit: int = NO_LIMIT,
        deadline: int = NO_LIMIT,
        caller: str | None = None,
    ) -> Halves:
        caller = caller or owner
        order = self._order(owner, token, (market, strike, side), notional, limit, deadline)

        def on_chain() -> tuple[int, int]:
            premium, fee = self.options.open(order, sender=self.addresses[caller]).return_value
            return premium, fee

        def on_model() -> tuple[int, int]:
            opened = self.model.open(
                owner,
                token,
                _model_id(market, strike, side),
                notional,
                max_premium=limit,
                deadline=deadline,
                caller=caller,
            )
            return opened.premium, opened.fee

        return on_chain, on_model

    def _close(
        self,
        owner: str,
        token: str,
        market: int,
        strike: int,
        side: str,
        notional: int,
        limit: int = 0,
        deadline: int = NO_LIMIT,
        caller: str | None = None,
    ) -> Halves:
        caller = caller or owner
        order = self._order(owner, token, (market, strike, side), notional, limit, deadline)

        def on_model() -> Closed:
            return self.model.close(
                owner,
                token,
                _model_id(market, strike, side),
                notional,
                min_proceeds=limit,
                deadline=deadline,
                caller=caller,
            )

        return lambda: tuple(self.options.close(order, sender=self.addresses[caller]).return_value), lambda: _closed(
            on_model()
        )

    def _settle(self, owner: str, token: str, caller: str | None = None) -> Halves:
        address, sender = self.token(token).address, self.addresses[caller or owner]
        return lambda: _nothing(
            self.options.settle(self.addresses[owner], address, sender=sender)
        ), lambda: self.model.settle(owner, token)

    def _withdraw_margin(self, token: str, owner: str, amount: int) -> Halves:
        address = self.addresses[owner]
        return lambda: _nothing(
            self.options.withdraw(self.token(token).address, amount, address, sender=address)
        ), lambda: self.model.withdraw_margin(owner, token, amount)

    def _set_operator(self, owner: str, operator: str, approved: bool) -> Halves:
        return lambda: _nothing(
            self.options.setOperator(self.addresses[operator], approved, sender=self.addresses[owner])
        ), lambda: self.model.set_operator(owner, operator, approved)

    # ── operations: keepers ───────────────────────────────────────────────────────────────────────────────────────────
    def _liquidate(self, owner: str, token: str, market: int, strike: int, side: str, keeper: str = KEEPER) -> Halves:
        position = _model_id(market, strike, side)
        return lambda: tuple(self._keep("liquidate", owner, token, position, keeper)), lambda: _closed(
            self.model.liquidate(owner, token, position, keeper)
        )

    def _exercise(self, owner: str, token: str, market: int, strike: int, side: str, keeper: str = KEEPER) -> Halves:
        position = _model_id(market, strike, side)
        return lambda: tuple(self._keep("exercise", owner, token, position, keeper)), lambda: _closed(
            self.model.exercise(owner, token, position, keeper)
        )

    def _evict(self, owner: str, token: str, market: int, strike: int, side: str, keeper: str = KEEPER) -> Halves:
        position = _model_id(market, strike, side)
        return lambda: tuple(self._keep("evict", owner, token, position, keeper)), lambda: _closed(
            self.model.evict(owner, token, position)
        )

    def _close_frozen(
        self, owner: str, token: str, market: int, strike: int, side: str, keeper: str = KEEPER
    ) -> Halves:
        position = _model_id(market, strike, side)
        return lambda: tuple(self._keep("closeFrozen", owner, token, position, keeper)), lambda: _closed(
            self.model.close_frozen(owner, token, position)
        )

    def _keep(self, function: str, owner: str, token: str, position: PositionId, keeper: str) -> Any:
        return getattr(self.options, function)(
            self.addresses[owner],
            self.token(token).address,
            _chain_id(position.market_id, position.strike, position.side.value),
            sender=self.addresses[keeper],
        ).return_value

    def _freeze(self, token: str, market: int) -> Halves:
        address = self.token(token).address
        return lambda: _nothing(
            self.options.freeze(address, market, sender=self.addresses[KEEPER])
        ), lambda: self.model.freeze(token, market)

    def _accrue_rent(self, token: str, layer: str) -> Halves:
        address = self.token(token).address
        return lambda: _nothing(
            self.options.accrueRent(address, LAYERS[layer].value, sender=self.addresses[STRANGER])
        ), lambda: self.model.accrue_rent(token)

    # ── operations: liquidity providers ───────────────────────────────────────────────────────────────────────────────
    def _collect_fees(self, token: str, caller: str) -> Halves:
        address, sender = self.token(token).address, self.addresses[caller]
        return (
            lambda: self.options.collectFees(address, sender=sender).return_value,
            lambda: self.model.collect_fees(token),
        )

    def _pool_deposit(self, token: str, layer: str, provider: str, assets: int, min_shares: int = 0) -> Halves:
        deposit = self.pool(token, layer)["deposit(uint256,address,uint256)"]
        address = self.addresses[provider]
        return (
            lambda: deposit(assets, address, min_shares, sender=address).return_value,
            lambda: self.model.pool_deposit(token, LAYERS[layer], provider, assets, min_shares),
        )

    def _pool_fund(self, token: str, layer: str, payer: str, receiver: str, assets: int, min_shares: int = 0) -> Halves:
        where = (self.token(token).address, self.options.address, self.pool(token, layer).address)
        sender, to = self.addresses[payer], self.addresses[receiver]
        return (
            lambda: self.vault.fund(*where, assets, to, min_shares, sender=sender).return_value,
            lambda: self.model.pool_fund(token, LAYERS[layer], payer, receiver, assets, min_shares),
        )

    def _pool_mint(self, token: str, layer: str, provider: str, shares: int) -> Halves:
        pool, address = self.pool(token, layer), self.addresses[provider]
        return lambda: pool.mint(shares, address, sender=address).return_value, lambda: self.model.pool_mint(
            token, LAYERS[layer], provider, shares
        )

    def _transfer_shares(self, token: str, layer: str, sender: str, receiver: str, shares: int) -> Halves:
        pool = self.pool(token, layer)
        return lambda: _nothing(
            pool.transfer(self.addresses[receiver], shares, sender=self.addresses[sender])
        ), lambda: self.model.transfer_shares(token, LAYERS[layer], sender, receiver, shares)

    def _request_redeem(self, token: str, layer: str, owner: str, shares: int) -> Halves:
        pool, address = self.pool(token, layer), self.addresses[owner]
        return lambda: _nothing(
            pool.requestRedeem(shares, address, address, sender=address)
        ), lambda: self.model.request_redeem(token, LAYERS[layer], owner, shares)

    def _execute_redemption(self, token: str, layer: str, controller: str, keeper: str = KEEPER) -> Halves:
        pool = self.pool(token, layer)

        def on_model() -> tuple[int, int]:
            claim = self.model.execute_redemption(token, LAYERS[layer], controller)
            return claim.shares, claim.assets

        return (
            lambda: pool.executeRedemption(self.addresses[controller], sender=self.addresses[keeper]).return_value,
            on_model,
        )

    def _redeem(self, token: str, layer: str, controller: str, shares: int) -> Halves:
        pool, address = self.pool(token, layer), self.addresses[controller]
        return lambda: pool.redeem(shares, address, address, sender=address).return_value, lambda: self.model.redeem(
            token, LAYERS[layer], controller, shares
        )

    def _withdraw_claim(self, token: str, layer: str, controller: str, assets: int) -> Halves:
        pool, address = self.pool(token, layer), self.addresses[controller]
        return (
            lambda: pool.withdraw(assets, address, address, sender=address).return_value,
            lambda: self.model.withdraw_claim(token, LAYERS[layer], controller, assets),
        )


def _deploy_with_sessions(system: System, spec: MarketParams, calendar: Calendar) -> Contract:
    """The same market as the builder's, on the test calendar."""
    chain, sender, asset = system.chain, system.governor, system.asset(spec.asset)
    times = chain.deploy(
        system.artifacts["TestCalendar"], CALENDAR_WEIGHT_WAD, calendar.year_seconds_wad, sender=sender
    )
    known = system.oracle.assetConfig(asset.id)
    system.oracle.setAsset(asset.id, (known.feed, known.maxAge, known.deviation, times.address), sender=sender)
    config = (
        asset.id,
        int(spec.reference_price_usd * WAD),
        spec.variance_budget_wad,
        spec.initial_variance_wad,
        int(system.params.sigma_min**2 * WAD),
        int(system.params.sigma_max**2 * WAD),
        int(spec.loading * WAD),
    )
    parties = (system.authority.address, system.oracle.address, times.address, system.options.address)
    market = chain.deploy(system.artifacts["OptionMarket"], *parties, config, sender=sender)
    for role, functions in GRANTS["OptionMarket"].items():
        selectors = [getattr(market, name).selector for name in functions]
        system.authority.setTargetFunctionRole(market.address, selectors, int(role), sender=sender)
    market.poke(sender=sender)
    system.options.addMarket(market.address, sender=sender)
    return market


def _outcome(half: Half) -> Outcome:
    try:
        return Outcome(half())
    except Reverted as error:
        return Outcome(refused=error.name, details=error.args_)
    except ModelRevert as error:
        return Outcome(refused=error.error, details=error.details)


def _strikes(sold: Any) -> list[tuple[int, int, int]]:
    """(strike, calls, puts) of each live strike, out of the words that hold them."""
    words = [(word >> 224, word & UINT112, word >> 112 & UINT112) for word in sold.strikes]
    return [(strike - (1 << 16 if strike >> 15 else 0), calls, puts) for strike, calls, puts in words]


def _nothing(_: object) -> None:
    return None


def _chain_id(market: int, strike: int, side: str) -> tuple[int, int, bool]:
    return market, strike, side == Side.CALL.value


def _model_id(market: int, strike: int, side: str) -> PositionId:
    return PositionId(market, strike, Side(side))


def _closed(closed: Closed) -> tuple[int, int, int, int, int]:
    return closed.notional, closed.payout_main, closed.payout_insurance, closed.fee, closed.debt_paid
