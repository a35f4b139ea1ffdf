"""HTTP connections that are kept, for httpx and its descendants: how long, how many, and what to do
when a server has closed one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

__all__ = ["KEPT_S", "MAX_CONNECTIONS", "Trace", "on_sound_connection"]

KEPT_S = 120.0
"""A connection that nobody needs for so long is closed; most servers close it sooner."""
MAX_CONNECTIONS = 200
CONNECTING = "connection.connect_tcp.started"
"""What is told of a request that is sent on a new connection."""

Trace: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[None]]
"""The `trace` of a request's extensions."""
ResponseT = TypeVar("ResponseT")


async def on_sound_connection(
    ask: Callable[[Trace], Awaitable[ResponseT]],
    lost: tuple[type[Exception], ...],
    is_closed: Callable[[], bool],
) -> ResponseT:
    """Ask, and have the head of the answer.

    A server may close a connection that was kept just as it is used again. Nobody shall notice: it
    is asked again, until it is asked on a new connection, since each attempt uses up a kept one.

    Args:
        ask: sends the request, traced.
        lost: how a connection ends that the server has closed.
        is_closed: whether the client is, so that nothing more can be asked.
    """
    while True:
        steps = set[str]()

        async def trace(step: str, _: dict[str, Any], steps: set[str] = steps) -> None:
            steps.add(step)

        try:
            return await ask(trace)
        except lost:
            if CONNECTING in steps or is_closed():
                raise
