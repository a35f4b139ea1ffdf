"""HTTP connections, of which none is held for somebody who asks for nothing."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["REQUEST_DEADLINE_S", "HttpConnection"]

REQUEST_DEADLINE_S = 10.0
"""Within which a connection must have sent the head of a request, its first or its next."""


class HttpConnection(H11Protocol):
    """uvicorn's, with a deadline for each request's head.

    uvicorn alone waits for it for ever: a few thousand silent connections would take every file
    handle of the process.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting_since_s = self.loop.time()
        self._check = self.loop.call_later(REQUEST_DEADLINE_S, self._check_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        self._check.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._check.cancel()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        self._waiting_since_s = self.loop.time()
        super().on_response_complete()

    def _check_deadline(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        due_s = self._waiting_since_s + REQUEST_DEADLINE_S
        if not answering and self.loop.time() >= due_s:
            self.transport.close()
            return
        again_s = REQUEST_DEADLINE_S if answering else due_s - self.loop.time()
        self._check = self.loop.call_later(again_s, self._check_deadline)
