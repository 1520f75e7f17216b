"""Shares of a pool: synchronous deposits, asynchronous redemption. docs/arithmetic.md §8."""

from dataclasses import dataclass

from .book import Layer
from .errors import require
from .journal import Journal, Tracked, TrackedDict
from .options import OptionsModel
from .primitives import DAY, ceil_div, mul_div, mul_div_up
from .vault import FREE, OPTIONS

VIRTUAL_SHARES = 10**6
MAX_CASH = 2**112 - 1
DUST_SHARES = 10**9  # a pending request below it that is worth nothing is burned for nothing
COOLDOWN_SECONDS = {Layer.MAIN: DAY, Layer.INSURANCE: 7 * DAY}


@dataclass(frozen=True)
class Request:
    shares: int  # in escrow
    executable_at: int


@dataclass(frozen=True)
class Claim:
    shares: int  # burned
    assets: int


class PoolModel(Tracked):
    def __init__(self, journal: Journal, options: OptionsModel, token: str, layer: Layer) -> None:
        super().__init__(journal)
        self.options = options
        self.token = token
        self.layer = layer
        self.name = options.books[token].pool(layer)
        self.supply = 0
        self.shares: TrackedDict[str, int] = TrackedDict(journal)  # escrowed shares are the pool's own
        self.requests: TrackedDict[str, Request] = TrackedDict(journal)
        self.claims: TrackedDict[str, Claim] = TrackedDict(journal)

    def shares_of(self, owner: str) -> int:
        return self.shares.get(owner, 0)

    # ── deposits ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def deposit(self, assets: int, receiver: str, payer: str, now: int, min_shares: int = 0) -> int:
        shares = mul_div(assets, self.supply + VIRTUAL_SHARES, self._deposit_nav(now) + 1)
        enough = shares >= min_shares
        require(enough, "UnderwritingPool_SharesBelowLimit", shares=shares, minShares=min_shares)
        require(assets > 0 and shares > 0, "UnderwritingPool_ZeroAmount")
        self._issue(assets, shares, receiver, payer)
        return shares

    def fund(self, assets: int, receiver: str, payer: str, now: int, min_shares: int = 0) -> int:
        """A deposit out of the payer's free balance."""
        vault = self.options.vault
        require(assets > 0, "CollateralVault_ZeroAmount")
        vault.withdraw(self.token, FREE, payer, assets, payer)
        return self.deposit(assets, receiver, payer, now, min_shares)

    def mint(self, shares: int, receiver: str, payer: str, now: int) -> int:
        assets = mul_div_up(shares, self._deposit_nav(now) + 1, self.supply + VIRTUAL_SHARES)
        require(shares > 0, "UnderwritingPool_ZeroAmount")
        self._issue(assets, shares, receiver, payer)
        return assets

    def _deposit_nav(self, now: int) -> int:
        return self.options.poke_book(self.token, now).require_depositable(self.layer, now).nav

    def _issue(self, assets: int, shares: int, receiver: str, payer: str) -> None:
        cap = max(0, MAX_CASH - self.options.books[self.token].cash(self.layer))
        require(assets <= cap, "ERC4626ExceededMaxDeposit", receiver=receiver, assets=assets, max=cap)
        self.options.vault.deposit_sealed(self.token, OPTIONS, self.name, assets, payer)
        self.supply += shares
        self.shares[receiver] = self.shares_of(receiver) + shares

    def transfer(self, sender: str, receiver: str, shares: int) -> None:
        balance = self.shares_of(sender)
        require(balance >= shares, "ERC20InsufficientBalance", sender=sender, balance=balance, needed=shares)
        self.shares[sender] = balance - shares
        self.shares[receiver] = self.shares_of(receiver) + shares

    # ── redemption ────────────────────────────────────────────────────────────────────────────────────────────────────
    def request_redeem(self, shares: int, controller: str, owner: str, now: int) -> None:
        require(shares > 0, "UnderwritingPool_ZeroAmount")
        if controller in self.requests:
            pending = self.requests[controller].shares
            require(False, "UnderwritingPool_AlreadyRequested", controller=controller, pendingShares=pending)
        self.transfer(owner, self.name, shares)
        self.requests[controller] = Request(shares, now + COOLDOWN_SECONDS[self.layer])

    def execute_redemption(self, controller: str, now: int) -> Claim:
        """Burn as many of a request's shares as free cash pays for."""
        require(controller in self.requests, "UnderwritingPool_NothingRequested", controller=controller)
        request = self.requests[controller]
        cooled_down = now >= request.executable_at
        require(cooled_down, "UnderwritingPool_CoolingDown", executableAt=request.executable_at)
        book = self.options.poke_book(self.token, now)
        value = book.require_redeemable(self.layer, now, request.executable_at)
        free = max(0, value.cash - ceil_div(value.reserved * 10, 8))
        per_shares, per_assets = self.supply + VIRTUAL_SHARES, value.nav + 1
        shares, assets = request.shares, mul_div(request.shares, per_assets, per_shares)
        if assets > free:
            shares = mul_div(free, per_shares, per_assets)
            assets = mul_div(shares, per_assets, per_shares)
        if assets == 0:
            dust = request.shares < DUST_SHARES and mul_div(request.shares, per_assets, per_shares) == 0
            require(dust, "UnderwritingPool_NothingFree", cash=value.cash, reserved=value.reserved)
            self.shares[self.name] -= request.shares
            self.supply -= request.shares
            del self.requests[controller]
            return Claim(request.shares, 0)

        self.shares[self.name] -= shares
        self.supply -= shares
        self.options.vault.move(self.token, assets, (OPTIONS, self.name), (FREE, self.name))
        claim = self.claims.get(controller, Claim(0, 0))
        self.claims[controller] = Claim(claim.shares + shares, claim.assets + assets)
        if shares < request.shares:
            self.requests[controller] = Request(request.shares - shares, request.executable_at)
        else:
            del self.requests[controller]
        return Claim(shares, assets)

    # ── claims (no page gives the rounding of a partial claim: against the one who claims) ────────────────────────────
    def redeem(self, shares: int, receiver: str, controller: str) -> int:
        claim = self.claims.get(controller, Claim(0, 0))
        enough = shares <= claim.shares
        require(enough, "UnderwritingPool_ExceedsClaimable", amount=shares, claimable=claim.shares)
        assets = mul_div(shares, claim.assets, claim.shares) if claim.shares else 0
        require(assets > 0, "UnderwritingPool_ZeroAmount")
        self._pay_claim(claim, Claim(shares, assets), receiver, controller)
        return assets

    def withdraw(self, assets: int, receiver: str, controller: str) -> int:
        claim = self.claims.get(controller, Claim(0, 0))
        enough = assets <= claim.assets
        require(enough, "UnderwritingPool_ExceedsClaimable", amount=assets, claimable=claim.assets)
        require(assets > 0, "UnderwritingPool_ZeroAmount")
        shares = mul_div_up(assets, claim.shares, claim.assets)
        self._pay_claim(claim, Claim(shares, assets), receiver, controller)
        return shares

    def _pay_claim(self, claim: Claim, paid: Claim, receiver: str, controller: str) -> None:
        if paid.shares == claim.shares:
            del self.claims[controller]
        else:
            self.claims[controller] = Claim(claim.shares - paid.shares, claim.assets - paid.assets)
        if paid.assets:
            self.options.vault.withdraw(self.token, FREE, self.name, paid.assets, receiver)
