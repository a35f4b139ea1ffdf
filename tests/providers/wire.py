"""A WebSocket server that a test writes to byte by byte, and a codec of plain lines for it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from providers.codec import Close, Failed, Frame, Reply, Request
from providers.errors import ProviderError, UnavailableError

__all__ = ["GOODBYE", "KEY", "PONG", "LineCodec", "answering", "deaf", "text_frame", "upgrade"]

KEY = "the-secret-key"
GOODBYE = b"\x88\x02\x03\xe8"
"""A close frame with code 1000."""
PONG = b"\x8a\x00"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class LineCodec:
    """A vendor whose messages are texts: `no` is an error, `odd` unheard of, `who?` a question."""

    url: str
    keepalive_s: float | None = None
    lasts_s: float | None = None
    key: str = KEY

    def request(self) -> Request:
        return Request(self.url, {"Authorization": f"Bearer {self.key}"})

    def opening(self) -> Sequence[Frame]:
        return ()

    def keepalive(self) -> Frame:
        return "still here"

    def decode(self, frame: Frame) -> Sequence[object]:
        if frame == "no":
            return [Failed(UnavailableError("lines", "it says no", retryable=False))]
        if frame == "odd":
            raise ValueError("not thought of")
        return [Reply("it's me")] if frame == "who?" else [frame]

    def closed(self, close: Close) -> Sequence[object]:
        if close.code is None:
            return ["closed without a code"]
        if close.code == 4000:
            return [Failed(UnavailableError("lines", close.reason, retryable=False))]
        return ()

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        said = f"HTTP status {status} {headers.get('x-why', '')} {body.decode()}"
        return UnavailableError("lines", said, retryable=False)


def text_frame(text: str, *, opcode: int = 1, fin: bool = True) -> bytes:
    """A frame of a server, of up to 125 bytes."""
    return bytes([fin << 7 | opcode, len(text.encode())]) + text.encode()


async def upgrade(reader: asyncio.StreamReader) -> bytes:
    """Read a handshake; the answer that accepts it."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if line)
    digest = hashlib.sha1((lines["Sec-WebSocket-Key"] + _GUID).encode()).digest()
    accept = base64.b64encode(digest).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """A server of one handler; gives its URL. A handler that ends closes its connection."""
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A handler that reads nothing more after the handshake, and yet shows that it is there."""
    writer.write(await upgrade(reader))
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        await asyncio.sleep(1)
        writer.write(PONG)
