"""One media stream, from its `connected` to its end, as Twilio would hold it.

One task sends a frame every 20 ms on an absolute clock and plays what the worker sent; another
reads what it sends. Frame k of the call covers [20·k, 20·k + 20) ms and is sent at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from websockets.exceptions import ConnectionClosed

from media.messages import Dtmf, Mark, Media, MediaStreamError, SendMark, SendMedia
from media.twilio import parse_command

from .caller import Deed, Sight
from .clip import Clip
from .events import EventKind
from .playback import Clear, PlayoutBuffer
from .speech import FRAME_BYTES, FRAME_MS, SAMPLES_PER_MS, Span, SpeechDetector
from .state import CallState
from .steps import HangUp, Lose
from .tape import SpokenStep, StreamSpan
from .wire import Wire

__all__ = ["Line", "LineEnd"]

BROKEN_PIPE = 31903
PROTOCOL_VIOLATION = 31924
INBOUND_OVERFLOW = 31930


class LineEnd(Enum):
    """How a stream ended."""

    CALLER = "the caller hung up"
    LOST_BY_CALLER = "the phone dropped it"
    CLOSED = "the worker closed it"
    BROKEN = "the connection broke"
    TWILIO = "Twilio ended it"


class Line:
    """A stream on an open socket."""

    def __init__(self, wire: Wire, stream_sid: str, call: CallState) -> None:
        self._wire = wire
        self._stream_sid = stream_sid
        self._call = call
        self._detector = SpeechDetector()
        self._chunks = 0
        self._spoken: _Spoken | None = None
        self._ending: Lose | HangUp | None = None
        self._overflowed = False
        self._first_frame = call.clock.begin()
        self._buffer = PlayoutBuffer(call.tape.bot, self._first_frame * FRAME_BYTES)
        self._span = StreamSpan(self._first_frame)

    @property
    def loss(self) -> Lose | None:
        """How the phone itself lost the stream, if it did."""
        return self._ending if isinstance(self._ending, Lose) else None

    async def run(self) -> LineEnd:
        """Hold the stream until the caller, the worker or the network ends it.

        The socket may still be open then. When this is cancelled, the worker is sent a `stop`.
        """
        self._call.traffic.streams += 1
        self._call.tape.streams.append(self._span)
        end = LineEnd.TWILIO
        try:
            end = await self._converse()
        except asyncio.CancelledError:
            if self._ending is None:
                with contextlib.suppress(ConnectionClosed):
                    await self._wire.stop()
            raise
        finally:
            self._close_books(end)
        return end

    async def _converse(self) -> LineEnd:
        try:
            await self._wire.open()
        except ConnectionClosed:
            return self._end()
        async with asyncio.TaskGroup() as tasks:
            pacing = tasks.create_task(self._pace())
            hearing = tasks.create_task(self._hear())
            await asyncio.wait((pacing, hearing), return_when=asyncio.FIRST_COMPLETED)
            if self._ending is None:
                # What the worker sent before it closed is heard out.
                await hearing
            pacing.cancel()
            hearing.cancel()
        return self._end()

    def _close_books(self, end: LineEnd) -> None:
        call, loss = self._call, self.loss
        self._buffer.advance(call.clock.sample)
        self._speak(None, len(call.tape.caller) // FRAME_BYTES)
        self._span.end(call.clock.ms)
        self._span.lost = end is LineEnd.BROKEN or loss is not None
        self._span.cause = end.value if loss is None else f"{end.value}: {loss.how}"

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
        if self._wire.unread:
            if not self._overflowed:
                self._overflowed = True
                call.fault(INBOUND_OVERFLOW, "the worker does not read; audio is discarded")
            return
        if deed.digit is not None:
            await self._wire.send(Dtmf(deed.digit, self._wire.count()))
        timestamp_ms = (frame - self._first_frame) * FRAME_MS
        self._chunks += 1
        call.traffic.frames_sent += 1
        await self._wire.send(Media(deed.audio, self._chunks, timestamp_ms, self._wire.count()))
        if self._chunks == 1:
            self._span.begun_ms = call.clock.ms

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
        self._span.end(self._call.clock.ms)
        if isinstance(ending, HangUp):
            await self._wire.stop()
        elif ending.how != "close":
            if ending.how == "silence":
                self._wire.go_deaf()
                await self._call.clock.sleep(ending.lasts_ms)
            self._wire.reset()

    async def _hear(self) -> None:
        """Do what the worker says until the socket is closed."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = await self._wire.recv()
                if self._ending is None:
                    await self._obey(frame)

    async def _obey(self, frame: str | bytes) -> None:
        call = self._call
        try:
            command = parse_command(frame, self._stream_sid)
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
            await self._wire.send(Mark(name, self._wire.count()))

    def _end(self) -> LineEnd:
        if isinstance(self._ending, HangUp):
            return LineEnd.CALLER
        if self._ending is not None:
            return LineEnd.LOST_BY_CALLER
        if self._wire.closed_by_worker:
            return LineEnd.CLOSED
        if (complaint := self._wire.complaint) is not None:
            self._call.fault(PROTOCOL_VIOLATION, f"WebSocket protocol error: {complaint}")
        else:
            self._call.fault(BROKEN_PIPE, "the connection broke without a close")
        return LineEnd.BROKEN


@dataclass(frozen=True, slots=True)
class _Spoken:
    clip: Clip
    step: int
    frame: int
