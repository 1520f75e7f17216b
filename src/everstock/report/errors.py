"""The error catalogue, from the ABIs: `python -m everstock.report.errors` rewrites docs/errors.md.

Names, arguments and the notice above each error are the compiler's. What to do about one stands here, by name; a name
that no contract has any more is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everstock.artifacts import MANIFEST, find_root

PAGE = Path("docs") / "errors.md"
OWN_FOLDER = "contracts/"
TEST_DOUBLES = "contracts/mocks/"

HEAD = """# Errors

Written by `python -m everstock.report.errors` from the compiled contracts: edit the contracts' notices or the remedies
in `src/everstock/report/errors.py`, not this page. A test fails when it is out of date.

An error's first part names the contract whose rule was broken; it may reach you through another. The arguments say what
was met and what was allowed. Amounts are in the token's smallest unit, prices and rates in WAD (10^18), times in Unix
seconds. The Python client raises `everstock.chain.Reverted` with the same name and arguments.
"""

FOOT = """## Errors of others

OpenZeppelin's contracts and libraries keep their own errors: `AccessManagedUnauthorized(caller)` (the caller lacks the
role), `ERC20InsufficientAllowance` and `ERC20InsufficientBalance` (approve, or hold, more),
`SafeERC20FailedOperation(token)` (the token returned false), ERC-7943's `ERC7943CannotSend`, `ERC7943CannotReceive` and
`ERC7943InsufficientUnfrozenBalance` (the stock token's compliance),
`ERC4626ExceededMaxDeposit(receiver, assets, max)` (a pool holds less than 2^112 units), `ReentrancyGuardReentrantCall`.
Solady's casts revert with `Overflow()`: an amount is too large for its field.
"""

COLUMNS = "| error | arguments | meaning | what to do |\n|---|---|---|---|"

REMEDIES = {
    "BeneficialHoldings_AlreadyAdded": "Nothing to do: the desk is looked through.",
    "DividendDistributor_AlreadyClaimed": "Nothing to do: `paymentOf` says what was paid.",
    "DividendDistributor_Duplicate": "It was declared before; another cash or record day makes another dividend.",
    "DividendDistributor_HolderDenied": "Ask the compliance officer; the part waits.",
    "DividendDistributor_NotClaimable": "Wait until `claimableFrom`.",
    "DividendDistributor_NotRecordDay": "Announce the record date first.",
    "DividendDistributor_NothingHeld": "What counts is what was held before the record day's midnight UTC.",
    "IssuanceDesk_BondLocked": "Withdraw at most `free`, or settle what is pending.",
    "IssuanceDesk_ControllerDenied": "Ask the compliance officer; what is yours waits.",
    "IssuanceDesk_NotOverdue": "Wait for the settlement, or until `deadline`.",
    "IssuanceDesk_NothingClaimable": "Wait until the request is fulfilled.",
    "IssuanceDesk_NothingPending": "The request has ended: claim what it brought.",
    "IssuanceDesk_RequestsPaused": "Wait until `until`.",
    "ProxyVoting_NotOpen": "Votes are taken from `opensAt` until `closesAt`.",
    "ProxyVoting_NothingHeld": "What counts is what was held before the record day's midnight UTC.",
    "RecordDates_NoticeTooShort": "Choose `earliestDay` or a later one.",
    "RecordDates_NotRecordDay": "Ask for a day that the token has announced.",
    "RecordDates_NotReached": "Wait for the record day's midnight UTC.",
    "RecordDates_TooLittleGas": "Send more gas.",
    "RecordDates_TooManyPending": "Wait for one of the days that are ahead.",
    "StockToken_ActionPending": "Wait until it takes effect, or cancel it.",
    "StockToken_CustodyStale": "Attest the shares in custody again.",
    "StockToken_ForcedTransferNotDue": "Announce it, and execute from two to sixteen days later.",
    "StockToken_NoticeTooShort": "Choose a time at or after `earliest`.",
    "StockToken_Paused": "Wait until the issuer lets it run again.",
    "StockToken_Protected": "It keeps many owners' tokens: act on the owner's own account.",
    "StockToken_SupplyAboveCustody": "Mint at most what custody backs, or attest more shares.",
    "CollateralVault_AmountTooLarge": "Use a smaller amount.",
    "CollateralVault_InsufficientBalance": "Move at most `balance`; margin and free balance are separate entries.",
    "CollateralVault_NotModule": "Name a module that governance has enabled, or none.",
    "CollateralVault_NotToken": "Check the token's address and the network.",
    "CollateralVault_SealedEntry": "A pool takes deposits through its own `deposit`.",
    "CollateralVault_TransferMismatch": "The token charges a fee or rebases: it cannot be held here.",
    "CollateralVault_ZeroAddress": "Name an address.",
    "CollateralVault_ZeroAmount": "Ask for more than nothing.",
    "ChainlinkFeed_DecimalsChanged": "Deploy an adapter for the new unit and configure it with `setAsset`.",
    "LendingMarket_BelowMinimumDebt": "Borrow more; when repaying, leave nothing or at least the minimum.",
    "LendingMarket_BorrowingPaused": "Wait until `until`; repaying and topping up work.",
    "LendingMarket_CollateralLeft": "Liquidate first; pledged options are touched last.",
    "LendingMarket_CorporateAction": "Wait until an hour after `effectiveAt`; repaying and topping up work.",
    "LendingMarket_GracePeriod": "Liquidate from `from` on; the bonus rises from there.",
    "LendingMarket_Healthy": "Nothing to do: the debt is within the liquidation limit.",
    "LendingMarket_InsufficientCash": "Ask for at most `cash`, or wait for repayments; the rate rises meanwhile.",
    "LendingMarket_InsufficientCollateral": "Add collateral, borrow less, or withdraw less.",
    "LendingMarket_LeavesDust": "Repay more: all of it, or less so that both stay at or above the minimum.",
    "LendingMarket_NoDesk": "Take the collateral to a wallet or to the vault.",
    "LendingMarket_NoDebt": "Check the account; it owes nothing here.",
    "LendingMarket_NotOpen": "Wait for an Open price; repaying and topping up work meanwhile.",
    "LendingMarket_NotOperator": "Sign as the owner, or be named with `setOperator`.",
    "LendingMarket_NotPledged": "Pledge the options account to this market first: `PerpetualOptions.pledge`.",
    "LendingMarket_OutOfBounds": "Choose a value within the bounds.",
    "LendingMarket_PledgeLeft": "Realise the pledge first: `realisePledge`.",
    "LendingMarket_SeizedBelowLimit": "Accept less collateral, or repay more.",
    "LendingMarket_TransferMismatch": "The loan token charges a fee or rebases: it cannot be lent here.",
    "LendingMarket_ZeroAddress": "Name an address.",
    "LendingMarket_ZeroAmount": "Ask for more than nothing.",
    "LendingFactory_Foreign": "Use the protocol's own vault and oracle.",
    "MorphoOracle_NotOpen": "Wait for an Open price.",
    "OptionsLens_NoReason": "Simulate the operation itself to see why its market cannot answer.",
    "DataStreamsFeed_Expired": "Fetch a newer report.",
    "DataStreamsFeed_FromTheFuture": "Push it in the next block.",
    "DataStreamsFeed_OutOfOrder": "A newer report is there already: go on.",
    "DataStreamsFeed_TooShort": "Push a report of the stream's own schema.",
    "DataStreamsFeed_UnknownSchema": "Name a stream of schema 8, 10 or 11.",
    "DataStreamsFeed_WrongStream": "Push a report of this stream.",
    "DerivedFeed_AlreadyMultiplied": "Use the feed by itself: its price is per token.",
    "DerivedFeed_NoMultiplier": "Name a stock token.",
    "DerivedFeed_WrongDescription": "Name the share's aggregator, or what it calls itself.",
    "PythFeed_BadExponent": "Check the price's id: no Pyth price has such an exponent.",
    "PythFeed_FeeTooLow": "Send at least Pyth's `getUpdateFee`; the rest comes back.",
    "MarketCalendar_NothingToDeclare": "Name a trading day; revoke its first declaration to change it.",
    "MarketCalendar_NoticeTooShort": "Too late to change the day. Without prints the oracle is Closed, then Stale.",
    "MarketCalendar_OutOfBounds": "Choose a value within the bounds.",
    "MarketCalendar_TooManyDays": "Revoke a pending day, or wait until one is past.",
    "MarketCalendar_UnknownDay": "`specialDays` lists what is declared.",
    "OptionMarket_Frozen": "The market has ended: `closeFrozen`.",
    "OptionMarket_NotFrozen": "Close in the ordinary way, or wait for the freeze.",
    "OptionMarket_NotOpen": "Wait for an Open price. After a jump, `poke` and wait for a second print.",
    "OptionMarket_NoticeTooShort": "Choose a time at or after `earliest`.",
    "OptionMarket_OutOfBounds": "Choose a value within the bounds.",
    "OptionMarket_OutOfRange": "Open in another market of the same underlying; this one can still be closed.",
    "OptionMarket_StrikeOutOfBand": "Choose a strike from `lowest` to `highest`; before an event they are nearer.",
    "OptionMarket_StrikeOutOfGrid": "Strike indices run from −`limit` to `limit`.",
    "OptionMarket_TooManyLiveStrikes": "Choose a strike that is live, or evict dust at a far one.",
    "OptionMarket_UnknownEvent": "Name the time of a pending event that lies ahead.",
    "OptionMarket_WindingDown": "Opening has ended; close before or after the freeze.",
    "OrderBook_AlreadyCommitted": "It waits already; another `salt` makes an equal order another one.",
    "OrderBook_AlreadyExecuted": "Nothing to do: somebody else was first.",
    "OrderBook_Cancelled": "Commit another order; a cancellation is final.",
    "OrderBook_Expired": "Commit or sign again with a later deadline.",
    "OrderBook_NotCommitted": "Commit it first, with exactly these fields.",
    "OrderBook_NotOwner": "Send as the owner, or submit the owner's signature with `commitSigned`.",
    "OrderBook_NotTriggered": "Wait until the index reaches the trigger price.",
    "OrderBook_NothingClosed": "Put the closing leg first, or name a notional.",
    "OrderBook_OutOfBounds": "Choose a value within the bounds.",
    "OrderBook_PriceTooEarly": "Wait for the feed's next print.",
    "OrderBook_PriceTooOld": "Wait for the feed's next print.",
    "PerpetualOptions_BelowCap": "Exercise when the mark has reached the cap.",
    "PerpetualOptions_BelowMinimum": "Open more; when closing, leave nothing or at least the minimum.",
    "PerpetualOptions_CloseOnly": "The token is being delisted: positions can only be closed.",
    "PerpetualOptions_CloseTooLarge": "Close at most `open`, or `type(uint112).max` for all.",
    "PerpetualOptions_Expired": "Sign again with a later deadline.",
    "PerpetualOptions_Healthy": "Nothing to do: the account is at or above its maintenance margin.",
    "PerpetualOptions_InsufficientBalance": "Add margin: premium and fee come out of the balance.",
    "PerpetualOptions_InsufficientMargin": "Add margin, open less, or withdraw less.",
    "PerpetualOptions_InsufficientReserve": "Open less: the pool of that layer has no more free cash.",
    "PerpetualOptions_NoPosition": "Check market, strike and side; `positions` lists what an account holds.",
    "PerpetualOptions_NotEvictable": "Only dust at a far strike, and only while a cap is reached.",
    "PerpetualOptions_NotFreezable": "It is not frozen, holds nothing of this token, or is recorded already.",
    "PerpetualOptions_NotOperator": "Sign as the owner, or be named with `setOperator`.",
    "PerpetualOptions_OpeningPaused": "Wait until `until`; closing works.",
    "PerpetualOptions_PremiumAboveLimit": "Accept a larger premium, or wait.",
    "PerpetualOptions_ProceedsBelowLimit": "Accept smaller proceeds, or wait.",
    "PerpetualOptions_SideLimit": "Open less, or the other side: one side locks at most 60% of main's cash.",
    "PerpetualOptions_TooManyMarkets": "Use a market in which the token has positions, or evict dust.",
    "PerpetualOptions_TooManyPositions": "Close a position, or add to one.",
    "PerpetualOptions_TooManyStrikes": "Choose a strike at which the token has positions, or evict dust.",
    "PerpetualOptions_UnknownMarket": "`marketCount` says how many there are.",
    "PerpetualOptions_UnknownToken": "Name a listed token; `PoolFactory.tokenAt` lists them.",
    "PerpetualOptions_ZeroNotional": "Name a notional.",
    "PoolFactory_Decimals": "A margin token has 6 to 18 decimals.",
    "PoolFactory_NotAToken": "Check the token's address and the network.",
    "PriceOracle_GasTooLow": "Send more gas.",
    "PriceOracle_NoAnswer": "Check that the address is an adapter, or a calendar, that answers.",
    "PriceOracle_OutOfBounds": "Choose a value within the bounds.",
    "PriceOracle_SameSource": "Choose a check source of another vendor.",
    "PriceOracle_UnknownAsset": "Configure the asset with `setAsset`.",
    "QuoteSettlement_Expired": "Ask for a new quote.",
    "QuoteSettlement_MultiplierChanged": "Ask for a new quote: a corporate action took effect.",
    "QuoteSettlement_NoPrice": "Wait for an Open price.",
    "QuoteSettlement_NonceUsed": "Ask for a new quote.",
    "QuoteSettlement_NotIssuer": "Only an issuer's quote mints or burns.",
    "QuoteSettlement_NotTaker": "The quote is somebody else's: ask for one of your own.",
    "QuoteSettlement_OutOfBounds": "Choose a value within the bounds.",
    "QuoteSettlement_OutsideBand": "Quote nearer to the oracle's price.",
    "QuoteSettlement_Overfilled": "Fill at most what is left.",
    "QuoteSettlement_SignerLimit": "Fill less, or wait: the signer's limit refills over a day.",
    "QuoteSettlement_TooEarly": "Wait until `notBefore`.",
    "QuoteSettlement_UnknownAsset": "Only assets that governance has listed are quoted.",
    "QuoteSettlement_UnknownPayToken": "Pay in a token that governance has listed.",
    "QuoteSettlement_UnknownSigner": "Only signers that governance has named may quote.",
    "QuoteSettlement_ZeroAddress": "Name an address.",
    "QuoteSettlement_ZeroQuantity": "Name a quantity.",
    "Signed_HighS": "Give the lower s; every current library does.",
    "Signed_RefusedByContract": "Let the contract's owners sign this very digest.",
    "Signed_WrongLength": "Give 65 bytes: r, s, v.",
    "Signed_WrongSigner": "Sign exactly these fields, for this chain and this contract.",
    "StockToken_ZeroAmount": "Ask for more than nothing.",
    "UnderwritingPool_AlreadyRequested": "Wait until the pending request is executed, or use another controller.",
    "UnderwritingPool_Asynchronous": "Use `requestRedeem`; there is no preview of a redemption.",
    "UnderwritingPool_CoolingDown": "Execute at or after `executableAt`.",
    "UnderwritingPool_ExceedsClaimable": "Claim at most `claimable`: `maxRedeem`, `maxWithdraw`.",
    "UnderwritingPool_Impaired": "Wait: the pool's value must recover before new money is fair to it.",
    "UnderwritingPool_MarketNotOpen": "Wait until that market has an Open price.",
    "UnderwritingPool_NotOperator": "Sign as the controller, or be named with `setOperator`.",
    "UnderwritingPool_NothingFree": "Wait until positions close: all cash is reserved, up to 80% utilisation.",
    "UnderwritingPool_NothingRequested": "Request first: `requestRedeem`.",
    "UnderwritingPool_PriceTooOld": "Execute after that market's next print.",
    "UnderwritingPool_SharesBelowLimit": "Accept fewer shares, or wait.",
    "UnderwritingPool_ZeroAmount": "Ask for more; an amount too small for a share is refused.",
}
"""What to do, by error. An error that only a mistaken deployment or another contract can meet has none."""


class UnknownErrors(Exception):
    """Remedies for errors that no contract has."""


@dataclass(frozen=True, order=True)
class Entry:
    """One error of one contract or interface."""

    source: str
    contract: str
    name: str
    arguments: str
    notice: str


def entries(root: Path | None = None) -> list[Entry]:
    """Every error that our own sources declare, where it is declared, in order."""
    root = root or find_root()
    manifest = json.loads((root / MANIFEST).read_text())
    found: dict[str, Entry] = {}
    for name, raw in sorted(manifest["contractTypes"].items()):
        source = str(raw.get("sourceId", ""))
        if source.startswith(OWN_FOLDER) and not source.startswith(TEST_DOUBLES):
            for entry in _declared(name, source, raw, (root / source).read_text()):
                found.setdefault(entry.name, entry)
    return sorted(found.values())


def _declared(contract: str, source: str, raw: Mapping[str, Any], text: str) -> Iterator[Entry]:
    """An ABI also lists what parents and callees throw: the declaration in the source decides whose an error is."""
    notices = _json(raw.get("userdoc")).get("errors", {})
    for item in raw["abi"]:
        if item["type"] == "error" and f"error {item['name']}(" in text:
            types = ",".join(_type(each) for each in item["inputs"])
            told = notices.get(f"{item['name']}({types})", [{}])
            notice = " ".join(str(told[0].get("notice", "")).split())
            arguments = ", ".join(f"{_plain(each)} {each['name']}".strip() for each in item["inputs"])
            yield Entry(source, contract, str(item["name"]), arguments, notice)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value or {}


def _type(argument: Mapping[str, Any]) -> str:
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(each) for each in argument['components'])}){kind.removeprefix('tuple')}"


def _plain(argument: Mapping[str, Any]) -> str:
    """The type as the source names it, without `struct` and `enum`."""
    return str(argument.get("internalType") or argument["type"]).split()[-1].split(".")[-1]


def page(root: Path | None = None) -> str:
    """The page as it should be.

    Raises:
        UnknownErrors: a remedy names an error that is gone.
    """
    all_entries = entries(root)
    if gone := sorted(REMEDIES.keys() - {entry.name for entry in all_entries}):
        raise UnknownErrors(f"no contract declares {', '.join(gone)}: remove the remedy")
    parts = [HEAD]
    for source in sorted({entry.source for entry in all_entries}):
        parts.append(f"## `{source.removeprefix(OWN_FOLDER)}`\n\n{COLUMNS}")
        for entry in all_entries:
            if entry.source == source:
                arguments = f"`{entry.arguments}`" if entry.arguments else "–"
                remedy = REMEDIES.get(entry.name, "")
                parts.append(f"| `{entry.name}` | {arguments} | {_cell(entry.notice)} | {_cell(remedy)} |")
        parts.append("")
    return "\n".join([*parts, FOOT])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    root = find_root()
    (root / PAGE).write_text(page(root))
    print(f"wrote {PAGE}: {len(entries(root))} errors")


if __name__ == "__main__":
    main()
