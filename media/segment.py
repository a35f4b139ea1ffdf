"""One sentence, or one recording, on its way to the caller."""

from __future__ import annotations

from collections.abc import Iterable

from media.heard import WordAt, heard_text

__all__ = ["BYTES_PER_MS", "PlayoutFull", "Room", "Segment"]

BYTES_PER_MS = 8


class PlayoutFull(Exception):
    """More audio or segments than the ledger holds: wait until there is room."""


class Room:
    """How much audio may wait to be sent, in bytes, shared by all segments of a ledger."""

    def __init__(self, limit: int) -> None:
        self.free = limit
        self._limit = limit

    @property
    def taken(self) -> int:
        return self._limit - self.free

    def take(self, size: int) -> None:
        """Raises:
        PlayoutFull: there is less room than `size`; nothing was taken.
        """
        if size > self.free:
            raise PlayoutFull(
                f"{size / BYTES_PER_MS:.0f} ms of audio do not fit: room for "
                f"{self.free / BYTES_PER_MS:.0f} ms, {self.taken / BYTES_PER_MS:.0f} ms wait"
            )
        self.free -= size

    def give_back(self, size: int) -> None:
        self.free += size


class Segment:
    """A text and its audio. The synthesizer writes and closes; the ledger sends and counts.

    Attributes:
        text: what is being said.
        interruptible: whether the caller may speak over it.
        closed: all of its audio has been written, or as much as there will be of it.
        dropped: it was cleared; writing to it has no effect any more.
        heard_from_ms: when the caller began to hear it; None if that is not confirmed.
        heard_to_ms: until when the caller is confirmed to have heard it.
        sent_to: where it ends in the stream, once all of it was sent; for the ledger.
    """

    def __init__(self, text: str, interruptible: bool, room: Room) -> None:
        self.text = text
        self.interruptible = interruptible
        self.closed = False
        self.dropped = False
        self.heard_from_ms: float | None = None
        self.heard_to_ms: float | None = None
        self.sent_to: int | None = None
        self._room = room
        self._words: list[WordAt] = []
        self._queue = bytearray()
        self._written = 0
        self._heard = 0
        self._cut = False

    def write(self, ulaw: bytes, words: Iterable[WordAt] = ()) -> None:
        """Append µ-law, and word positions counted from the segment's first sample.

        Raises:
            PlayoutFull: there is less room than this (`Playout.room_ms`); nothing was taken.
            ValueError: the segment is closed.
        """
        if self.dropped:
            return
        if self.closed:
            raise ValueError("the segment is closed: open another one for more audio")
        self._room.take(len(ulaw))
        self._queue += ulaw
        self._written += len(ulaw)
        self._words.extend(words)

    def restart(self) -> bool:
        """Forget all that was written, if none of it was sent. Returns whether that was so."""
        if self.dropped or self.closed or len(self._queue) != self._written:
            return False
        self._room.give_back(self._written)
        self._queue.clear()
        self._words.clear()
        self._written = 0
        return True

    def close(self, *, cut: bool = False) -> None:
        """No more audio comes, so the next segment may follow; `cut` when some of it is missing."""
        self._cut = self._cut or cut
        # What was heard of a dropped segment is settled: there may have been more to say.
        self.closed = self.closed or not self.dropped

    @property
    def whole(self) -> bool:
        """Whether the caller is confirmed to have heard all of it."""
        return self._complete and self._heard == self._written

    @property
    def _complete(self) -> bool:
        return self.closed and not self._cut

    @property
    def heard_ms(self) -> float:
        """How much of its audio the caller is confirmed to have heard."""
        return self._heard / BYTES_PER_MS

    @property
    def heard(self) -> str:
        """The part of `text` that the caller is confirmed to have heard."""
        audio_ms = self._written / BYTES_PER_MS
        return heard_text(self.text, self._words, self.heard_ms, audio_ms, complete=self._complete)

    @property
    def waiting(self) -> int:
        """Bytes written and not yet sent; for the ledger."""
        return len(self._queue)

    def send(self, size: int) -> bytes:
        """Take the next bytes to be sent, `size` at most; for the ledger."""
        audio = bytes(self._queue[:size])
        del self._queue[:size]
        self._room.give_back(len(audio))
        return audio

    def count_heard(self, size: int, start_ms: float, end_ms: float) -> None:
        """The caller heard the next `size` bytes at these times; for the ledger."""
        self._heard += size
        if self.heard_from_ms is None:
            self.heard_from_ms = start_ms
        self.heard_to_ms = end_ms

    def drop(self) -> None:
        """Forget what was not sent, and all that may still be written; for the ledger."""
        self._room.give_back(len(self._queue))
        self._queue.clear()
        self.dropped = not self.whole
