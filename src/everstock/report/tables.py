"""Tables for people. They round for the eye; the checks print every digit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from rich import box
from rich.table import Table
from rich.text import Text

from everstock.report.ledger import Party, Role, TokenLedger, party_result

NOTHING = Text("–", style="dim")


def tokens(amount: Decimal, places: int = 3) -> str:
    """A quantity, with thousands separated."""
    return f"{_round(amount, places):,}"


def usd(amount: Decimal, places: int = 2) -> str:
    """A price or a value in USD, without the sign of the dollar."""
    return f"{_round(amount, places):,}"


def exact(units: int, decimals: int) -> str:
    """Every digit."""
    with localcontext() as context:
        context.prec = 80
        return f"{Decimal(units).scaleb(-decimals):,f}".replace("-", "−")


def signed(amount: Decimal, places: int) -> Text:
    """Gains green, losses red, nothing a dash."""
    if not amount:
        return NOTHING
    rounded = _round(amount, places)
    return Text(f"{rounded:+,}".replace("-", "−"), style="green" if amount > 0 else "red")


def _round(amount: Decimal, places: int) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def ledger_table(ledger: TokenLedger, price_usd: Decimal, price_note: str) -> Table:
    """Who gained what by which cause. Every column but the last two sums to zero."""
    token = ledger.token
    table = Table(
        title=f"Who paid whom, in {token.symbol}",
        caption=f"1 {token.symbol} = {usd(price_usd)} USD, {price_note}. The pools' results are their LPs', below.",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="dim",
    )
    table.add_column("")
    for cause in ledger.causes:
        table.add_column(cause.value, justify="right", no_wrap=True)
    table.add_column("result", justify="right", style="bold", no_wrap=True)
    table.add_column("USD", justify="right", no_wrap=True)
    for party in ledger.parties:
        row = ledger.entries[party.name]
        if party.role is Role.LP:
            continue
        total = token.amount(ledger.result(party.name))
        cells = [signed(token.amount(row[cause]), 4) for cause in ledger.causes]
        table.add_row(party.name, *cells, signed(total, 4), signed(total * price_usd, 2))
    table.add_section()
    sums = [sum(row[cause] for row in ledger.entries.values()) for cause in ledger.causes]
    zero = Text("0 ✓", style="green")
    cells = [zero if total == 0 else Text(exact(total, token.decimals), style="bold red") for total in sums]
    everything = sum(sums)
    last = zero if everything == 0 else Text(exact(everything, token.decimals), style="bold red")
    table.add_row("Σ", *cells, last, last)
    return table


def lp_table(ledger: TokenLedger, price_usd: Decimal, before: Mapping[str, Decimal]) -> Table:
    """What the LPs put in and have of it. `before`: the price of a share at first, by pool."""
    token = ledger.token
    prices = ", ".join(f"{line.name} {before[line.name]:.6f} → {line.price_now:.6f}" for line in ledger.pools)
    table = Table(
        title=f"What the LPs of {token.symbol} made of it",
        caption=f"{token.symbol} per share, before → after: {prices}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="dim",
    )
    for name in ("", "pool"):
        table.add_column(name)
    for name in ("deposited", "claimed", "shares' worth", "result", "USD", "return"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in ledger.lps:
        result = token.amount(line.result)
        worth = token.amount(line.worth + line.claimable)
        table.add_row(
            line.name,
            line.pool,
            tokens(token.amount(line.deposited), 4),
            tokens(token.amount(line.claimed), 4) if line.claimed else NOTHING,
            tokens(worth, 4) if worth else NOTHING,
            signed(result, 4),
            signed(result * price_usd, 2),
            signed(result * 100 / token.amount(line.deposited), 3) + Text(" %"),
        )
    return table


def checks_table(ledger: TokenLedger) -> Table:
    """Every check, to the last unit."""
    token = ledger.token
    table = Table(
        title=f"Does it add up? {token.symbol}, to the last of {token.decimals} decimals",
        box=None,
        show_header=False,
        title_justify="left",
        title_style="bold",
        padding=(0, 1),
    )
    table.add_column("")
    table.add_column("")
    table.add_column("", justify="right", no_wrap=True)
    for check in ledger.checks:
        mark = Text("✓", style="green") if check.ok else Text("✗", style="bold red")
        decimals = token.decimals + 6 if check.shares else token.decimals
        value = Text(exact(check.left, decimals), style="dim" if check.ok else "bold red")
        table.add_row(mark, check.name, value)
        if not check.ok:
            missing = Text(f"off by {check.difference:+,} units".replace("-", "−"), style="bold red")
            table.add_row("", "", missing)
    return table


def summary(ledgers: list[tuple[TokenLedger, Decimal]]) -> Table:
    """Everybody's result in every token, and in USD."""
    table = Table(title="Result of every party", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("")
    for ledger, _ in ledgers:
        table.add_column(ledger.token.symbol, justify="right", no_wrap=True)
    table.add_column("USD", justify="right", style="bold", no_wrap=True)
    names: dict[str, None] = {}
    for ledger, _ in ledgers:
        names |= {party.name: None for party in ledger.parties if party.role is not Role.POOL}
    totals = [Decimal(0)] * (len(ledgers) + 1)
    with localcontext() as context:
        context.prec = 80
        for name in names:
            cells, in_usd = [], Decimal(0)
            for index, (ledger, price) in enumerate(ledgers):
                amount = _result(ledger, name)
                totals[index] += amount
                in_usd += amount * price
                cells.append(signed(amount, 6))
            totals[-1] += in_usd
            table.add_row(name, *cells, signed(in_usd, 2))
        kept_cells, kept_usd = [], Decimal(0)
        for index, (ledger, price) in enumerate(ledgers):
            kept = ledger.token.amount(sum(line.kept for line in ledger.pools))
            totals[index] += kept
            kept_usd += kept * price
            kept_cells.append(Text(f"{kept:.0E}", style="dim") if kept else NOTHING)
        totals[-1] += kept_usd
        last = Text("0.00", style="dim") if kept_usd else NOTHING
        table.add_row(Text("rounding, kept by the pools", style="dim"), *kept_cells, last)
    table.add_section()
    sums = [Text(str(total), style="bold red") if total else Text("0 ✓", style="green") for total in totals]
    table.add_row("Σ", *sums)
    return table


def _result(ledger: TokenLedger, name: str) -> Decimal:
    party: Party | None = next((p for p in ledger.parties if p.name == name), None)
    return ledger.token.amount(party_result(ledger, party)) if party else Decimal(0)
