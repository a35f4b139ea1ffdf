"""One HTTP request of a stand-in, and its answer, in one piece or in many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Send

from .faults import GARBAGE, Fault
from .front import reset
from .peer import Gone
from .record import Record
from .refusal import Answer, Json, Refusal
from .strike import refusal_of

__all__ = ["Exchange"]

MOST_BODY = 64 << 20
CUTS = ("close", "reset", "stall")
ONLY_WEBSOCKETS = ("hold", "trickle")


class Exchange:
    """A request. What came and what goes is noted in `record`.

    Args:
        request: as Starlette reads it, from a `Front`.
        send: where the answer goes.
        record: where to note it; its fault strikes here.
        send_s: how long the client may take to read what it is sent.

    Attributes:
        body: of the request, once it was `read`.
    """

    def __init__(
        self,
        request: Request,
        send: Send,
        record: Record,
        *,
        send_s: float,
    ) -> None:
        self.record = record
        self.body = b""
        self._request = request
        self._send = send
        self._transport: asyncio.Transport = request.scope["state"]["transport"]
        self._lost: asyncio.Event = request.scope["state"]["lost"]
        self._send_s = send_s
        self._given = 0
        self._whole = False

    async def read(self) -> None:
        """Read the body, unless a fault strikes before that.

        Raises:
            Gone: the client left, or a fault ended the connection.
            Refusal: it is too long, or a fault has this error.
            ValueError: the fault is none for a request.
        """
        fault = self.record.fault
        kind = None if fault is None else fault.kind
        if kind in ONLY_WEBSOCKETS:
            raise ValueError(f"{kind} is no fault of an HTTP request")
        if kind == "refuse":
            reset(self._transport)
            raise Gone
        if kind == "deaf":
            self._transport.pause_reading()
            await self._lost.wait()
            raise Gone
        await self._read()
        if fault is not None and kind == "error":
            raise refusal_of(fault)

    async def _read(self) -> None:
        pieces = bytearray()
        try:
            async for piece in self._request.stream():
                pieces += piece
                if len(pieces) > MOST_BODY:
                    raise Refusal(413, None, "The request is too large")
        except ClientDisconnect:
            self.record.left = True
            raise Gone from None
        self.body = bytes(pieces)
        self.record.audio_bytes = len(self.body)
        self.record.came(self.body)

    def json(self) -> Json:
        """The body as a JSON object.

        Raises:
            Refusal: it is none.
        """
        try:
            fields: Any = orjson.loads(self.body)
        except ValueError:
            raise Refusal(400, None, "The request is not JSON") from None
        if not isinstance(fields, dict):
            raise Refusal(400, None, "The request is not an object")
        return fields

    @asynccontextmanager
    async def form(self) -> AsyncGenerator[FormData, None]:
        """The body as a form, with its files, which are open inside.

        Raises:
            Refusal: it is none.
        """
        if not self.record.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Refusal(400, None, "The request is no multipart form")

        async def again() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async with Request(self._request.scope, again).form() as form:
            yield form

    async def answer(self, answer: Answer) -> None:
        """Give a whole answer.

        Raises:
            Gone: the client left, or a fault ended the connection.
        """
        if (fault := self._fault("garbage")) is not None:
            answer = _garbage(fault)
        headers = {"content-length": str(len(answer.body)), **answer.headers}
        await self._begin(answer.status, answer.content_type, headers)
        await self._give(answer.body)
        await self._end()

    async def stream(
        self,
        pieces: AsyncGenerator[bytes, None],
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Give an answer as it is made; see `answer`."""
        if self._fault("garbage") is not None:
            await self.answer(Answer())  # which a fault replaces
            return
        await self._begin(200, content_type, headers or {})
        async with aclosing(pieces):
            async for piece in pieces:
                await self._give(piece)
        await self._end()

    async def while_here(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this until it is done, or the client leaves; raises what it raises.

        Raises:
            Gone: the client left.
        """
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not self._whole:
                self.record.left = True
                raise Gone
            await working
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.wait([working, leaving])

    def _fault(self, *kinds: str) -> Fault | None:
        fault = self.record.fault
        return fault if fault is not None and fault.kind in kinds else None

    async def _begin(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        if (slow := self._fault("slow")) is not None:
            await asyncio.sleep(slow.delay_ms / 1000)
        if (cut := self._fault(*CUTS)) is not None and cut.at_bytes == 0:
            await self._cut(cut)
        self.record.status = status
        plain = {"content-type": content_type, **headers}
        raw = [(name.encode(), value.encode()) for name, value in plain.items()]
        await self._out({"type": "http.response.start", "status": status, "headers": raw})

    async def _give(self, piece: bytes) -> None:
        cut = self._fault(*CUTS)
        whole = cut is None or self._given + len(piece) < cut.at_bytes
        if cut is not None and not whole:
            piece = piece[: cut.at_bytes - self._given]
        if piece:
            self._given += len(piece)
            await self._out({"type": "http.response.body", "body": piece, "more_body": True})
            self.record.went(piece)
        if cut is not None and not whole:
            await self._cut(cut)

    async def _end(self) -> None:
        if (cut := self._fault(*CUTS)) is not None:
            await self._cut(cut)
        self._whole = True
        await self._out({"type": "http.response.body", "body": b"", "more_body": False})

    async def _cut(self, fault: Fault) -> None:
        if fault.kind == "reset":
            reset(self._transport)
        elif fault.kind == "close":
            self._transport.close()
        else:
            await self._lost.wait()
            self.record.left = True
        raise Gone

    async def _out(self, message: Message) -> None:
        if self._transport.is_closing():
            self.record.left = True
            raise Gone
        try:
            async with asyncio.timeout(self._send_s):
                await self._send(message)
        except TimeoutError:
            self.record.complaints.append("the client does not read")
            reset(self._transport)
            raise Gone from None


def _garbage(fault: Fault) -> Answer:
    body = GARBAGE[fault.garbage]
    if isinstance(body, bytes):
        return Answer(200, body)
    return Answer(
        200, body.encode(), "text/html" if fault.garbage == "text" else "application/json"
    )
