"""One HTTP request of a stand-in, and its answer, in one piece or in many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping
from typing import Any

import orjson
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message, Send

from .faults import GARBAGE, Fault
from .front import reset
from .peer import Gone
from .record import Record
from .refusal import Answer, Json, Refusal

__all__ = ["Exchange"]

MOST_BODY = 64 << 20
CUTS = ("close", "reset", "stall")


class Exchange:
    """A request. What came and what goes is noted in `record`.

    Args:
        request: as Starlette reads it.
        send: where the answer goes.
        transport: of its connection.
        record: where to note it; its fault strikes here.
        send_s: how long the client may take to read what it is sent.

    Attributes:
        body: of the request, once it was `read`.
    """

    def __init__(
        self,
        request: Request,
        send: Send,
        transport: asyncio.Transport,
        record: Record,
        *,
        send_s: float,
    ) -> None:
        self.record = record
        self.body = b""
        self._request = request
        self._send = send
        self._transport = transport
        self._send_s = send_s
        self._given = 0
        self._begun = False

    @property
    def answered(self) -> bool:
        """Whether an answer has begun."""
        return self._begun

    async def read(self) -> None:
        """Read the body.

        Raises:
            Refusal: it is too long.
            starlette.requests.ClientDisconnect: it is not whole.
        """
        pieces = bytearray()
        async for piece in self._request.stream():
            pieces += piece
            if len(pieces) > MOST_BODY:
                raise Refusal(413, None, "The request is too large")
        self.body = bytes(pieces)
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

    async def form(self) -> FormData:
        """The body as a form, with its files.

        Raises:
            Refusal: it is none.
        """
        if not self.record.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Refusal(400, None, "The request is no multipart form")

        async def again() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        return await Request(self._request.scope, again).form()

    async def answer(self, answer: Answer) -> None:
        """Give a whole answer.

        Raises:
            Gone: the client left, or a fault ended the connection.
        """
        if (fault := self._fault("garbage")) is not None:
            answer = _garbage(fault)
        await self._begin(answer.status, answer.content_type, answer.headers)
        await self._give(answer.body)
        await self._end()

    async def stream(
        self,
        pieces: AsyncIterable[bytes],
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Give an answer as it is made; see `answer`."""
        if self._fault("garbage") is not None:
            await self.answer(Answer())  # which a fault replaces
            return
        await self._begin(200, content_type, headers or {})
        async for piece in pieces:
            await self._give(piece)
        await self._end()

    async def until_left(self) -> None:
        """Wait for the client to leave."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass

    async def deafen(self) -> None:
        """Read nothing any more, and say nothing."""
        self._transport.pause_reading()
        await self.until_left()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        reset(self._transport)

    def _fault(self, *kinds: str) -> Fault | None:
        fault = self.record.fault
        return fault if fault is not None and fault.kind in kinds else None

    async def _begin(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        if (slow := self._fault("slow")) is not None:
            await asyncio.sleep(slow.delay_ms / 1000)
        if (cut := self._fault(*CUTS)) is not None and cut.at_bytes == 0:
            await self._cut(cut)
        self._begun = True
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
        await self._out({"type": "http.response.body", "body": b"", "more_body": False})

    async def _cut(self, fault: Fault) -> None:
        if fault.kind == "reset":
            self.reset()
        elif fault.kind == "close":
            self._transport.close()
        else:
            await self.until_left()
        raise Gone

    async def _out(self, message: Message) -> None:
        if self._transport.is_closing():
            raise Gone
        try:
            async with asyncio.timeout(self._send_s):
                await self._send(message)
        except TimeoutError:
            self.record.complaints.append("the client does not read")
            self.reset()
            raise Gone from None


def _garbage(fault: Fault) -> Answer:
    body = GARBAGE[fault.garbage]
    if isinstance(body, bytes):
        return Answer(200, body)
    return Answer(
        200, body.encode(), "text/html" if fault.garbage == "text" else "application/json"
    )
