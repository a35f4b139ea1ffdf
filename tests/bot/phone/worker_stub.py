"""A worker for the phone to call: answers what a test says, and keeps what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.telephony.signature import SIGNATURE_HEADER, verify
from media.messages import SendClear, SendMark, SendMedia
from media.twilio import render
from tests.serving import Served, serving_app

__all__ = ["TOKEN", "StubStream", "StubWorker", "running_worker"]

TOKEN = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the phone's."""

    path: str
    params: dict[str, str]
    method: str
    signed: bool
    idempotency: str


@dataclass(slots=True)
class StubStream:
    """A stream as the worker sees it."""

    ws: WebSocket
    sid: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any] | None:
        """The phone's next message; None when the stream has ended."""
        try:
            message: dict[str, Any] = orjson.loads(await self.ws.receive_text())
        except WebSocketDisconnect:
            return None
        self.messages.append(message)
        return message

    async def until(self, event: str) -> dict[str, Any] | None:
        """Read on until such a message; None when the stream ended before."""
        while (message := await self.next()) is not None and message["event"] != event:
            pass
        return message

    async def frames(self, count: int) -> None:
        """Read on until so many more frames of the caller have come."""
        for _ in range(count):
            await self.until("media")

    async def media(self, audio: bytes) -> None:
        await self.ws.send_text(render(SendMedia(audio), self.sid))

    async def mark(self, name: str) -> None:
        await self.ws.send_text(render(SendMark(name), self.sid))

    async def clear(self) -> None:
        await self.ws.send_text(render(SendClear(), self.sid))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]


Talk = Callable[[StubStream], Awaitable[None]]


async def listen(stream: StubStream) -> None:
    """Say nothing, to the stream's end."""
    await stream.until("stop")


class StubWorker:
    """What the worker answers, and what it was asked.

    Attributes:
        documents: path → TwiML documents in the order in which they are given; the last one stays.
        talk: what it does on a stream, after `start`. A list: on each stream in turn.
        upgrade: HTTP status for the WebSocket's upgrade; 101 lets it in, 0 never answers.
        record: what the API answers, a list: in turn; None closes it.
        keys: what each request of the API said to open it.
        ready: HTTP status of `/ready`; 0 never answers.
        polls: a permit for each time that `/ready` was asked.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self.streams: list[StubStream] = []
        self.documents: dict[str, list[str | Response]] = {}
        self.talk: list[Talk] = [listen]
        self.upgrade = 101
        self.upgrades: list[bool] = []
        self.record: dict[str, Any] | list[Response] | None = None
        self.keys: list[str | None] = []
        self.ready = 200
        self.polls = asyncio.Semaphore(0)
        self.served: Served

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, parameters: str = "", action: str = "/twilio/next", more: str = "") -> str:
        """TwiML that opens a stream here, then does `more`."""
        return (
            f'<Response><Connect action="{action}">'
            f'<Stream url="ws://127.0.0.1:{self.port}/twilio/media" name="bot"'
            f' statusCallback="/twilio/stream">{parameters}</Stream></Connect>{more}</Response>'
        )

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def about(self, path: str) -> list[dict[str, str]]:
        """The parameters of each request for `path`."""
        return [asked.params for asked in self.asked if asked.path == path]

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/calls/{sid}", self._record),
                Route("/ready", self._readiness),
                Route("/{path:path}", self._webhook, methods=["GET", "POST"]),
                WebSocketRoute("/twilio/media", self._media),
            ]
        )

    async def _record(self, request: Request) -> Response:
        self.keys.append(request.headers.get("Authorization"))
        if isinstance(self.record, list):
            return self.record.pop(0)
        if self.record is None:
            return Response(status_code=401)
        return JSONResponse(self.record)

    async def _readiness(self, request: Request) -> Response:
        self.polls.release()
        if self.ready == 0:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        return Response(status_code=self.ready or 204)

    async def _webhook(self, request: Request) -> Response:
        path = request.url.path
        form = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        query = parse_qsl(request.url.query, keep_blank_values=True)
        url = f"{self.url}{path}" + (f"?{request.url.query}" if request.url.query else "")
        signature = request.headers.get(SIGNATURE_HEADER)
        self.asked.append(
            Asked(
                path,
                dict(query + form),
                request.method,
                verify([TOKEN], url, form, signature),
                request.headers.get("I-Twilio-Idempotency-Token", ""),
            )
        )
        waiting = self.documents.get(path, ["<Response/>"])
        document = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(document, Response):
            return document
        return Response(document, media_type="text/xml")

    async def _media(self, ws: WebSocket) -> None:
        url = f"ws://127.0.0.1:{self.port}/twilio/media"
        self.upgrades.append(verify([TOKEN], url, [], ws.headers.get(SIGNATURE_HEADER)))
        if self.upgrade == 0:
            while (await ws.receive())["type"] != "websocket.disconnect":
                pass
            return
        if self.upgrade != 101:
            await ws.send_denial_response(Response(status_code=self.upgrade))
            return
        await ws.accept()
        stream = StubStream(ws)
        self.streams.append(stream)
        if (start := await stream.until("start")) is None:
            return
        stream.sid = start["streamSid"]
        talk = self.talk.pop(0) if len(self.talk) > 1 else self.talk[0]
        try:
            await talk(stream)
            await ws.close()
        except (RuntimeError, WebSocketDisconnect):
            return  # the phone was first


@asynccontextmanager
async def running_worker() -> AsyncIterator[StubWorker]:
    """A worker on a loopback port of its own."""
    worker = StubWorker()
    async with serving_app(worker.app()) as worker.served:
        worker.port = worker.served.port
        worker.documents = {"/twilio/voice": [worker.connect()]}
        yield worker
