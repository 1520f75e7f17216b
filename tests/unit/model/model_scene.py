"""A small system to act on: one BTC market, one margin token, two funded pools, a trader with margin."""

from dataclasses import dataclass

from everstock.model.market import MarketConfig
from everstock.model.primitives import WAD
from everstock.model.system import Layer, PositionId, Side, SystemModel

START = 1_800_000_000
TOKEN = "margin"
UNIT = 10**18
BTC_USD = 60_000
BTC_7D = MarketConfig(BTC_USD * WAD, 6904109589041095, 36 * WAD // 100)
PROVIDER = "provider"
TRADER = "trader"
KEEPER = "keeper"


@dataclass
class Scene:
    system: SystemModel
    market_id: int

    def option(self, strike: int = 0, side: Side = Side.CALL) -> PositionId:
        return PositionId(self.market_id, strike, side)

    def price(self, usd: float) -> None:
        self.system.set_price("BTC", int(usd * 10**6) * 10**12)

    def pass_time(self, seconds: int, usd: float = BTC_USD) -> None:
        """Time passes and the feed prints."""
        self.system.warp(seconds)
        self.price(usd)

    def walk_to(self, usd: float, start_usd: float = BTC_USD) -> None:
        """As far as the jump breaker lets one go, every twenty minutes."""
        while abs(usd - start_usd) > 1e-9:
            start_usd = min(usd, start_usd * 1.09) if usd > start_usd else max(usd, start_usd * 0.92)
            self.pass_time(1200, start_usd)
            self.system.poke(self.market_id)

    def join(self, owner: str, margin: int, token: str = TOKEN) -> None:
        self.system.fund(token, owner, margin)
        self.system.deposit_margin(token, owner, margin)


def build_scene(main: int = 1000 * UNIT, insurance: int = 400 * UNIT) -> Scene:
    system = SystemModel(START)
    system.add_asset("BTC")
    scene = Scene(system, system.add_market("BTC", BTC_7D))
    system.list_token(TOKEN, UNIT // 10)
    for layer, amount in ((Layer.MAIN, main), (Layer.INSURANCE, insurance)):
        system.fund(TOKEN, PROVIDER, amount)
        system.pool_deposit(TOKEN, layer, PROVIDER, amount)
    scene.price(BTC_USD)
    system.poke(scene.market_id)
    scene.join(TRADER, 20 * UNIT)
    return scene
