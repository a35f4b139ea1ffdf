"""A WebSocket whose messages are taken by a plain call, over a real socket."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect

from bot.media_protocol import EXTENSION
from bot.server import Server
from bot.socket import CallSocket

WHO = contextvars.ContextVar("WHO", default="nobody")


class Endpoint:
    """An application that takes what comes after the first message."""

    def __init__(self, take: Callable[[str | bytes], None]) -> None:
        self._take = take
        self.first = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(self, websocket: WebSocket) -> None:
        WHO.set("the call")
        await websocket.accept()
        assert await websocket.receive_text() == "first"
        self.first.set()
        await self.go_on.wait()
        call = CallSocket(websocket)
        try:
            await call.listen(self._take)
        except RuntimeError as error:
            self.ended.set_result(str(error))
        else:
            self.ended.set_result("gone")
        await call.close(1000)


@asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncIterator[ClientConnection]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[WebSocketRoute("/ws", endpoint.serve)])
    server = Server(app, on_ready=lambda: None)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve([listener]))
        port = listener.getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/ws", ping_interval=None) as websocket:
            await websocket.send("first")
            await endpoint.first.wait()
            yield websocket
        server.should_exit = True
        await serving


async def test_each_message_is_taken_in_order_from_the_one_that_waits_on() -> None:
    taken: list[tuple[str | bytes, str]] = []
    all_here = asyncio.Event()

    def take(message: str | bytes) -> None:
        taken.append((message, WHO.get()))
        if len(taken) == 102:
            all_here.set()

    endpoint = Endpoint(take)
    async with connected(endpoint) as websocket:
        for number in range(100):
            await websocket.send(f"{number}")
        endpoint.go_on.set()
        await websocket.send([b"in ", b"pieces"])
        await websocket.send(["also ", "text"])
        await all_here.wait()
        await websocket.close()
        assert await endpoint.ended == "gone"
    messages = [*map(str, range(100)), b"in pieces", "also text"]
    assert taken == [(message, "the call") for message in messages]


async def test_what_the_taker_raises_is_raised_where_it_listens() -> None:
    taken: list[str | bytes] = []

    def take(message: str | bytes) -> None:
        taken.append(message)
        raise RuntimeError("broken")

    endpoint = Endpoint(take)
    async with connected(endpoint) as websocket:
        endpoint.go_on.set()
        await websocket.send("a")
        assert await endpoint.ended == "broken"
        with pytest.raises(Exception, match="1000"):
            await websocket.recv()
    assert taken == ["a"]


async def test_what_waits_behind_a_message_that_could_not_be_taken_is_not_taken() -> None:
    taken: list[str | bytes] = []

    def take(message: str | bytes) -> None:
        taken.append(message)
        raise RuntimeError("broken")

    endpoint = Endpoint(take)
    async with connected(endpoint) as websocket:
        await websocket.send("a")
        await websocket.send("b")
        # Its answer comes when the server has read what was sent before it.
        await (await websocket.ping())
        endpoint.go_on.set()
        assert await endpoint.ended == "broken"
    assert taken == ["a"]


async def test_text_that_is_none_ends_the_connection_as_without_us() -> None:
    endpoint = Endpoint(lambda message: None)
    async with connected(endpoint) as websocket:
        endpoint.go_on.set()
        await websocket.send("a")
        await websocket.send(b"\xff", text=True)
        assert await endpoint.ended == "gone"
        await websocket.wait_closed()
        assert websocket.close_code == 1007


async def test_the_way_in_is_in_the_scope() -> None:
    seen = asyncio.Event()

    class Looking(Endpoint):
        async def serve(self, websocket: WebSocket) -> None:
            if EXTENSION in websocket.scope["extensions"]:
                seen.set()
            await super().serve(websocket)

    endpoint = Looking(lambda message: None)
    async with connected(endpoint) as websocket:
        endpoint.go_on.set()
        await websocket.close()
        await endpoint.ended
    assert seen.is_set()
