"""A user's server for the `http` dialog: it answers as it is told, and keeps what was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from bot.dialog.http import HttpDialog, load_http
from bot.dialog.resources import Resources
from tests.serving import Served, serving_app

__all__ = ["SECRET", "Bot", "Reply", "UserServer", "asking"]

SECRET = "hush-hush"
ANSWER_S = 2.0


@dataclass
class Reply:
    """What is answered: parts of a body, between which a part that is callable is called."""

    parts: Sequence[bytes | Callable[[], Any]] = ()
    status: int = 200
    content_type: str = "application/json"
    cut: bool = False
    silent: bool = False


@dataclass
class Asked:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def question(self) -> dict[str, Any]:
        question: dict[str, Any] = orjson.loads(self.body)
        return question


class UserServer:
    """Gives the replies that it has, one after the other, then none (204)."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.asked: list[Asked] = []

    def will_say(self, *values: object) -> None:
        """Answer with these JSON values, one for each question."""
        self.replies.extend(Reply((orjson.dumps(value),)) for value in values)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["raw_path"].decode(), headers, await _body(receive))
        self.asked.append(asked)
        reply = self.replies.popleft() if self.replies else Reply(status=204)
        answering = asyncio.create_task(_answer(reply, send))
        gone = asyncio.create_task(_until_gone(receive))
        await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            asked.left.set()
        for task in (answering, gone):
            task.cancel()
        await asyncio.wait([answering, gone])


@dataclass
class Bot:
    """A dialog, and the server that it asks."""

    dialog: HttpDialog
    server: UserServer
    served: Served


@asynccontextmanager
async def asking(path: str = "/answer") -> AsyncIterator[Bot]:
    """A dialog on a server of its own."""
    server, resources = UserServer(), Resources(http_secret=SECRET, hook_timeout_s=ANSWER_S)
    async with serving_app(server) as served:
        try:
            yield Bot(load_http(f"{served.url}{path}", resources), server, served)
        finally:
            await resources.aclose()
            await asyncio.sleep(0.01)


async def _answer(reply: Reply, send: Send) -> None:
    if reply.silent:
        await asyncio.Event().wait()
    headers = [(b"content-type", reply.content_type.encode())]
    if reply.status == 204:
        headers = []
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for part in reply.parts:
        if isinstance(part, bytes):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        else:
            await part()
    if not reply.cut:
        await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
