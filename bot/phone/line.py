"""One media stream, from its `connected` to its end, as Twilio would hold it.

One task sends a frame every 20 ms on an absolute clock and plays what the worker sent; another
reads what it sends. Frame k of the call covers [20·k, 20·k + 20) ms and is sent at its end.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from media.messages import (
    Connected,
    Dtmf,
    Mark,
    Media,
    MediaStreamError,
    SendMark,
    SendMedia,
    Start,
    Stop,
    StreamEvent,
)
from media.twilio import parse_command, render_event

from .caller import Caller, Deed, Sight
from .clip import Clip
from .clock import PhoneClock
from .events import EventKind, Faults, OnEvent, PhoneEvent, Traffic
from .playback import Clear, PlayoutBuffer
from .speech import FRAME_BYTES, FRAME_MS, SAMPLES_PER_MS, Span, SpeechDetector
from .steps import HangUp, Lose
from .tape import SpokenStep, Tape

__all__ = ["CallState", "Line", "LineEnd", "StreamIdentity"]

BROKEN_PIPE = 31903
PROTOCOL_VIOLATION = 31924
INBOUND_OVERFLOW = 31930

# Twilio discards the caller's audio when the worker does not read it; this is about ten seconds.
_UNREAD_BYTES = 200_000


class LineEnd(Enum):
    """How a stream ended."""

    CALLER = "the caller hung up"
    LOST_BY_CALLER = "the phone dropped it"
    CLOSED = "the worker closed it"
    BROKEN = "the connection broke"


@dataclass(frozen=True, slots=True)
class StreamIdentity:
    """What `start` says about a stream."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class CallState:
    """What outlives one stream of a call."""

    clock: PhoneClock
    caller: Caller
    tape: Tape
    traffic: Traffic
    faults: Faults
    on_event: OnEvent

    def tell(self, kind: EventKind, detail: str = "", at_ms: float | None = None) -> None:
        self.on_event(PhoneEvent(kind, self.clock.ms if at_ms is None else at_ms, detail))

    def fault(self, code: int, message: str) -> None:
        self.tell(EventKind.FAULT, str(self.faults.report(code, message)))


class Line:
    """A stream on an open socket."""

    def __init__(self, ws: ClientConnection, identity: StreamIdentity, call: CallState) -> None:
        self._ws = ws
        self._identity = identity
        self._call = call
        self._sequence = 0
        self._detector = SpeechDetector()
        self._chunks = 0
        self._spoken: _Spoken | None = None
        self._ending: Lose | HangUp | None = None
        self._overflowed = False
        self._buffer = PlayoutBuffer(call.tape.bot)
        self._first_frame = 0

    async def run(self) -> LineEnd:
        """Hold the stream until the caller, the worker or the network ends it."""
        call = self._call
        call.traffic.streams += 1
        try:
            await self._ws.send(render_event(Connected(), self._identity.stream_sid))
            await self._send(self._start())
        except ConnectionClosed:
            return self._end()
        self._first_frame = call.clock.begin()
        self._buffer = PlayoutBuffer(call.tape.bot, self._first_frame * FRAME_BYTES)
        async with asyncio.TaskGroup() as tasks:
            pacing = tasks.create_task(self._pace())
            await self._hear()
            pacing.cancel()
        self._buffer.advance(call.clock.sample)
        self._speak(None, len(call.tape.caller) // FRAME_BYTES)
        return self._end()

    def _start(self) -> Start:
        who = self._identity
        return Start(
            who.stream_sid,
            who.account_sid,
            who.call_sid,
            who.parameters,
            sequence=self._count(),
        )

    async def _pace(self) -> None:
        frame = self._first_frame
        try:
            while self._ending is None:
                late_ms = await self._call.clock.frame_end(frame)
                self._call.traffic.late_ms.append(late_ms)
                await self._frame(frame)
                frame += 1
            await self._finish(self._ending)
        except ConnectionClosed:
            return  # the reading task says how

    async def _frame(self, frame: int) -> None:
        """Play and send what belongs to one frame."""
        call = self._call
        await self._echo(self._buffer.advance((frame + 1) * FRAME_BYTES))
        was_speaking = self._detector.speaking
        if self._detector.hear(call.tape.bot_frame(frame)) != was_speaking:
            kind = EventKind.BOT_STOPPED if was_speaking else EventKind.BOT_STARTED
            call.tell(kind)
        sight = Sight(self._detector.speaking, not self._buffer.empty, len(call.tape.clears))
        deed = call.caller.tick(sight)
        self._speak(deed.clip, frame)
        self._ending = deed.ending
        if self._ending is None:
            await self._send_frame(frame, deed)

    async def _send_frame(self, frame: int, deed: Deed) -> None:
        call = self._call
        call.tape.write_caller(frame, deed.audio)
        if self._ws.transport.get_write_buffer_size() > _UNREAD_BYTES:
            if not self._overflowed:
                self._overflowed = True
                call.fault(INBOUND_OVERFLOW, "the worker does not read; audio is discarded")
            return
        if deed.digit is not None:
            await self._send(Dtmf(deed.digit, self._count()))
        timestamp_ms = (frame - self._first_frame) * FRAME_MS
        self._chunks += 1
        call.traffic.frames_sent += 1
        await self._send(Media(deed.audio, self._chunks, timestamp_ms, self._count()))

    def _speak(self, clip: Clip | None, frame: int) -> None:
        """Keep account of the clip, if any, that the caller speaks in this frame."""
        spoken = self._spoken
        # A step may speak the same clip as the one before it.
        if spoken is not None and (clip is None or spoken.step != self._call.caller.done):
            self._spoken = None
            span = Span(spoken.frame * FRAME_MS, frame * FRAME_MS)
            self._call.tape.steps.append(SpokenStep(spoken.clip.name, span))
            self._call.tell(EventKind.STEP_ENDED, spoken.clip.name)
        if clip is not None and self._spoken is None:
            self._spoken = _Spoken(clip, self._call.caller.done, frame)
            self._call.tell(EventKind.STEP_STARTED, clip.name)

    async def _finish(self, ending: Lose | HangUp) -> None:
        if isinstance(ending, HangUp):
            who = self._identity
            await self._send(Stop(who.account_sid, who.call_sid, self._count()))
            await self._ws.close()
        elif ending.how == "close":
            await self._ws.close()
        else:
            if ending.how == "silence":
                self._ws.transport.pause_reading()
                await self._call.clock.sleep(ending.for_ms)
            _reset(self._ws)

    async def _hear(self) -> None:
        """Do what the worker says until the socket is closed."""
        try:
            while True:
                frame = await self._ws.recv()
                if self._ending is None:
                    await self._obey(frame)
        except ConnectionClosed:
            return

    async def _obey(self, frame: str | bytes) -> None:
        call = self._call
        try:
            command = parse_command(frame, self._identity.stream_sid)
        except MediaStreamError as error:
            call.fault(error.code, error.reason)
            return
        await self._echo(self._buffer.advance(call.clock.sample))
        if isinstance(command, SendMedia):
            call.traffic.frames_received += 1
            self._buffer.put(command.payload)
        elif isinstance(command, SendMark):
            call.traffic.marks_sent += 1
            await self._echo(self._buffer.mark(command.name))
        else:
            await self._clear()

    async def _clear(self) -> None:
        call, buffer = self._call, self._buffer
        at_ms = call.clock.ms
        clear = Clear(at_ms, buffer.played_bytes, buffer.queued_bytes)
        call.tape.clears.append(clear)
        call.tell(EventKind.CLEAR, f"{clear.dropped_bytes // SAMPLES_PER_MS} ms dropped", at_ms)
        if self._detector.speaking:
            call.tell(EventKind.BOT_STOPPED, at_ms=at_ms)
        self._detector = SpeechDetector()
        await self._echo(buffer.clear())

    async def _echo(self, names: Sequence[str]) -> None:
        for name in names:
            at_ms = self._call.clock.ms
            self._call.traffic.marks_echoed += 1
            self._call.tape.marks_ms.append(at_ms)
            self._call.tell(EventKind.MARK, name, at_ms)
            await self._send(Mark(name, self._count()))

    async def _send(self, event: StreamEvent) -> None:
        await self._ws.send(render_event(event, self._identity.stream_sid))

    def _count(self) -> int:
        """The next sequence number; what takes it must be sent before another is taken."""
        self._sequence += 1
        return self._sequence

    def _end(self) -> LineEnd:
        if isinstance(self._ending, HangUp):
            return LineEnd.CALLER
        if self._ending is not None:
            return LineEnd.LOST_BY_CALLER
        if self._ws.protocol.close_rcvd is not None:
            return LineEnd.CLOSED
        if (sent := self._ws.protocol.close_sent) is not None:
            # We close first only when the library found the worker's frames to be wrong.
            self._call.fault(PROTOCOL_VIOLATION, f"WebSocket protocol error: {sent.reason}")
        else:
            self._call.fault(BROKEN_PIPE, "the connection broke without a close")
        return LineEnd.BROKEN


@dataclass(frozen=True, slots=True)
class _Spoken:
    clip: Clip
    step: int
    frame: int


def _reset(ws: ClientConnection) -> None:
    """Drop the connection with RST: nothing sent before it is delivered for certain."""
    sock = ws.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.transport.abort()
