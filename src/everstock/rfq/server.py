"""Quotes over HTTP and WebSocket.

    GET  /assets                                     what is quoted, and its mid
    POST /quote    {asset, side, quantity, taker?}    one firm quote
    GET  /stream?asset=…&quantity=…&taker=…           WebSocket: both sides, again and again
    GET  /receipt/{transaction}                       what a settled quote cost against the oracle's mid
    GET  /health                                      the latest block

The server holds no state but its sockets: after a restart clients ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.codec import checksum
from everstock.chain.errors import ChainError, Reverted
from everstock.chain.rpc import RpcChain
from everstock.rfq.maker import ExecutionReceipt, Maker, QuoteRefused
from everstock.rfq.quote import QuoteSide

T = TypeVar("T")


class Server:
    """Serves one maker. Its chain is not for several threads: requests take turns."""

    def __init__(self, maker: Maker, *, interval_seconds: float = 1.0) -> None:
        self.maker, self.interval = maker, interval_seconds
        self._turn = asyncio.Lock()
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def app(self) -> web.Application:
        """For `aiohttp.web.run_app`."""
        app = web.Application(middlewares=[errors])
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/assets", self.assets),
                web.post("/quote", self.quote),
                web.get("/stream", self.stream),
                web.get("/receipt/{transaction}", self.receipt),
            ]
        )
        app.on_shutdown.append(self._close_sockets)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """The latest block that the maker sees."""
        chain = self.maker.system.chain
        return web.json_response({"block": await self._ask(lambda: chain.block_number), "maker": self.maker.address})

    async def assets(self, _request: web.Request) -> web.Response:
        """Symbols and mids; null where there is no price now."""
        return web.json_response(await self._ask(self._mids))

    async def quote(self, request: web.Request) -> web.Response:
        """One quote."""
        try:
            body = await request.json()
            symbol, side = str(body["asset"]), QuoteSide[str(body["side"]).upper()]
        except (ValueError, KeyError, TypeError) as error:
            raise QuoteRefused("send JSON with asset, side (buy or sell) and quantity") from error
        quantity, taker = _quantity(body.get("quantity")), _taker(body.get("taker"))
        signed = await self._ask(lambda: self.maker.quote(symbol, side, quantity, taker))
        return web.json_response(signed.json)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Both sides until the client leaves. A refusal is a message, not an end: prices come back."""
        symbol = request.query.get("asset", "")
        quantity, taker = _quantity(request.query.get("quantity")), _taker(request.query.get("taker"))
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        self._sockets.add(socket)
        reader = asyncio.create_task(_until_closed(socket))
        try:
            while not reader.done() and not socket.closed:
                for side in QuoteSide:
                    await socket.send_json(await self._answer(symbol, side, quantity, taker))
                await asyncio.wait([reader], timeout=self.interval)
        except ConnectionError:
            pass
        finally:
            reader.cancel()
            self._sockets.discard(socket)
        return socket

    async def receipt(self, request: web.Request) -> web.Response:
        """Best execution, one entry for each fill of the transaction."""
        tx_hash = request.match_info["transaction"]
        return web.json_response(await self._ask(lambda: self._receipts(tx_hash)))

    # ── within ───────────────────────────────────────────────────────────────────────────────────────────────────────
    async def _answer(self, symbol: str, side: QuoteSide, quantity: Decimal, taker: str) -> dict[str, Any]:
        try:
            return (await self._ask(lambda: self.maker.quote(symbol, side, quantity, taker))).json
        except QuoteRefused as refused:
            return {"side": side.name.lower(), "refused": str(refused)}
        except ChainError as error:
            return {"side": side.name.lower(), "refused": f"the node does not answer: {type(error).__name__}"}

    async def _ask(self, question: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(question)

    def _mids(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for symbol, token in self.maker.system.tokens.items():
            if self.maker.system.quotes.assetConfig(token.address).openBand:
                try:
                    found[symbol] = str(self.maker.mid(symbol))
                except QuoteRefused:
                    found[symbol] = None
        return found

    def _receipts(self, tx_hash: str) -> list[dict[str, str]]:
        chain = self.maker.system.chain
        if not isinstance(chain, RpcChain):
            raise QuoteRefused("this chain keeps no receipts")
        try:
            receipt = chain.receipt(tx_hash)
        except Reverted as error:
            raise QuoteRefused(f"the transaction failed: {error}") from error
        if receipt is None:
            raise QuoteRefused("no such transaction, or not mined yet")
        fills = [e for e in receipt.events_named("Fill") if e.address == self.maker.system.quotes.address]
        return [_receipt_json(ExecutionReceipt.of(self.maker.system, fill)) for fill in fills]

    async def _close_sockets(self, _app: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close()


@web.middleware
async def errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refusals are 422 with the reason, a node that fails is 503."""
    try:
        return await handler(request)  # type: ignore[no-any-return]
    except QuoteRefused as refused:
        return web.json_response({"refused": str(refused)}, status=422)
    except ChainError as error:
        return web.json_response({"refused": f"the node does not answer: {type(error).__name__}"}, status=503)


async def _until_closed(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


def _quantity(text: Any) -> Decimal:
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        raise QuoteRefused(f"{text} is not a quantity") from None
    if not found.is_finite():
        raise QuoteRefused(f"{text} is not a quantity")
    return found


def _taker(text: Any) -> str:
    if text is None:
        return ZERO_ADDRESS
    try:
        return checksum(str(text))
    except ValueError:
        raise QuoteRefused(f"{text} is no address") from None


def _receipt_json(receipt: ExecutionReceipt) -> dict[str, str]:
    return {
        "quote": "0x" + receipt.quote_hash.hex(),
        "side": receipt.side.name.lower(),
        "quantity": str(receipt.quantity),
        "payment": str(receipt.payment),
        "price_usd": str(receipt.price_usd),
        "oracle_mid_usd": str(receipt.mid_usd),
        "cost_bps": str(receipt.cost_bps),
    }
