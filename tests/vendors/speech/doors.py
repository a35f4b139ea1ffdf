"""The paths that a stand-in serves, and what serves each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs

from starlette.routing import compile_path

from .caller import Caller
from .exchange import Exchange
from .peer import Peer

__all__ = ["CallDoor", "Door", "HttpDoor", "SocketDoor", "find"]


@dataclass(frozen=True, slots=True)
class SocketDoor:
    """A WebSocket.

    Attributes:
        service: whose faults and records these are, such as `stt`.
        path: of the URL; a `{name}` in it is found in `Record.params`.
        serve: serves one client, until it left (`Gone`) or was closed.
        asks: what the query has to name; None is nothing.
    """

    service: str
    path: str
    serve: Callable[[Peer], Awaitable[None]]
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """A path for plain HTTP requests.

    Attributes:
        service: see `SocketDoor`.
        method: such as `POST`.
        path: see `SocketDoor`.
        answer: answers one request; a `Refusal` that it raises is answered by the stand-in.
    """

    service: str
    method: str
    path: str
    answer: Callable[[Exchange], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class CallDoor:
    """A method that is called by gRPC.

    Attributes:
        service: see `SocketDoor`.
        path: the full name, as `/package.Service/Method`.
        serve: serves one client; when it returns, the call is ended, and a `Refusal` that it raises
            is the call's status. It may end calls itself, and serve further ones on the connection.
        method: that of all calls.
    """

    service: str
    path: str
    serve: Callable[[Caller], Awaitable[None]]
    method: str = "POST"


Door = SocketDoor | HttpDoor | CallDoor
_Kind = TypeVar("_Kind", SocketDoor, HttpDoor, CallDoor)


def find(
    doors: Sequence[Door], kind: type[_Kind], method: str, target: str
) -> tuple[_Kind, dict[str, str]] | None:
    """The first door for a path with its query, and what the path's `{names}` stand for."""
    path, _, query = target.partition("?")
    asked = parse_qs(query, keep_blank_values=True)
    for door in doors:
        if not isinstance(door, kind):
            continue
        if isinstance(door, HttpDoor) and door.method != method:
            continue
        if isinstance(door, SocketDoor) and door.asks is not None and door.asks not in asked:
            continue
        matched = compile_path(door.path)[0].match(path)
        if matched is not None:
            return door, matched.groupdict()
    return None
