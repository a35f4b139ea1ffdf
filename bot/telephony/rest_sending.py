"""A request on its way to Twilio: whether it may still go, and whether it has gone.

The client and its transport stand between who asks and the socket, so this reaches the socket by
the context: httpx tells of every step of a request that has a trace
(https://www.python-httpx.org/advanced/extensions/#trace).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from .rest_errors import RestWithdrawn

__all__ = ["SENDING", "Sending"]


class Sending:
    """One request.

    Args:
        wanted: asked when there is a connection, right before anything is written to it.

    Attributes:
        begun: whether anything was.
    """

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self.begun = False

    async def trace(self, step: str, info: Mapping[str, Any]) -> None:
        """Hear of a step.

        Raises:
            RestWithdrawn: the request is not wanted any more, and the rest of it is not sent.
        """
        if step.endswith((".send_request_headers.started", ".send_request_body.started")):
            if info["request"].method == b"CONNECT":
                return  # of a proxy, to which the way to Twilio is asked for first
            if not self._wanted():
                raise RestWithdrawn("the request was withdrawn: its time is over")
            self.begun = True


SENDING: ContextVar[Sending | None] = ContextVar("SENDING", default=None)
"""That of the request which the present task makes, if anybody wants to know."""
