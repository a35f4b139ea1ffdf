"""The ledger of outbound audio: what is queued, sent, heard and cleared.

A `clear` makes Twilio echo all pending marks at once, so the marks it covered are forgotten here
and their echoes mean nothing: what was heard then is known from the clock (`media.playhead`).

Times are milliseconds on the call's clock, passed in. Audio is µ-law, 8 kHz mono.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from media.messages import SendClear, SendMark, SendMedia
from media.playhead import Played, Playhead
from media.segment import BYTES_PER_MS, PlayoutFull, Room, Segment

__all__ = ["MAX_SEGMENTS", "Cleared", "Echoed", "Played", "Playout", "PlayoutFull", "Segment"]

MAX_SEGMENTS = 256


@dataclass(frozen=True, slots=True)
class Echoed:
    """What a mark's echo confirms: segments now wholly heard, and the audio played."""

    segments: tuple[Segment, ...] = ()
    played: tuple[Played, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleared:
    """What is to be sent, the segments that were not confirmed before, and the audio played.

    Each segment holds what was heard of it, which for some may be all or nothing.
    """

    commands: tuple[SendClear, ...]
    segments: tuple[Segment, ...]
    played: tuple[Played, ...]


class Playout:
    """Queues segments, says what to send when, and keeps account of what was heard.

    Args:
        frame_ms: the longest media message.
        lead_ms: how far ahead of playback audio is sent, so that a late tick is not heard while a
            `clear` still has little to drop.
        mark_ms: the most audio between two marks.
        max_queued_ms: the most audio accepted and not yet sent.

    Raises:
        ValueError: not `0 < frame_ms <= lead_ms`, or not `0 < mark_ms <= 500`.
    """

    def __init__(
        self,
        *,
        frame_ms: int = 200,
        lead_ms: int = 1000,
        mark_ms: int = 400,
        max_queued_ms: int = 120_000,
    ) -> None:
        if not 0 < frame_ms <= lead_ms or not 0 < mark_ms <= 500:
            raise ValueError(
                "need 0 < frame_ms <= lead_ms and 0 < mark_ms <= 500, "
                f"got frame_ms={frame_ms}, lead_ms={lead_ms}, mark_ms={mark_ms}"
            )
        self._frame = frame_ms * BYTES_PER_MS
        self._lead = lead_ms * BYTES_PER_MS
        self._mark_every = mark_ms * BYTES_PER_MS
        self._room = Room(max_queued_ms * BYTES_PER_MS)
        self._head = Playhead()
        self._segments: deque[Segment] = deque()

    def open(self, text: str, *, interruptible: bool = True) -> Segment:
        """Queue a segment behind the others; its audio may come at any time.

        Raises:
            PlayoutFull: `MAX_SEGMENTS` are not yet heard.
        """
        if len(self._segments) >= MAX_SEGMENTS:
            raise PlayoutFull(f"{MAX_SEGMENTS} segments wait to be heard")
        segment = Segment(text, interruptible, self._room)
        self._segments.append(segment)
        return segment

    def pump(self, now_ms: float) -> list[SendMedia | SendMark]:
        """Everything that is due to be sent now, in order."""
        head = self._head
        commands: list[SendMedia | SendMark] = []
        position = head.position(now_ms)
        while (segment := self._sending()) is not None:
            if segment.waiting:
                size, ahead = self._next_frame(segment)
                if head.sent - position > ahead:
                    break
                commands.append(SendMedia(head.send(segment, size, now_ms)))
                if head.sent - head.marked == self._mark_every:
                    commands.append(SendMark(head.mark()))
            elif segment.closed:
                segment.sent_to = head.sent
                if not head.mark_pending:
                    commands.append(SendMark(head.mark()))
            else:
                break
        return commands

    def wake_at_ms(self, now_ms: float) -> float | None:
        """When `pump` should be called next; None if only new audio or an echo changes things."""
        segment = self._sending()
        if segment is None:
            return None
        if not segment.waiting:
            return now_ms if segment.closed else None
        _, ahead = self._next_frame(segment)
        at_ms = self._head.time_at(self._head.sent - ahead)
        return None if at_ms is None else max(at_ms, now_ms)

    def mark_echoed(self, name: str, now_ms: float) -> Echoed:
        """Twilio has echoed a mark. Names unknown, repeated or cleared are harmless."""
        confirmed = self._head.echoed(name, now_ms)
        if confirmed is None:
            return Echoed()
        position, played = confirmed
        heard = []
        while self._segments and (end := self._segments[0].sent_to) is not None and end <= position:
            heard.append(self._segments.popleft())
        return Echoed(tuple(heard), played)

    def clear(self, now_ms: float) -> Cleared:
        """Drop all that the caller has not heard by now, queued or sent, interruptible or not.

        Segments still being written become `dropped`, so that the synthesizer can stop.
        """
        commands = (SendClear(),) if self._head.pending else ()
        return self._drop(commands, now_ms)

    def lost(self, now_ms: float) -> Cleared:
        """The stream has ended: as `clear`, with nothing to send."""
        return self._drop((), now_ms)

    def interruptible_now(self, now_ms: float) -> bool:
        """Whether the segment being heard, or next to be heard, may be spoken over."""
        position = self._head.position(now_ms)
        for segment in self._segments:
            if segment.sent_to is None or segment.sent_to > position:
                return segment.interruptible
        return True

    def speaking(self, now_ms: float) -> bool:
        """Whether the caller is hearing audio, as far as known."""
        return self._head.position(now_ms) < self._head.sent

    @property
    def idle(self) -> bool:
        """Nothing is being written, queued, or waiting to be confirmed as heard."""
        return not self._segments

    @property
    def queued_ms(self) -> float:
        """Audio accepted and not yet sent."""
        return self._room.taken / BYTES_PER_MS

    @property
    def room_ms(self) -> float:
        """How much audio `Segment.write` takes now."""
        return self._room.free / BYTES_PER_MS

    @property
    def sent_ms(self) -> float:
        """Audio sent since the ledger began."""
        return self._head.sent / BYTES_PER_MS

    @property
    def played_ms(self) -> float:
        """Audio confirmed as heard since the ledger began."""
        return self._head.played / BYTES_PER_MS

    def _sending(self) -> Segment | None:
        return next((segment for segment in self._segments if segment.sent_to is None), None)

    def _next_frame(self, segment: Segment) -> tuple[int, int]:
        """The next frame's size, and how far ahead of playback it may be sent.

        A frame that could still grow waits while the caller has a frame's time of audio left.
        """
        largest = min(self._frame, self._mark_every - (self._head.sent - self._head.marked))
        size = min(largest, segment.waiting)
        ahead = self._lead - size
        if size < largest and not segment.closed:
            ahead = min(ahead, self._frame)
        return size, ahead

    def _drop(self, commands: tuple[SendClear, ...], now_ms: float) -> Cleared:
        played = self._head.stop(now_ms)
        segments = tuple(self._segments)
        self._segments.clear()
        for segment in segments:
            segment.drop()
        return Cleared(commands, segments, played)
