"""The custodian: one ledger of every token, and the wallets outside it."""

from .errors import ModelRevert, require
from .journal import Journal, Tracked, TrackedDict

FREE = "free"  # an owner's own balance; any other module's entry is that module's to move
OPTIONS = "options"


class VaultModel(Tracked):
    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.ledger: TrackedDict[tuple[str, str, str], int] = TrackedDict(journal)  # (token, module, owner)
        self.wallets: TrackedDict[tuple[str, str], int] = TrackedDict(journal)  # (token, owner), outside the vault
        self.holdings: TrackedDict[str, int] = TrackedDict(journal)  # token.balanceOf(vault)
        self.sealed: TrackedDict[tuple[str, str, str], bool] = TrackedDict(journal)

    def balance(self, token: str, module: str, owner: str) -> int:
        return self.ledger.get((token, module, owner), 0)

    def wallet(self, token: str, owner: str) -> int:
        return self.wallets.get((token, owner), 0)

    def mint(self, token: str, owner: str, amount: int) -> None:
        """Give a wallet tokens from outside the system."""
        self.wallets[token, owner] = self.wallet(token, owner) + amount

    def donate(self, token: str, payer: str, amount: int) -> None:
        """A plain ERC-20 transfer to the vault: it belongs to nobody's entry."""
        self._pull(token, payer, amount)

    # ── edge ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def deposit(self, token: str, module: str, owner: str, amount: int, payer: str) -> None:
        require(amount > 0, "CollateralVault_ZeroAmount")
        require((token, module, owner) not in self.sealed, "CollateralVault_SealedEntry", owner=owner)
        self.deposit_sealed(token, module, owner, amount, payer)

    def deposit_sealed(self, token: str, module: str, owner: str, amount: int, payer: str) -> None:
        self._pull(token, payer, amount)
        self.credit(token, module, owner, amount)

    def withdraw(self, token: str, module: str, owner: str, amount: int, to: str) -> None:
        require(amount > 0, "CollateralVault_ZeroAmount")
        self.credit(token, module, owner, -amount)
        self.holdings[token] -= amount
        self.mint(token, to, amount)

    # ── ledger ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def move(self, token: str, amount: int, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Between two entries (module, owner)."""
        self.credit(token, *source, -amount)
        self.credit(token, *target, amount)

    def credit(self, token: str, module: str, owner: str, amount: int) -> None:
        balance = self.balance(token, module, owner)
        if balance + amount < 0:
            raise ModelRevert("CollateralVault_InsufficientBalance", owner=owner, balance=balance, amount=-amount)
        if amount:
            self.ledger[token, module, owner] = balance + amount

    def _pull(self, token: str, payer: str, amount: int) -> None:
        balance = self.wallet(token, payer)
        require(balance >= amount, "ERC20InsufficientBalance", sender=payer, balance=balance, needed=amount)
        self.wallets[token, payer] = balance - amount
        self.holdings[token] = self.holdings.get(token, 0) + amount
