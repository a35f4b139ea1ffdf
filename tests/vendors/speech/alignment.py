"""Where in a known recording the audio of a stream is, found by its content.

The recording is cut into blocks, and every block that is unlike all others is looked for at each
offset of the stream (as rsync does, the two exchanged). Once it is found, stream and recording are
compared byte for byte until they differ: audio that was left out, doubled or spoiled ends a *run*,
and the next block that is known begins another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Aligner", "Index", "Run"]

TAIL_BLOCKS = 250
"""How much of a stream is remembered, to find where a run began: 5 s of 20 ms blocks."""


class Index:
    """A recording whose blocks can be looked up.

    Raises:
        ValueError: it is shorter than one block, or none of its blocks is unlike the others.
    """

    def __init__(self, audio: bytes, block_bytes: int) -> None:
        self.audio = audio
        self.block_bytes = block_bytes
        self._at: dict[bytes, int] = {}
        twice = set()
        for at in range(0, len(audio) - block_bytes + 1, block_bytes):
            block = audio[at : at + block_bytes]
            if block in self._at:
                twice.add(block)
            self._at[block] = at
        for block in twice:
            del self._at[block]
        if not self._at:
            raise ValueError("no block of the recording is unlike the others")

    def find(self, block: bytes) -> int | None:
        """Where a block of the recording begins, in bytes."""
        return self._at.get(block)


@dataclass(slots=True)
class Run:
    """A stretch of the stream that is one of the recording; all in bytes.

    Attributes:
        shift: of the stream's positions against the recording's.
        start: where it begins in the recording.
        end: where it ends so far.
    """

    shift: int
    start: int
    end: int


class Aligner:
    """Follows one stream; `run` is where it is now, None where it is unknown."""

    def __init__(self, index: Index) -> None:
        self.run: Run | None = None
        self._index = index
        self._tail = bytearray()
        self._received = 0
        self._searched = 0

    def hear(self, audio: bytes) -> Iterator[Run]:
        """Take the stream's next audio; gives the run it goes on with, and each new one."""
        self._tail += audio
        at, self._received = self._received, self._received + len(audio)
        while at < self._received:
            if self.run is None:
                self.run = self._search()
                if self.run is None:
                    break
                at = self.run.end + self.run.shift
            at += self._follow(self.run, self._since(at))
            yield self.run
            if at < self._received:
                self.run = None
                self._searched = at
        surplus = len(self._tail) - TAIL_BLOCKS * self._index.block_bytes
        if surplus > 0:
            del self._tail[:surplus]

    def _since(self, at: int) -> bytes:
        return bytes(self._tail[len(self._tail) - (self._received - at) :])

    def _follow(self, run: Run, audio: bytes) -> int:
        known = self._index.audio[run.end : run.end + len(audio)]
        same = len(audio) if known == audio else _same(known, audio)
        run.end += same
        return same

    def _search(self) -> Run | None:
        size = self._index.block_bytes
        unsearched = self._since(self._searched)
        for offset in range(len(unsearched) - size + 1):
            found = self._index.find(unsearched[offset : offset + size])
            if found is not None:
                return self._run(found, self._searched + offset)
        self._searched += max(0, len(unsearched) - size + 1)
        return None

    def _run(self, found: int, at: int) -> Run:
        """The run to which a known block belongs, from as far back as the bytes agree."""
        before = bytes(self._tail[: len(self._tail) - (self._received - at)])
        agreeing = _same(self._index.audio[:found][::-1], before[::-1])
        return Run(at - found, found - agreeing, found + self._index.block_bytes)


def _same(one: bytes, other: bytes) -> int:
    """How many bytes two strings have in common at their start."""
    size = min(len(one), len(other))
    low = 0
    while low < size:
        half = low + (size - low + 1) // 2
        if one[low:half] == other[low:half]:
            low = half
        elif half - low == 1:
            break
        else:
            size = half
    return low
