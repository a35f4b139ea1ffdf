"""A port of this machine for WebSockets, plain HTTP and gRPC alike, as vendors' addresses are.

The `websockets` library takes the connections. What comes on one of them is looked at when its
head is there: a handshake stays with that library, HTTP/2 is for calls, anything else is given to
uvicorn's HTTP. All then have the very socket, so that it can be reset, or left unread.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState
from websockets import Request, Response, Subprotocol
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.server import ServerProtocol

from tests.serving import accepted, refuse_connections

from .http2 import Http2, RawCall

__all__ = ["Front", "reset"]

CLOSE_S = 5.0
HEAD_END = b"\r\n\r\n"
HTTP2 = b"PRI * HTTP/2.0\r\n"
MOST_HEAD = 64 << 10
KEEP_ALIVE_S = 600


class Front:
    """Takes connections, after `listen`.

    Args:
        admit: answers a handshake that is refused, and accepts one with None.
        serve: serves a WebSocket.
        app: answers the HTTP requests; a connection's `transport` is in its scope's state, and
            `lost`, an event that is set when there is no connection any more.
        call: answers a gRPC call; it may raise nothing.
        select_subprotocol: one of those that a WebSocket client offers, or none.

    Attributes:
        port: what it listens on; 0, until `listen`, is any.
    """

    def __init__(
        self,
        admit: Callable[[ServerConnection, Request], Awaitable[Response | None]],
        serve: Callable[[ServerConnection], Awaitable[None]],
        app: ASGIApp,
        call: Callable[[RawCall], Awaitable[None]],
        *,
        select_subprotocol: Callable[[Sequence[str]], str | None],
        port: int,
    ) -> None:
        self.port = port
        self._admit = admit
        self._serve = serve
        self._call = call
        self._calls: set[asyncio.Task[None]] = set()
        self._callers: set[Http2] = set()
        self._select = select_subprotocol
        self._servers: list[Server] = []
        self._unknown: set[_Visitor] = set()
        self._http = ServerState()
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._config.load()

    async def listen(self) -> None:
        """Take connections, also after `stop_listening`, on the same port."""
        for stopped in self._servers:
            stopped.server.close()  # which gives the port back
        server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._admit,
            select_subprotocol=self._subprotocol,
            # Any asyncio protocol will do here; the annotation knows of the usual one alone.
            create_connection=cast(type[ServerConnection], self._visitor),
            compression=None,
            ping_interval=None,
            close_timeout=1,
            server_header=None,
        )
        self._servers.append(server)
        self.port = server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Have the kernel refuse new connections; those that are open go on."""
        for server in self._servers:
            refuse_connections(server.server)

    async def vanish(self) -> None:
        """Drop everybody, as a machine does that has lost its power; `listen` brings it back."""
        self.stop_listening()
        await accepted()
        for visitor in list(self._unknown):
            reset(visitor.transport)
        for connection in [c for server in self._servers for c in server.all_connections]:
            reset(connection.transport)
        for http in list(self._http.connections):
            reset(cast(H11Protocol, http).transport)
        for caller in list(self._callers):
            reset(caller.transport)

    async def aclose(self) -> None:
        """Drop everybody, for good."""
        await self.vanish()
        async with asyncio.timeout(CLOSE_S):
            await asyncio.gather(*self._http.tasks, *self._calls)
            for server in self._servers:
                server.close()
                await server.wait_closed()

    def http_protocol(self, transport: asyncio.Transport) -> asyncio.Protocol:
        """What speaks HTTP on one connection."""
        state = {"transport": transport, "lost": asyncio.Event()}
        return _Http(self._config, self._http, state)

    def call_protocol(self) -> asyncio.Protocol:
        """What takes calls on one connection."""
        return Http2(self._call, self._calls, self._callers)

    def _visitor(self, protocol: ServerProtocol, server: Server, **options: Any) -> _Visitor:
        return _Visitor(
            protocol, lambda: ServerConnection(protocol, server, **options), self, self._unknown
        )

    def _subprotocol(
        self, _connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        chosen = self._select(offered)
        return None if chosen is None else Subprotocol(chosen)


class _Visitor(asyncio.Protocol):
    """A connection of which nobody knows yet what it wants."""

    transport: asyncio.Transport

    def __init__(
        self,
        protocol: ServerProtocol,
        websocket: Callable[[], ServerConnection],
        front: Front,
        unknown: set[_Visitor],
    ) -> None:
        self.protocol = protocol  # which `websockets` looks for here
        self._websocket = websocket
        self._front = front
        self._unknown = unknown
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._unknown.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unknown.discard(self)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if HEAD_END not in self._head and len(self._head) < MOST_HEAD:
            return
        self._unknown.discard(self)
        protocol: asyncio.Protocol
        if self._head.startswith(HTTP2):
            protocol = self._front.call_protocol()
        elif b"\r\nupgrade: websocket" in bytes(self._head).lower():
            protocol = self._websocket()
        else:
            protocol = self._front.http_protocol(self.transport)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(bytes(self._head))


class _Http(H11Protocol):
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.app_state["lost"].set()


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a TCP reset, as a machine does that has lost it."""
    if not transport.is_closing():
        # Not to linger on close is what makes a kernel send RST, not FIN.
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
