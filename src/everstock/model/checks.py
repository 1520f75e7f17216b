"""The invariants, by the ids of the threat model: they read the model's state and never write it."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from .accounts import AccountModel
from .book import BookModel, Layer, Split
from .market import Phase
from .pricing import Side
from .primitives import INDEX, WAD, ceil_div
from .system import SystemModel
from .vault import FREE


def check_all(system: SystemModel) -> None:
    check_conservation(system)
    check_pools(system)
    check_books(system)
    check_accruals(system)
    check_values(system)


def check_conservation(system: SystemModel) -> None:
    """V1, P4, X3: the vault holds what its ledger promises; no entry is negative."""
    vault, promised = system.vault, Counter[str]()
    for (token, module, owner), amount in vault.ledger.items():
        assert amount >= 0, f"V1: {token} {module} {owner} holds {amount}"
        promised[token] += amount
    for token, amount in promised.items():
        assert amount <= vault.holdings.get(token, 0), f"V1: the vault owes {amount} {token}"


def circulating(system: SystemModel, token: str) -> int:
    """X3: what wallets and the vault hold together changes only when a wallet is funded from outside."""
    wallets = sum(amount for (each, _), amount in system.vault.wallets.items() if each == token)
    return wallets + system.vault.holdings.get(token, 0)


def check_pools(system: SystemModel) -> None:
    for (token, layer), pool in system.pools.items():
        book = system.options.books[token]
        cash, reserved = book.cash(layer), book.reserved(layer)
        assert cash >= reserved, f"P1: {pool.name} has {cash} for {reserved}"
        assert sum(pool.shares.values()) == pool.supply, f"P3: shares of {pool.name}"
        escrowed = sum(request.shares for request in pool.requests.values())
        assert pool.shares_of(pool.name) >= escrowed, f"P3: escrow of {pool.name}"
        claimable = sum(claim.assets for claim in pool.claims.values())
        assert system.vault.balance(token, FREE, pool.name) >= claimable, f"P4: claims on {pool.name}"


def check_books(system: SystemModel) -> None:
    """X1: the books are the sum of the positions."""
    live: Counter[tuple[int, int]] = Counter()
    for token, book in system.options.books.items():
        strikes: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        funding_entry: Counter[int] = Counter()
        rent_entry: Counter[int] = Counter()
        debt = Split()
        for account in accounts_of(system, book):
            debt += account.debt
            assert account.positions or not account.debt.total, f"X8: {account.owner} owes with no position"
            for position_id, position in account.positions.items():
                assert position.notional > 0, f"X1: an empty position of {account.owner}"
                strikes[position_id.market_id, position_id.strike][position_id.side is Side.PUT] += position.notional
                funding_entry[position_id.market_id] += position.notional * position.settled_at.funding
                rent_entry[position_id.market_id] += position.notional * position.settled_at.rent
        kept = {(i, j): list(each) for i, market in book.market_books.items() for j, each in market.strikes.items()}
        assert kept == strikes, f"X1: strikes of {token}"
        assert debt == book.debt, f"X1: debts of {token}"
        calls, puts = (sum(each[side] for each in strikes.values()) for side in (0, 1))
        assert (calls, puts) == (book.call_notional, book.put_notional), f"X1: sides of {token}"
        for market_id, market_book in book.market_books.items():
            notional = sum(sum(each) for (i, _), each in strikes.items() if i == market_id)
            assert market_book.notional == notional, f"X1: notional of {token} in {market_id}"
            assert market_book.funding_entry == funding_entry[market_id], f"X1: E_F of {token} in {market_id}"
            assert market_book.rent_entry == rent_entry[market_id], f"X1: E_R of {token} in {market_id}"
        for key, each in strikes.items():
            live[key] += sum(each)
    assert live == Counter(system.options.live_notional), "X1: live notional"
    for market_id, market in system.options.markets.items():
        assert set(market.outside) == {j for (i, j), amount in live.items() if i == market_id and amount}, "X1: live"


def check_accruals(system: SystemModel) -> None:
    """X4: accrued ≤ Σ owed ≤ accrued + what rounding up adds (one unit for funding and one for rent per position)."""
    for token, book in system.options.books.items():
        for market_id, market_book in book.market_books.items():
            market = system.options.markets[market_id]
            clock = market.clock_at(system.now)
            rent_index = book.market_rent_index(market_id, system.now)
            gathered = sum(sum(each) * market.funding_index(j, clock) for j, each in market_book.strikes.items())
            booked_funding = gathered - market_book.funding_entry
            booked_rent = market_book.notional * rent_index - market_book.rent_entry
            owed_funding = owed_rent = positions = 0
            for account in accounts_of(system, book):
                for position_id in account.positions:
                    if position_id.market_id == market_id:
                        funding, rent = account.due(position_id, system.now)
                        assert funding >= 0, f"X4: funding of {account.owner} fell"
                        assert rent >= 0, f"X4: rent of {account.owner} fell"
                        owed_funding, owed_rent, positions = owed_funding + funding, owed_rent + rent, positions + 1
            for name, booked, owed, scale in (
                ("funding", booked_funding, owed_funding, INDEX),
                ("rent", booked_rent, owed_rent, WAD),
            ):
                assert ceil_div(booked, scale) <= owed <= booked // scale + positions, f"X4: {name} of {token}"


def check_values(system: SystemModel) -> None:
    """X5: parity and bounds at every live strike."""
    for market in system.options.markets.values():
        for j in market.outside:
            if not market.price_wad or market.phase(system.now) is Phase.FROZEN:
                continue
            strike_wad = market.pricing.strike_wad(j)
            call, put = market.quote(j, Side.CALL), market.quote(j, Side.PUT)
            parity_wad = market.price_wad * 10**18 // strike_wad - 10**18
            assert call.mark_wad - put.mark_wad == parity_wad, f"X5: parity at {j}"
            for quote in (call, put):
                assert quote.bid_wad <= quote.mark_wad <= quote.ask_wad, f"X5: spread at {j}"


def accounts_of(system: SystemModel, book: BookModel) -> Iterator[AccountModel]:
    return (account for account in system.options.accounts.values() if account.book is book)


def share_price(system: SystemModel, token: str, layer: Layer, *, for_deposit: bool) -> tuple[int, int]:
    """P3: (NAV + 1, supply + virtual shares), to be compared crosswise before and after an operation."""
    return system.nav(token, layer, for_deposit=for_deposit).nav + 1, system.pools[token, layer].supply + 10**6
