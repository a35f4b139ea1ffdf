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

DEADLINE_S = 0.5


@asynccontextmanager
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server whose WebSocket, and late answer, take longer than the deadline."""
    monkeypatch.setattr(bot.http, "REQUEST_DEADLINE_S", DEADLINE_S)

    async def answer(request: Request) -> Response:
        if request.url.path == "/late":
            await asyncio.sleep(1.5 * DEADLINE_S)
        return PlainTextResponse("answer")

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    app = Starlette(routes=[Route("/{when}", answer), WebSocketRoute("/ws", echo)])
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


@pytest.mark.parametrize("said", [b"", b"GET /soon HTTP/1.1\r\nX: "])
async def test_whoever_asks_for_nothing_is_let_go(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    async with serve(monkeypatch) as port, asyncio.timeout(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await reader.read() == b""
        writer.close()


async def test_an_answer_may_take_longer_and_then_the_next_request_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(monkeypatch) as port, asyncio.timeout(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for when in ("late", "soon"):
            writer.write(f"GET /{when} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
            assert (await reader.readuntil(b"answer")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTT")
        assert await reader.read() == b""
        writer.close()


async def test_a_socket_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(monkeypatch) as port, connect(f"ws://127.0.0.1:{port}/ws") as ws:
        await asyncio.sleep(1.5 * DEADLINE_S)
        await ws.send("still here")
        assert await ws.recv() == "still here"
