"""Four ways of making a stock token liquid, from real parts, on one chain, behind one interface."""

from everstock.lab.venues.desk import DeskMaker, IssuerDesk
from everstock.lab.venues.incentive import IncentivePool
from everstock.lab.venues.options import OptionsVenue
from everstock.lab.venues.pair import Amm, amount_out
from everstock.lab.venues.quotes import QuotesVenue
from everstock.lab.venues.town import Stock, Town
from everstock.lab.venues.venue import Refused, Taken, Venue

__all__ = [
    "Amm",
    "DeskMaker",
    "IncentivePool",
    "IssuerDesk",
    "OptionsVenue",
    "QuotesVenue",
    "Refused",
    "Stock",
    "Taken",
    "Town",
    "Venue",
    "amount_out",
]
