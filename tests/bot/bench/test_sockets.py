"""The light ends of WebSockets, against those of the library that everybody uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect as library_connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bot.bench.calls.frames import BINARY, TEXT
from bot.bench.calls.sockets import ClientEnd, End, HandshakeRefused, ServerEnd, connect


class Client(ClientEnd):
    """Keeps what came."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(10)
        self.gone = asyncio.Event()

    def received(self, opcode: int, payload: bytes) -> None:
        self.messages.put_nowait((opcode, payload))

    def lost(self) -> None:
        self.gone.set()


class Echo(ServerEnd):
    """Sends back what came; `close` makes it close."""

    def received(self, opcode: int, payload: bytes) -> None:
        if payload == b"close":
            self.close()
        self.send(payload, opcode)


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        if message == "close":
            await ws.close()
        else:
            await ws.send(message)


@asynccontextmanager
async def library_server() -> AsyncIterator[str]:
    server: Server
    async with serve(echo, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/path"


@asynccontextmanager
async def light_server(make: type[End] = Echo) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/path"
    finally:
        server.close()


async def test_a_client_and_the_librarys_server() -> None:
    async with asyncio.timeout(5), library_server() as url:
        client = Client()
        await connect(client, url, {"X-Twilio-Signature": "s"})
        client.send(b"text")
        client.send(b"\x00" * 1_000, BINARY)
        assert await client.messages.get() == (TEXT, b"text")
        assert await client.messages.get() == (BINARY, b"\x00" * 1_000)
        client.send(b"close")
        await client.gone.wait()
        client.send(b"too late")


async def test_a_client_that_closes() -> None:
    async with asyncio.timeout(5), library_server() as url:
        client = Client()
        await connect(client, url, {})
        client.close()
        await client.gone.wait()


async def test_a_server_and_the_librarys_client() -> None:
    async with (
        asyncio.timeout(5),
        light_server() as url,
        library_connect(url, compression=None) as ws,
    ):
        await ws.send("text")
        await ws.send(b"\x00" * 1_000)
        assert await ws.recv() == "text"
        assert await ws.recv() == b"\x00" * 1_000
        await (await ws.ping(b"still there?"))
        await ws.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


async def test_an_upgrade_that_is_refused() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        writer.close()

    async with asyncio.timeout(5):
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            with pytest.raises(HandshakeRefused, match="403 Forbidden"):
                await connect(Client(), url, {})


@pytest.mark.parametrize("sent", [b"", b"no end" * 3_000, b"GET / HTTP/1.1\r\n\r\n\x01\x01x"])
async def test_a_peer_that_speaks_something_else_is_dropped(sent: bytes) -> None:
    async with asyncio.timeout(5), light_server() as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2][:-5]))
        writer.write(sent)
        if not sent:
            writer.write_eof()
        await reader.read()
        writer.close()
