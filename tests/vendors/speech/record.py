"""What one client sent to a stand-in and was told by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from .faults import Fault
from .refusal import Json

__all__ = ["MOST_KEPT", "Frame", "Key", "Record"]

Key = Literal["right", "wrong", "missing"]

MOST_KEPT = 50_000
"""How many frames are kept each way; what comes after them is counted only."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, and when it came or went, on `time.monotonic`'s clock."""

    at_s: float
    data: str | bytes


@dataclass(slots=True, eq=False)
class Record:
    """One WebSocket, or one HTTP request.

    Attributes:
        service: which of the stand-in's services it was for.
        method: the request's, or the handshake's.
        path: of the URL, without its query.
        query: what the URL asks for; each name with all its values in order.
        params: what stands in the path for the `{names}` of the stand-in's.
        headers: by their names in lower case.
        key: whether the client showed the right one.
        received: the client's frames in order; a key in one of them is replaced. Of a request it
            is the body.
        sent: the stand-in's frames in order; the pieces of an answer's body.
        status: of a request's answer, or of a handshake's that was refused; None before it, and
            when there was none.
        audio_bytes: how much audio a recognition stream took, however it was wrapped; of a
            request, how long its body is.
        not_kept: how many frames came or went after `MOST_KEPT`.
        complaints: what was odd and yet not refused.
        fault: what it was to meet.
        ended: set when the stand-in is done with it.
        close_code: the client's; None when it left without one, or the stand-in closed.
        left: whether the client left before its answer was whole.
        opened: takes a frame out of what the vendor's protocol puts around it.
    """

    service: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: Key = "missing"
    query: Mapping[str, list[str]] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    keep: bool = True
    received: list[Frame] = field(default_factory=list, repr=False)
    sent: list[Frame] = field(default_factory=list, repr=False)
    status: int | None = None
    audio_bytes: int = 0
    not_kept: int = 0
    complaints: list[str] = field(default_factory=list)
    fault: Fault | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None
    left: bool = False
    opened: Callable[[str | bytes], str | bytes] = lambda frame: frame

    @property
    def audio(self) -> bytes:
        """All audio that came in binary frames; of a request it is the body."""
        return b"".join(data for data in self._came if isinstance(data, bytes))

    @property
    def texts(self) -> list[str]:
        """The text frames that came."""
        return [data for data in self._came if isinstance(data, str)]

    @property
    def messages(self) -> list[Json]:
        """What came as JSON, such as the config and what steers a stream."""
        return [message for text in self.texts if (message := _object(text)) is not None]

    @property
    def answers(self) -> Iterator[Json]:
        """What was sent as JSON."""
        for frame in self.sent:
            message = _object(self.opened(frame.data))
            if message is not None:
                yield message

    def asked(self, name: str) -> str | None:
        """The last value of a name in the query."""
        return self.query[name][-1] if name in self.query else None

    def came(self, data: str | bytes) -> None:
        """Note a frame of the client."""
        self._keep(self.received, _without_key(data) if isinstance(data, str) else data)

    def went(self, data: str | bytes) -> None:
        """Note a frame to the client."""
        self._keep(self.sent, data)

    @property
    def _came(self) -> Iterator[str | bytes]:
        """The frames that came, without what is around them."""
        return (self.opened(frame.data) for frame in self.received)

    def _keep(self, frames: list[Frame], data: str | bytes) -> None:
        if self.keep and len(frames) < MOST_KEPT:
            frames.append(Frame(time.monotonic(), data))
        else:
            self.not_kept += 1


def _object(data: str | bytes) -> Json | None:
    try:
        parsed = orjson.loads(data)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _without_key(text: str) -> str:
    if "api_key" not in text and "api-key" not in text:
        return text
    parsed = _object(text)
    if parsed is None:
        return "(withheld)"
    hidden = {name: "…" for name in parsed if name.replace("-", "_").endswith("api_key")}
    return orjson.dumps({**parsed, **hidden}).decode()
