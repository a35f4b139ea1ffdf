"""Before Twilio's stand-in: requests for calls are held on command, between "received" and
"answered"."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, get_args

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.vendors.twilio_rest.standin import read_body, replay

__all__ = ["HELD", "Gate", "Held", "How"]

How = Literal["before", "after", "never"]
"""When a held request is carried out: when it is let go, at once, or not at all."""
HELD: tuple[How, ...] = get_args(How)


@dataclass(slots=True)
class Held:
    """A request that is to be held.

    Attributes:
        port: by which of the stand-in's it came, once it is held: each dialer has its own.
        go: lets it go on; nobody is there any more for the answer.
    """

    how: How
    port: asyncio.Future[int]
    go: asyncio.Event = field(default_factory=asyncio.Event)


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held: Held | None = None

    def hold(self, how: How) -> Held:
        """Hold the next request for a call."""
        self._held = Held(how, asyncio.get_running_loop().create_future())
        return self._held

    def let_pass(self) -> None:
        """Hold nothing any more."""
        self._held = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = self._held
        if held is None or scope["method"] != "POST" or not scope["path"].endswith("/Calls.json"):
            await self._app(scope, receive, send)
            return
        self._held = None
        body = replay(await read_body(receive))
        if held.how == "after":
            await self._app(scope, body, _nowhere)
        held.port.set_result(scope["server"][1])
        await held.go.wait()
        if held.how == "before":
            await self._app(scope, body, _nowhere)


async def _nowhere(_message: Message) -> None:
    return
