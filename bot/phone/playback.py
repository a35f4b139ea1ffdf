"""PURE: Twilio's play-out buffer: audio queued by the worker, drained in real time.

Time is counted in samples at 8 kHz since the call's first stream began. A mark is returned when
the audio queued before it has been played, at once when nothing is queued; `clear` drops what was
not played and gives back every mark that was waiting.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["ULAW_SILENCE", "Clear", "PlayoutBuffer"]

ULAW_SILENCE = b"\xff"


@dataclass(frozen=True, slots=True)
class Clear:
    """A `clear` that arrived: when, and how much audio it left played and unplayed.

    Attributes:
        at_ms: when it arrived, since the call's first stream began.
        played_bytes: how much of this stream's audio had been played by then.
        dropped_bytes: how much of it was dropped and never heard.
    """

    at_ms: float
    played_bytes: int
    dropped_bytes: int


class PlayoutBuffer:
    """One stream's buffer.

    `track` is what the caller's ear gets: every sample from the call's beginning up to the last
    `advance`, silence where nothing was queued. A call's later streams go on with the same track.
    """

    def __init__(self, track: bytearray, start_sample: int = 0) -> None:
        self.track = track
        self.played_bytes = 0
        self.queued_bytes = 0
        self._queue: deque[memoryview | str] = deque()
        _pad(track, start_sample)

    @property
    def empty(self) -> bool:
        """Whether all audio that came has been played."""
        return not self.queued_bytes

    def advance(self, now_sample: int) -> list[str]:
        """Play up to `now_sample`; the names of the marks that were reached, in order.

        A time that was already reached changes nothing.
        """
        reached: list[str] = []
        while self._queue and (room := now_sample - len(self.track)) > 0:
            audio = self._queue[0]
            # A mark never stays at the head: it is taken with the audio before it.
            assert isinstance(audio, memoryview)
            piece = audio[:room]
            self.track += piece
            self.played_bytes += len(piece)
            self.queued_bytes -= len(piece)
            if len(piece) == len(audio):
                self._queue.popleft()
                reached += self._take_marks()
            else:
                self._queue[0] = audio[room:]
        _pad(self.track, now_sample)
        return reached

    def put(self, audio: bytes) -> None:
        """Queue µ-law. Call `advance` first: what is queued now is played from now on."""
        if audio:
            self._queue.append(memoryview(audio))
            self.queued_bytes += len(audio)

    def mark(self, name: str) -> list[str]:
        """Queue a mark; its name comes back here if nothing is queued, else from `advance`."""
        self._queue.append(name)
        return self._take_marks()

    def clear(self) -> list[str]:
        """Drop the audio that was not played; the names of all marks that were waiting."""
        waiting = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self.queued_bytes = 0
        return waiting

    def _take_marks(self) -> list[str]:
        names: list[str] = []
        while self._queue and isinstance(name := self._queue[0], str):
            names.append(name)
            self._queue.popleft()
        return names


def _pad(track: bytearray, length: int) -> None:
    track += ULAW_SILENCE * (length - len(track))
