"""A bare echo as a server of its own, and what carrying messages to it and back costs."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

import uvicorn

from .children import ChildFailed, serving_child
from .process import Usage
from .quiet import no_garbage
from .sockets import HandshakeRefused
from .wheel import Wheel

__all__ = ["App", "Client", "Message", "Receive", "Send", "echoed", "serve"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Client(Protocol):
    """Who has messages echoed."""

    def abort(self) -> None:
        """End its connection."""


def serve(app: App) -> None:
    """Serve an ASGI application on the socket whose descriptor is the process's argument."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
    uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])


async def echoed(
    module: str,
    core: int | None,
    wheel: Wheel,
    clients: Sequence[Client],
    connect: Callable[[int], Awaitable[None]],
    seconds: float,
    settle_s: float,
) -> tuple[Usage, Usage]:
    """Have what clients send echoed, for so long; the echo before that and after.

    Args:
        module: the echo's, which serves.
        core: on which it runs.
        wheel: by which the clients send.
        clients: all that `connect`, which is told the port, connects.
        seconds: how long it is measured, `settle_s` after the beginning.

    Raises:
        ChildFailed: the echo does not run.
    """
    async with serving_child(module, core=core) as (process, port):
        try:
            await connect(port)
        except (HandshakeRefused, OSError) as error:
            raise ChildFailed(f"the bare echo does not answer: {error}") from None
        wheel.start()
        try:
            with no_garbage():
                await asyncio.sleep(settle_s)
                before = Usage.of(process.pid)
                await asyncio.sleep(seconds)
                after = Usage.of(process.pid)
        finally:
            wheel.stop()
            for client in clients:
                client.abort()
    return before, after
