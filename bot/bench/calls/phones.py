"""Light phones: Twilio's side of many streams in one process, from prepared bytes."""

from __future__ import annotations

import secrets
from array import array
from base64 import b64encode
from collections.abc import Mapping
from time import monotonic

import orjson

from media.messages import Connected, Start, Stop
from media.twilio import render_event

from .frames import TEXT, frame
from .line import Line
from .script import FRAME_BYTES, FRAME_MS
from .sockets import ClientEnd

__all__ = ["EchoPhone", "StreamPhone"]


class StreamPhone(ClientEnd):
    """One stream: a frame every 20 ms on an absolute clock, from somewhere on the track.

    Attributes:
        number: which of the phones it is.
        first: the first frame, noise that no other phone sends; µ-law.
        offset: where on the track it is with its first frame, in frames.
        sent_s: when each frame was sent.
    """

    def __init__(self, line: Line, number: int, calls: int) -> None:
        super().__init__()
        self.number = number
        # As quiet as the noise of the track.
        self.first = bytes(0x60 | byte & 0x8F for byte in secrets.token_bytes(FRAME_BYTES))
        # Spread evenly, whatever the number of calls.
        self.offset = round(number / calls * len(line.track.payloads))
        self.sent_s = array("d")
        self.stream_sid = "MZ" + secrets.token_hex(16)
        self.line = line
        self._first = b64encode(self.first)
        self._slot = number
        self._sequence = 1
        self._talks = False
        self._sid = self.stream_sid.encode()

    def begin(self, account_sid: str, call_sid: str, parameters: Mapping[str, str]) -> None:
        """Send `connected` and `start`, and from now on audio."""
        start = Start(self.stream_sid, account_sid, call_sid, dict(parameters), sequence=1)
        for event in (Connected(), start):
            self.send(render_event(event, self.stream_sid).encode())
        self.line.wheel.join(self._slot, self._frame)
        self._talks = True
        self._ends = account_sid, call_sid

    def stop(self) -> None:
        """Send `stop`, and no more audio."""
        self.fall_silent()
        stop = Stop(*self._ends, sequence=self._count())
        self.send(render_event(stop, self.stream_sid).encode())

    def fall_silent(self) -> None:
        """Send no more audio."""
        if self._talks:
            self._talks = False
            self.line.wheel.leave(self._slot, self._frame)

    def received(self, opcode: int, payload: bytes) -> None:
        message = orjson.loads(payload)
        kind = message["event"]
        if kind == "media":
            # Base64 of whole groups of three but for the end.
            text = message["media"]["payload"]
            self.heard(len(text) // 4 * 3 - text.count("=", -2), monotonic())
        elif kind == "mark":
            self.marked(message["mark"]["name"], monotonic())
        elif kind == "clear":
            self.cleared(monotonic())

    def heard(self, size: int, now_s: float) -> None:
        """So many bytes of audio came."""

    def marked(self, name: str, now_s: float) -> None:
        """A mark came."""

    def cleared(self, now_s: float) -> None:
        """A `clear` came."""

    def echo_mark(self, name: str) -> None:
        """Send a mark back."""
        mark = {
            "event": "mark",
            "sequenceNumber": str(self._count()),
            "streamSid": self.stream_sid,
            "mark": {"name": name},
        }
        self.send(orjson.dumps(mark))

    def _count(self) -> int:
        self._sequence += 1
        return self._sequence

    def _frame(self, due_s: float) -> None:
        index = len(self.sent_s)
        payloads = self.line.track.payloads
        payload = payloads[(self.offset + index) % len(payloads)] if index else self._first
        message = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
            b'"timestamp":"%d","payload":"%b"},"streamSid":"%b"}'
        ) % (self._count(), index + 1, index * FRAME_MS, payload, self._sid)
        now_s = monotonic()
        self.sent_s.append(now_s)
        self.line.seen.frame_lateness.add(now_s, (now_s - due_s) * 1000)
        if self.transport is not None:
            self.transport.write(frame(TEXT, message, masked=True))


class EchoPhone(StreamPhone):
    """A phone of the bare echo: how long each frame was under way."""

    def __init__(self, line: Line, number: int, calls: int) -> None:
        super().__init__(line, number, calls)
        self._echoed = 0

    def heard(self, size: int, now_s: float) -> None:
        self.line.seen.echoes.add(now_s, (now_s - self.sent_s[self._echoed]) * 1000)
        self._echoed += 1
