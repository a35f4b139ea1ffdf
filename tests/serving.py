"""Who listens on a real socket, inside a test: an application, or somebody who says nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

__all__ = ["Served", "accepted", "refuse_connections", "serving_app", "silent_server"]


@dataclass(frozen=True)
class Served:
    """An application that is served on a port of this machine."""

    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop_listening(self) -> None:
        """Refuse new connections; those that were accepted already go on."""
        for server in self.server.servers:
            refuse_connections(server)

    def abort_connections(self) -> None:
        """Die as a killed process does, but for the RST that follows."""
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()


@asynccontextmanager
async def serving_app(app: ASGIApp, port: int = 0) -> AsyncIterator[Served]:
    """Serve an application until the context is left."""
    config = uvicorn.Config(
        app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", port)) as listener:
        # asyncio sets it on sockets that it makes itself alone; without it each answer waits 40 ms
        # for the client to acknowledge its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without its main loop, which looks only now and then whether it is to stop.
        await server.startup([listener])
        served = Served(listener.getsockname()[1], server)
        try:
            yield served
        finally:
            await _stop(served)


async def _stop(served: Served) -> None:
    """As uvicorn's own shutdown, without the pauses in it."""
    served.stop_listening()
    await accepted()
    for server in served.server.servers:
        server.close()
    served.abort_connections()
    await asyncio.sleep(0)  # lets the connections hear of it
    async with asyncio.timeout(5):
        await asyncio.gather(*served.server.server_state.tasks)


def refuse_connections(server: asyncio.Server) -> None:
    """Have the kernel refuse what comes from now on, without closing the server.

    A closed one leaves behind, unclosed, what it accepted just before: see `accepted`.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        if loop.remove_reader(listening):
            listening.shutdown(socket.SHUT_RDWR)


async def accepted() -> None:
    """Wait until what a server has accepted is a connection: three rounds of the loop."""
    for _ in range(3):
        await asyncio.sleep(0)


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
