"""What may stand at the public address: a worker, or something that only looks like one."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.telephony.address import MEDIA_PATH, VOICE_PATH, Address
from bot.telephony.signature import SIGNATURE_HEADER, verify
from tests.serving import serving_app

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TOKEN = "the auth token of these tests"


@dataclass
class Site:
    """The answers: to what is rightly signed, and to what is not."""

    health: tuple[int, str] = (200, '{"status": "ok", "calls": 0}')
    metrics: tuple[int, str] = (404, "")
    webhook: tuple[int, str] = (400, "CallSid is missing or no SID")
    wrong_webhook: int = 403
    upgrade: int = 101
    wrong_upgrade: int = 403
    address: Address = field(default_factory=lambda: Address(""))

    def app(self) -> Starlette:
        async def health(request: Request) -> Response:
            return Response(self.health[1], self.health[0])

        async def metrics(request: Request) -> Response:
            return Response(self.metrics[1], self.metrics[0])

        async def voice(request: Request) -> Response:
            fields = parse_qsl((await request.body()).decode())
            signature = request.headers.get(SIGNATURE_HEADER)
            if verify([TOKEN], self.address.url(VOICE_PATH), fields, signature):
                return Response(self.webhook[1], self.webhook[0])
            return Response(status_code=self.wrong_webhook)

        async def media(websocket: WebSocket) -> None:
            signature = websocket.headers.get(SIGNATURE_HEADER)
            right = verify([TOKEN], self.address.media, (), signature)
            status = self.upgrade if right else self.wrong_upgrade
            if status == 101:
                await websocket.accept()
                await websocket.receive()
            else:
                await websocket.send_denial_response(Response(status_code=status))

        return Starlette(
            routes=[
                Route("/health", health),
                Route("/metrics", metrics),
                Route(VOICE_PATH, voice, methods=["POST"]),
                WebSocketRoute(MEDIA_PATH, media),
            ]
        )


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[str]:
    """Serve a site on a port of this machine; gives its URL."""
    async with serving_app(site.app()) as served:
        site.address = Address(served.url)
        yield served.url


@asynccontextmanager
async def listening(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve a port of this machine; gives its number. Waits for the handlers to end."""
    tasks: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await handler(reader, writer)
        writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
    await asyncio.sleep(0)  # transports are closed by the loop


@asynccontextmanager
async def tls_proxy(context: ssl.SSLContext, target_port: int) -> AsyncIterator[int]:
    """Ends TLS and passes on what comes, byte for byte; gives its port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            backend = await asyncio.open_connection("127.0.0.1", target_port)
            await asyncio.gather(pump(reader, backend[1]), pump(backend[0], writer))

    async with listening(carry, context) as port:
        yield port
