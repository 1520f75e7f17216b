"""Orders: executed at the first price newer than their commitment."""

from __future__ import annotations

from collections.abc import Iterable

from everstock.chain.errors import Reverted
from everstock.chain.receipt import Tx
from everstock.client import Asset
from everstock.client.orders import Trigger
from everstock.keeper.book import WaitingOrder
from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import DUTY_GAS, Action, Kind, Look, Work


class ExecuteOrders(Duty):
    """Those that a price newer than their commitment lets execute, several under way at once.

    Each keeper begins elsewhere, so that several share the work instead of racing for the same order.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._refused_at: dict[bytes, dict[int, int]] = {}  # orders → stamps of the prices that did not do
        self._max_price_age: int | None = None

    def assets(self) -> Iterable[Asset]:
        """Of the markets that orders wait for."""
        return [self.work.markets[market].asset for market in self.work.book.awaited_markets]

    def due(self, look: Look) -> bool:
        """While one waits."""
        if look.swept:
            self._refused_at.clear()
        return bool(self.work.book.orders)

    def run(self) -> list[Action]:
        """As many as a pass may send."""
        work, mine = self.work, int(self.work.account, 16)
        candidates: list[tuple[WaitingOrder, dict[int, int]]] = []
        for waiting in sorted(work.book.orders.values(), key=lambda each: int.from_bytes(each.hash[:20]) ^ mine):
            stamps = {m: work.price(work.markets[m]).published_at for m in waiting.markets}
            if self._may_execute(waiting) and self._refused_at.get(waiting.hash) != stamps:
                candidates.append((waiting, stamps))
            if len(candidates) == work.policy.orders_a_pass:
                break
        ready = self._ready(candidates)
        if not ready:
            return []
        receipts = work.send(Kind.ORDER.value, [tx for _, tx in ready])
        work.book.update(work.events.poll())
        actions = []
        for (waiting, _), receipt in zip(ready, receipts, strict=True):
            self._refused_at.pop(waiting.hash, None)
            if receipt is not None:
                work.metrics.actions.labels(Kind.ORDER.value).inc()
                actions.append(Action(Kind.ORDER, waiting.order.owner, waiting.order.token, None, receipt))
        return actions

    def _ready(self, candidates: list[tuple[WaitingOrder, dict[int, int]]]) -> list[tuple[WaitingOrder, Tx]]:
        """Those that would execute now, and pay."""
        work, execute = self.work, self.work.system.orders.execute
        ready: list[tuple[WaitingOrder, Tx]] = []
        calls = [(waiting.order.struct, work.account) for waiting, _ in candidates]
        answers = execute.call_many(calls, sender=work.account)
        for (waiting, stamps), call, answer in zip(candidates, calls, answers, strict=True):
            order = waiting.order
            if isinstance(answer, Reverted):
                self._refused_at[waiting.hash] = stamps  # the same prices will not do the next time either
                continue
            tx = execute.tx(*call, sender=work.account, gas=DUTY_GAS * len(order.legs))
            if work.policy.min_profit_usd is not None:
                gas = work.economics.gas_of(tx._replace(gas=None))
                if not work.economics.pays(order.token, order.execution_fee, gas):
                    work.metrics.unprofitable.labels(Kind.ORDER.value).inc()
                    continue
            ready.append((waiting, tx))
        return ready

    def _may_execute(self, waiting: WaitingOrder) -> bool:
        """What can be told without asking the node again."""
        work = self.work
        if self._max_price_age is None:
            self._max_price_age = int(work.system.orders.maxPriceAge())
        now, order = work.system.chain.now, waiting.order
        for market_id in waiting.markets:
            price = work.price(work.markets[market_id])
            fresh = waiting.committed_at < price.published_at and now <= price.published_at + self._max_price_age
            if not price.is_open or not fresh:
                return False
            if waiting.cancelled_at and price.published_at > waiting.cancelled_at:
                return False
        if order.trigger is Trigger.NONE:
            return True
        price_now = work.price(work.markets[order.trigger_market_id]).price
        above = order.trigger is Trigger.AT_OR_ABOVE
        return price_now >= order.trigger_price if above else price_now <= order.trigger_price
