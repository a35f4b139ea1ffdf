"""Connections on which nobody asks for anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

import bot.http
from bot.http import HttpConnection

DEADLINE_S = 0.2
REQUEST = b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n"


@asynccontextmanager
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server whose answer, and whose WebSocket, take longer than the deadline."""
    monkeypatch.setattr(bot.http, "REQUEST_DEADLINE_S", DEADLINE_S)

    async def answer(request: Request) -> Response:
        await asyncio.sleep(2.5 * DEADLINE_S)
        return PlainTextResponse("late")

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    app = Starlette(routes=[Route("/", answer), WebSocketRoute("/ws", echo)])
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=HttpConnection, ws="websockets-sansio", lifespan="off", log_config=None
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listener]))
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: "])
async def test_whoever_asks_for_nothing_is_let_go(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    async with serve(monkeypatch) as port, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await reader.read() == b""
        writer.close()


async def test_an_answer_may_take_longer_and_then_the_next_request_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(monkeypatch) as port, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"late")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTT")
        assert await reader.read() == b""
        writer.close()


async def test_a_socket_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(monkeypatch) as port, connect(f"ws://127.0.0.1:{port}/ws") as ws:
        await asyncio.sleep(2 * DEADLINE_S)
        await ws.send("still here")
        assert await ws.recv() == "still here"
