"""One light client of the service, from prepared bytes: it speaks on an absolute clock."""

from __future__ import annotations

import asyncio
import secrets
from array import array
from time import monotonic
from typing import Any

import orjson

from bot.bench.calls.frames import BINARY
from bot.bench.calls.script import FRAME_MS
from bot.bench.calls.sockets import ClientEnd

from .seen import Scene
from .speech import BYTES_PER_MS, FIRST_BYTES, word_number

__all__ = ["EchoSpeaker", "Speaker"]

_CLOSE = b'{"type":"close"}'


class Speaker(ClientEnd):
    """One session's client.

    Args:
        scene: of the round.
        number: which of the clients it is, of `count`.
        message_ms: how much audio a message has, a multiple of 20.

    Attributes:
        first: the first 20 ms of its audio.
        offset_ms: where on the track its audio begins.
        sent: bytes of its audio.
        heard: bytes of it that the vendor has got, and
        strange: whether other bytes.
        streams: of the vendor.
        finals: the words that are final by the vendor.
        known: of words that the vendor has told, when it did, and when the client had sent what it
            needed (s, `monotonic`).
        told: the finals that the client was told.
        errors: what went wrong.
        started: set by `session_started`.
        gone: set when the connection is closed.
    """

    def __init__(self, scene: Scene, number: int, count: int, message_ms: int) -> None:
        super().__init__()
        self.number = number
        # As quiet as noise: samples of a few steps.
        noise = bytes(byte & 0x1F for byte in secrets.token_bytes(FIRST_BYTES // 2))
        self.first = b"".join(bytes((byte, 0)) for byte in noise)
        self.scene = scene
        self.message_ms = message_ms
        self.offset_ms = round(number / count * scene.speech.size / BYTES_PER_MS)
        self.sent = 0
        self.sent_s = array("d")
        self.heard = 0
        self.strange = False
        self.streams = 0
        self.finals: list[str] = []
        self.known: dict[int, tuple[float, float]] = {}
        self.told: list[str] = []
        self.whole: str | None = None
        self.errors: list[str] = []
        self.started = asyncio.Event()
        self.gone = asyncio.Event()
        self._every = message_ms // FRAME_MS
        self._turn = number // FRAME_MS % self._every
        self._talks = False
        self._began_s = monotonic()

    def speak(self) -> None:
        """Send audio from now on."""
        self._talks = True
        self.scene.wheel.join(self.number, self._frame)

    def stop(self) -> None:
        """Send no more, and end the session."""
        self.fall_silent()
        self.send(_CLOSE)

    def fall_silent(self) -> None:
        """Send no more."""
        if self._talks:
            self._talks = False
            self.scene.wheel.leave(self.number, self._frame)

    def said_s(self, at_ms: float) -> float:
        """When a place in its audio was spoken (s, `monotonic`); a message is sent at its end."""
        index = min(int(at_ms // self.message_ms), len(self.sent_s) - 1)
        return self.sent_s[index] - ((index + 1) * self.message_ms - at_ms) / 1000

    def complete_s(self, size: int) -> float:
        """When the message was sent with which so many bytes of its audio were there."""
        return self.sent_s[-(-size // (self.message_ms * BYTES_PER_MS)) - 1]

    def received(self, opcode: int, payload: bytes) -> None:
        now_s = monotonic()
        message = orjson.loads(payload)
        kind = message["type"]
        if kind == "transcription":
            self._transcribed(message, now_s)
        elif kind == "session_started":
            self.scene.seen.started.add(now_s, (now_s - self._began_s) * 1000)
            self.started.set()
        elif kind == "session_ended":
            self.whole = message["text"]
        else:
            self.errors.append(f"{kind}: {message.get('code')}")

    def _transcribed(self, message: dict[str, Any], now_s: float) -> None:
        if message["is_final"]:
            self.told.append(message["text"])
            return
        number = word_number(message["text"])
        known = self.known.pop(number, None)
        if known is None:
            return
        told_s, complete_s = known
        seen = self.scene.seen
        seen.ways_out.add(now_s, (now_s - told_s) * 1000)
        seen.overheads.add(now_s, (now_s - complete_s) * 1000)
        self._first(number, now_s)

    def _first(self, number: int, now_s: float) -> None:
        """Note how late the first interim of an utterance is whose beginning was sent."""
        utterance = self.scene.speech.utterance_of(self.offset_ms, number)
        if number == utterance.first and utterance.begin_ms >= 0:
            self.scene.seen.firsts.add(now_s, (now_s - self.said_s(utterance.begin_ms)) * 1000)

    def lost(self) -> None:
        self.gone.set()
        self.started.set()

    def _frame(self, due_s: float) -> None:
        self._turn += 1
        if self._turn % self._every:
            return
        start, end = self.sent, self.sent + self.message_ms * BYTES_PER_MS
        audio = self.scene.speech.between(self.offset_ms, start, end)
        if not start:
            audio = self.first + audio[FIRST_BYTES:]
        self.sent = end
        now_s = monotonic()
        self.sent_s.append(now_s)
        self.scene.seen.lateness.add(now_s, (now_s - due_s) * 1000)
        self.send(audio, BINARY)


class EchoSpeaker(Speaker):
    """A client of the bare echo: how long each message was under way."""

    def received(self, opcode: int, payload: bytes) -> None:
        now_s = monotonic()
        self.heard += len(payload)
        self.scene.seen.echoes.add(now_s, (now_s - self.complete_s(self.heard)) * 1000)
