"""A WebSocket whose application takes its time: what it reads ahead, and whom it takes for gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect

from bot.media_protocol import EXTENSION, MediaProtocol
from bot.server import Server
from media.twilio import MAX_MESSAGE_BYTES
from tests.virtual_time import virtual_time_on_sockets

PING_S = 20.0
SMALL = 65_536


def outline(message: str | bytes) -> tuple[int, str | bytes]:
    """How long a message is, and how it begins."""
    return len(message), message[:10]


class Slow:
    """An application that receives when it is told to.

    Attributes:
        ahead: how much may wait; 0 is as without us.
        go_on: set when it may receive.
        taken: what it got.
        ended: with which code the connection was closed.
    """

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead
        self.go_on = asyncio.Event()
        self.taken: list[tuple[int, str | bytes]] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.protocol: MediaProtocol | None = None

    async def serve(self, websocket: WebSocket) -> None:
        protocol: MediaProtocol = websocket.scope["extensions"][EXTENSION]["protocol"]
        self.protocol = protocol
        if self.ahead:
            protocol.allow(2 * MAX_MESSAGE_BYTES)
            protocol.read_ahead(self.ahead, SMALL)
        await websocket.accept()
        await self.go_on.wait()
        while (message := await websocket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            self.taken.append(outline(message["bytes"] if text is None else text))
        self.ended.set_result(message["code"])


@asynccontextmanager
async def connected(app: Slow) -> AsyncIterator[ClientConnection]:
    server = Server(Starlette(routes=[WebSocketRoute("/ws", app.serve)]), lambda: None)
    server.config.ws_ping_interval = server.config.ws_ping_timeout = PING_S
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.startup([listener])
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
        async with asyncio.timeout(600):
            async with connect(url, ping_interval=None, compression=None) as websocket:
                yield websocket
            app.go_on.set()
            await app.ended
        server.servers[0].close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*server.server_state.tasks)


async def flood(websocket: ClientConnection, pieces: list[bytes]) -> None:
    for piece in pieces:
        await websocket.send(piece)


PIECES = [bytes([number]) * 60_000 for number in range(200)]


@virtual_time_on_sockets
async def test_who_is_heard_slowly_is_not_gone() -> None:
    app = Slow(ahead=100_000)
    async with connected(app) as websocket:
        flooding = asyncio.create_task(flood(websocket, PIECES))
        await asyncio.sleep(6 * PING_S)
        assert not flooding.done()
        assert app.protocol is not None
        assert app.protocol.queue.qsize() == 2  # no more than may wait
        app.go_on.set()
        await flooding
        await websocket.close()
        assert await app.ended == 1000
    assert app.taken == [*map(outline, PIECES)]


async def test_what_is_read_ahead_does_not_keep_pings_waiting() -> None:
    app = Slow(ahead=10_000_000)
    async with connected(app) as websocket:
        await flood(websocket, PIECES[:100])
        await websocket.send("and a text")
        await (await websocket.ping())
        assert app.taken == []
        app.go_on.set()
        await websocket.close()
        await app.ended
    assert app.taken == [*map(outline, PIECES[:100]), outline("and a text")]


@pytest.mark.parametrize("ahead", [0, 100_000])
@virtual_time_on_sockets
async def test_who_is_gone_is_found(ahead: int) -> None:
    app = Slow(ahead)
    async with connected(app) as websocket:
        await websocket.send(b"something")
        websocket.transport.pause_reading()
        app.go_on.set()
        assert await app.ended == 1005
        websocket.transport.abort()
    assert app.taken == [outline(b"something")]


@pytest.mark.parametrize(("ahead", "code"), [(0, 1009), (100_000, 1000)])
async def test_longer_messages_are_taken_where_they_are_allowed(ahead: int, code: int) -> None:
    app = Slow(ahead)
    app.go_on.set()
    async with connected(app) as websocket:
        await websocket.send(bytes(MAX_MESSAGE_BYTES + 1))
        await websocket.close()
        assert await app.ended == code


async def test_a_connection_may_be_dropped() -> None:
    app = Slow()
    app.go_on.set()
    async with connected(app) as websocket:
        await websocket.send(b"something")
        assert app.protocol is not None
        assert not app.protocol.closing
        app.protocol.abort()
        assert app.protocol.closing
        await websocket.wait_closed()
        assert websocket.close_code == 1006
