"""PURE: the audio that a vendor may have to be sent again, and where utterances end in it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

__all__ = ["MAX_MS", "ReplayRing"]

MAX_MS = 30_000.0
"""How much audio is kept. What is older when the connection is lost is lost with it."""
PIECE_MS = 1_000.0
"""How much audio goes in one message, at most, if nothing else is said: vendors have limits."""


class ReplayRing:
    """Audio since the last final word, as it was handed over, and the finalizations in it.

    Args:
        bytes_per_ms: of the audio.
        frame_bytes: audio is cut at multiples of it.
        max_ms: how much is kept.
        shortest_ms: audio goes in messages of so much at least, but for the last of an utterance.
        longest_ms: and of so much at most.
    """

    def __init__(
        self,
        bytes_per_ms: float,
        frame_bytes: int,
        max_ms: float = MAX_MS,
        *,
        shortest_ms: float = 0.0,
        longest_ms: float = PIECE_MS,
    ) -> None:
        self._bytes_per_ms = bytes_per_ms
        self._max_ms = max_ms
        self._shortest = shortest_ms * bytes_per_ms
        self._longest = round(longest_ms * bytes_per_ms)
        self._frame_bytes = frame_bytes
        # Pieces of audio, and None where an utterance was ended.
        self._items: deque[bytes | None] = deque()
        self._size = 0
        self._start = 0  # bytes of the stream that came before the first piece
        self._sent = 0  # how many items were sent on the present connection
        self._gone = 0.0  # how many bytes that was, at least

    @property
    def start_ms(self) -> float:
        """Where in the stream the kept audio begins."""
        return self._start / self._bytes_per_ms

    @property
    def end_ms(self) -> float:
        """Where in the stream it ends."""
        return (self._start + self._size) / self._bytes_per_ms

    @property
    def is_empty(self) -> bool:
        """Whether no audio is kept."""
        return not self._size

    @property
    def unsent_ms(self) -> float:
        """How much audio is not sent yet."""
        unsent = islice(self._items, self._sent, None)
        return sum(len(item) for item in unsent if item is not None) / self._bytes_per_ms

    def add(self, audio: bytes) -> bool:
        """Keep audio; False when something that was not even sent had to go for it."""
        size = self._longest
        self._items += [audio[at : at + size] for at in range(0, len(audio), size)]
        self._size += len(audio)
        kept = True
        while self._size > self._max_ms * self._bytes_per_ms:
            kept = self._drop_first() and kept
        return kept

    def end_utterance(self) -> None:
        """An utterance was ended here."""
        self._items.append(None)

    def unsent(self, until_ms: float = math.inf, *, ended: bool = False) -> Iterator[bytes | None]:
        """Give what is not sent yet, item by item, and note it as sent.

        Args:
            until_ms: how much audio, at most, may have gone since the last `rewind`.
            ended: no more audio comes: what is short for a message goes as well.
        """
        while self.waits(ended=ended):
            item = self._items[self._sent]
            if item is not None:
                # What a message lacks is made up for, and takes its time as well.
                size = max(len(item), self._shortest)
                if self._gone + size > until_ms * self._bytes_per_ms:
                    return
                self._gone += size
            self._sent += 1
            yield item

    def waits(self, *, ended: bool) -> bool:
        """Whether anything is not sent that makes a message; what makes one is put together."""
        at = self._sent
        if at == len(self._items):
            return False
        while (item := self._items[at]) is not None and len(item) < self._shortest:
            if at + 1 == len(self._items):
                return ended
            follower = self._items[at + 1]
            if follower is None:
                return True
            whole = item + follower
            self._items[at] = whole[: self._longest]
            if len(whole) > self._longest:
                self._items[at + 1] = whole[self._longest :]
            else:
                del self._items[at + 1]
        return True

    def forget(self, until_ms: float) -> None:
        """All audio before `until_ms` is understood: pieces that end before it are not kept."""
        until = until_ms * self._bytes_per_ms
        while self._sent and self._items:
            first = self._items[0]
            # An end is kept until it is answered: see `answered`.
            if first is None or self._start + len(first) > until:
                return
            self._drop_first()

    def answered(self) -> float:
        """The first end of an utterance that is kept was answered: it is not said again.

        Returns where in the stream it is, in ms; without one, where the kept audio begins.
        """
        position = self._start
        for at, item in enumerate(self._items):
            if item is None:
                del self._items[at]
                self._sent -= at < self._sent
                return position / self._bytes_per_ms
            position += len(item)
        return self.start_ms

    def rewind(self, from_ms: float) -> float:
        """Another connection: all is unsent again, from `from_ms` on. Returns where that is.

        Ends before that which nobody has answered come first.
        """
        self._sent, self._gone = 0, 0.0
        whole = int(from_ms * self._bytes_per_ms) // self._frame_bytes * self._frame_bytes
        at = 0
        while at < len(self._items) and whole > self._start:
            piece = self._items[at]
            if piece is None:
                # Nobody has answered this end, though what comes after it is understood.
                at += 1
                continue
            cut = min(whole - self._start, len(piece))
            self._start += cut
            self._size -= cut
            if cut == len(piece):
                del self._items[at]
            else:
                self._items[at] = piece[cut:]
        return self.start_ms

    def skip(
        self, is_quiet: Callable[[bytes], bool], keep_ms: float, until_ms: float = math.inf
    ) -> float:
        """After `rewind`: leave out what is quiet at the beginning, but for the last of it.

        Returns where in the stream what is left begins.

        Args:
            is_quiet: whether nobody speaks in a piece of audio.
            keep_ms: how much of it is not left out.
            until_ms: from there on somebody speaks, however quietly.
        """
        return self.rewind(min(self._quiet_until_ms(self.start_ms, is_quiet), until_ms) - keep_ms)

    def again_ms(self, from_ms: float, is_quiet: Callable[[bytes], bool], keep_ms: float) -> float:
        """How much that was sent would go again after `rewind` and `skip`.

        It is less than nothing when they would leave out what was not sent as well.
        """
        resumed_ms = max(from_ms, self._quiet_until_ms(from_ms, is_quiet) - keep_ms)
        return self.end_ms - self.unsent_ms - resumed_ms

    def _quiet_until_ms(self, from_ms: float, is_quiet: Callable[[bytes], bool]) -> float:
        begin = int(from_ms * self._bytes_per_ms) // self._frame_bytes * self._frame_bytes
        end = self._start
        for item in self._items:
            if item is None or not is_quiet(item[max(0, begin - end) :]):
                break
            end += len(item)
        return end / self._bytes_per_ms

    def _drop_first(self) -> bool:
        """Drop the oldest audio; False when it was not sent."""
        at = 0
        while self._items[at] is None:
            at += 1
        item = self._items[at]
        assert item is not None
        del self._items[at]
        self._start += len(item)
        self._size -= len(item)
        if at >= self._sent:
            return False
        self._sent -= 1
        return True
