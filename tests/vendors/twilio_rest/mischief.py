"""What can go wrong on command.

| kind | the request | the answer |
| --- | --- | --- |
| `busy` | not carried out | 429, 20429 |
| `failure` | not carried out | 500, 20500 |
| `denied` | not carried out | 401, 20003 |
| `problem` | not carried out | 503 as a problem detail (RFC 9457) |
| `page` | not carried out | 502 and HTML, as from a proxy |
| `silent` | not carried out | none until the client gives up |
| `nonsense` | not carried out | 200 and no JSON |
| `empty` | not carried out | 200 and an object without anything in it |
| `delay` | carried out, after `delay_s` | the right one |
| `failed_after` | carried out | 500, 20500 |
| `lost` | carried out | none until the client gives up |
| `cut` | carried out | the right one, which breaks off |
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Literal, get_args

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .app import refused
from .problem import Problem, busy, denied

__all__ = ["KINDS", "Kind", "Mischief", "misbehave"]

Kind = Literal[
    "busy",
    "failure",
    "denied",
    "problem",
    "page",
    "silent",
    "nonsense",
    "empty",
    "delay",
    "failed_after",
    "lost",
    "cut",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(slots=True)
class Mischief:
    """What happens to the next requests.

    Attributes:
        times: to how many of them; None is all.
        only: to those alone in whose method and path this occurs, such as `POST` or `/Calls/CA…`.
        retry_after: a header of refusals.
        chance: to which part of those, from 0 to 1.
        seed: of chance.
    """

    kind: Kind
    times: int | None = 1
    only: str = ""
    delay_s: float = 0.0
    retry_after: str | None = None
    chance: float = 1.0
    seed: int = 0
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def takes(self, line: str) -> bool:
        """Whether this request is one of them; it counts if so."""
        if self.times == 0 or self.only not in line or self._dice.random() >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True


async def misbehave(
    mischief: Mischief,
    closing: asyncio.Event,
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    gone: Receive,
) -> None:
    """Answer a request wrongly.

    Args:
        mischief: in which way.
        closing: the server ends; nobody is kept waiting any longer.
        app: what answers rightly.
        scope: the request.
        receive: its body.
        send: where the answer goes.
        gone: what the socket says afterwards: that the client has gone.
    """
    instead = _instead(mischief)
    if instead is not None:
        await instead(scope, receive, send)
    elif mischief.kind == "delay":
        await asyncio.sleep(mischief.delay_s)
        await app(scope, receive, send)
    elif mischief.kind == "failed_after":
        await app(scope, receive, _nowhere)
        await refused(_failure())(scope, receive, send)
    elif mischief.kind == "cut":
        await app(scope, receive, _cutting(send))
    else:
        if mischief.kind == "lost":
            await app(scope, receive, _nowhere)
        await _until_gone(gone, closing)


def _instead(mischief: Mischief) -> Response | None:
    match mischief.kind:
        case "busy":
            response = refused(busy())
        case "failure":
            response = refused(_failure())
        case "denied":
            response = refused(denied())
        case "problem":
            response = Response(PROBLEM, 503, media_type="application/problem+json")
        case "page":
            response = Response(PAGE, 502, media_type="text/html")
        case "nonsense":
            response = Response(PAGE, 200, media_type="text/html")
        case "empty":
            response = Response("{}", 200, media_type="application/json")
        case _:
            return None
    if mischief.retry_after is not None:
        response.headers["retry-after"] = mischief.retry_after
    return response


def _failure() -> Problem:
    return Problem(500, 20500, "Internal Server Error")


PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
PROBLEM = (
    '{"type":"https://www.twilio.com/docs/api/errors/20503","title":"Service Unavailable",'
    '"status":503,"code":20503,"detail":"Try again later"}'
)


async def _nowhere(_message: Message) -> None:
    return


async def _until_gone(gone: Receive, closing: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        closes = tasks.create_task(closing.wait())
        leaves = tasks.create_task(_left(gone))
        await asyncio.wait((closes, leaves), return_when=asyncio.FIRST_COMPLETED)
        closes.cancel()
        leaves.cancel()


async def _left(gone: Receive) -> None:
    while (await gone())["type"] != "http.disconnect":
        pass


def _cutting(send: Send) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": message["body"][:20], "more_body": True}
        await send(message)

    return cut
