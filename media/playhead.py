"""Where playback is in the audio that was sent: from the marks' echoes and the clock.

Twilio plays in order and in real time, and echoes a mark when the audio before it has been played:
https://www.twilio.com/docs/voice/media-streams/websocket-messages#mark-message

Positions are bytes of µ-law since the beginning, times milliseconds on the call's clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from media.segment import BYTES_PER_MS, Segment

__all__ = ["Played", "Playhead"]

# A byte's time, turned back into a byte, must give the same byte in spite of rounding.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Played:
    """Audio that the caller heard, from `start_ms` on.

    That is the earliest time it can have been: it began when it was sent, or when what was sent
    before it ended. Audio sent without a gap is thus without a gap here too, which it would not be
    on the times of the echoes, late as the network makes them. `Played` never overlap.
    """

    start_ms: float
    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One media message: its audio, when it was sent, and when it begins to be heard."""

    segment: Segment
    audio: bytes
    sent_ms: float
    start_ms: float


class Playhead:
    """The audio sent and not yet confirmed as heard, and how far playback has come in it.

    Attributes:
        sent: the position behind all audio sent.
        marked: the position of the last mark sent.
        played: how many bytes are confirmed as heard.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.marked = 0
        self.played = 0
        self._pieces: deque[_Piece] = deque()
        self._marks: dict[str, int] = {}
        self._mark_number = 0
        # All before this position is settled; playback was there at this time.
        self._base = 0
        self._base_ms = float("-inf")
        # Where the audio sent, and the audio heard, ends in `Played` time.
        self._tail_ms = float("-inf")
        self._heard_to_ms = float("-inf")

    def send(self, segment: Segment, size: int, now_ms: float) -> bytes:
        """The segment's next `size` bytes, which are sent now."""
        audio = segment.send(size)
        start_ms = max(now_ms, self._tail_ms)
        self._pieces.append(_Piece(segment, audio, now_ms, start_ms))
        self._tail_ms = start_ms + size / BYTES_PER_MS
        self.sent += size
        return audio

    def mark(self) -> str:
        """The name of a new mark, which is sent now."""
        self._mark_number += 1
        name = f"m{self._mark_number}"
        self._marks[name] = self.marked = self.sent
        return name

    @property
    def mark_pending(self) -> bool:
        """Whether a mark behind all audio sent is still to be echoed."""
        return next(reversed(self._marks.values()), None) == self.sent

    @property
    def pending(self) -> bool:
        """Whether audio was sent that is not confirmed as heard."""
        return bool(self._pieces)

    def position(self, now_ms: float) -> int:
        """Where playback is.

        It goes on from the last echo, each piece beginning when it was sent at the earliest, and
        does not pass a mark that was not echoed.
        """
        position, at_ms = self._base, self._base_ms
        for piece in self._pieces:
            start_ms = max(at_ms, piece.sent_ms)
            played = int((now_ms - start_ms) * BYTES_PER_MS + _ROUNDING)
            if played < len(piece.audio):
                position += max(played, 0)
                break
            position += len(piece.audio)
            at_ms = start_ms + len(piece.audio) / BYTES_PER_MS
        return min(position, self._bound())

    def time_at(self, position: int) -> float | None:
        """When playback is at `position`, past times included; None if an echo must come first."""
        if position > self._bound():
            return None
        end, at_ms = self._base, self._base_ms
        for piece in self._pieces:
            if end >= position:
                break
            size = min(len(piece.audio), position - end)
            end += size
            at_ms = max(at_ms, piece.sent_ms) + size / BYTES_PER_MS
        return at_ms

    def echoed(self, name: str, now_ms: float) -> tuple[int, tuple[Played, ...]] | None:
        """A mark came back: its position and the audio it confirms; None for one not pending."""
        position = self._marks.get(name)
        if position is None:
            return None
        self._marks = {other: at for other, at in self._marks.items() if at > position}
        played = self._settle(position)
        self._base_ms = now_ms
        return position, played

    def stop(self, now_ms: float) -> tuple[Played, ...]:
        """Playback ends: what was heard until now. The rest, and the pending marks, are forgotten.

        Their echoes come all the same, and must not count as heard.
        """
        played = self._settle(self.position(now_ms))
        self._pieces.clear()
        self._marks.clear()
        self._base = self.marked = self.sent
        self._tail_ms = self._heard_to_ms
        return played

    def _bound(self) -> int:
        return next(iter(self._marks.values()), self.sent)

    def _settle(self, position: int) -> tuple[Played, ...]:
        """Release the audio before `position` as heard."""
        played = []
        while self._base < position:
            piece = self._pieces.popleft()
            audio = piece.audio[: position - self._base]
            end_ms = piece.start_ms + len(audio) / BYTES_PER_MS
            piece.segment.count_heard(len(audio), piece.start_ms, end_ms)
            played.append(Played(piece.start_ms, audio))
            self._heard_to_ms = end_ms
            self._base += len(audio)
            self.played += len(audio)
        return tuple(played)
