"""uvicorn, as a worker wants it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from bot.http import HttpConnection
from bot.media_protocol import MediaProtocol
from media.twilio import MAX_MESSAGE_BYTES

__all__ = ["Server"]

SHUTDOWN_DEADLINE_S = 5


class Server(uvicorn.Server):
    """uvicorn, whose signals are the worker's own business.

    Args:
        app: what it serves.
        on_ready: called when it listens.
    """

    def __init__(self, app: Starlette, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HttpConnection,
                ws=MediaProtocol,
                ws_max_size=MAX_MESSAGE_BYTES,
                # Audio does not compress, and deflating it costs more than all the rest.
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_DEADLINE_S,
            )
        )
        self._on_ready = on_ready
        self._listeners: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listeners = sockets or []
        self._on_ready()

    def stop_listening(self) -> None:
        """Refuse new connections from now on; those that there are stay."""
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
