"""What one client sent to a stand-in and was told by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import orjson

from .faults import Fault
from .refusal import Json

__all__ = ["MOST_KEPT", "Frame", "Key", "Record", "Service"]

Key = Literal["right", "wrong", "missing"]
Service = Literal["stt", "tts"]

MOST_KEPT = 50_000
"""How many frames are kept each way; what comes after them is counted only."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, and when it came or went, on `time.monotonic`'s clock."""

    at_s: float
    data: str | bytes


@dataclass(slots=True, eq=False)
class Record:
    """One connection.

    Attributes:
        path: of the handshake's URL, with its query.
        headers: the handshake's header names, in lower case; never their values.
        key: whether the handshake held the right one.
        received: the client's frames in order; a key in one of them is replaced.
        sent: the stand-in's frames in order.
        audio_bytes: how much audio came.
        not_kept: how many frames came or went after `MOST_KEPT`.
        complaints: what was odd and yet not refused.
        fault: what the connection was to meet.
        ended: set when the stand-in is done with it.
        close_code: the client's; None when it left without one, or the stand-in closed.
    """

    service: Service
    path: str
    headers: tuple[str, ...]
    key: Key
    keep: bool = True
    received: list[Frame] = field(default_factory=list)
    sent: list[Frame] = field(default_factory=list)
    audio_bytes: int = 0
    not_kept: int = 0
    complaints: list[str] = field(default_factory=list)
    fault: Fault | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None

    @property
    def audio(self) -> bytes:
        """All audio that came."""
        return b"".join(frame.data for frame in self.received if isinstance(frame.data, bytes))

    @property
    def texts(self) -> list[str]:
        """The text frames that came."""
        return [frame.data for frame in self.received if isinstance(frame.data, str)]

    @property
    def messages(self) -> list[Json]:
        """What came as JSON, such as the config and what steers a stream."""
        return [message for text in self.texts if (message := _object(text)) is not None]

    @property
    def answers(self) -> Iterator[Json]:
        """What was sent as JSON."""
        for frame in self.sent:
            message = _object(frame.data)
            if message is not None:
                yield message

    def came(self, data: str | bytes) -> None:
        """Note a frame of the client."""
        if isinstance(data, bytes):
            self.audio_bytes += len(data)
        self._keep(self.received, _without_key(data) if isinstance(data, str) else data)

    def went(self, data: str | bytes) -> None:
        """Note a frame to the client."""
        self._keep(self.sent, data)

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
    if "api_key" not in text:
        return text
    parsed = _object(text)
    return "(withheld)" if parsed is None else orjson.dumps({**parsed, "api_key": "…"}).decode()
