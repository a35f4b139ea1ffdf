"""One text being spoken, and the audio of it that waits to be taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from ..errors import ProviderError
from ..types import SynthesisChunk, TtsOptions, WordPosition

__all__ = ["MAX_WAITING_S", "Context"]

MAX_WAITING_S = 120.0
"""How much audio of one text may wait to be taken."""


class Context:
    """One text being spoken.

    Attributes:
        id: the vendor's name for it, another one on each connection.
        asked_again: it was begun once more, and nothing came of it yet.
        alone: it is to have a connection of its own.
    """

    def __init__(self, text: str, options: TtsOptions, max_bytes: int) -> None:
        self.text = text
        self.options = options
        self.id = ""
        self.ended = False
        self.error: ProviderError | None = None
        self.asked_again = False
        self.alone = False
        self.changed = asyncio.Event()
        self._max_bytes = max_bytes
        self._chunks: deque[SynthesisChunk] = deque()
        self._placed = 0  # up to where in the text it is known when words come
        self._waiting = 0
        self._got = 0  # bytes in all
        self._skip = 0  # bytes that were got before, on a connection that is lost

    def begin(self, context_id: str) -> None:
        """It is spoken from its start, under this name: what was got before is left out."""
        self.id = context_id
        self._skip = self._got

    def take(self, provider: str, audio: bytes, words: Sequence[WordPosition] = ()) -> bool:
        """More audio came, with words; False when all of the audio was got before."""
        self.changed.set()  # what was got before shows too that it is being spoken
        fresh = audio[self._skip :]
        self._skip -= len(audio) - len(fresh)
        later = tuple(word for word in words if word.start >= self._placed)
        if later:
            self._placed = later[-1].end
        if fresh or later:
            self._chunks.append(SynthesisChunk(fresh, later))
        if not fresh:
            return False
        self.asked_again = False
        self._got += len(fresh)
        self._waiting += len(fresh)
        if self._waiting > self._max_bytes:
            self.fail(ProviderError(provider, "nobody takes the synthesized audio"))
        return True

    @property
    def begun(self) -> bool:
        """Whether any of it was got."""
        return self._got > 0

    def pieces(self) -> Iterator[SynthesisChunk]:
        """The audio that waits, and what comes while it is taken."""
        while self._chunks:
            piece = self._chunks.popleft()
            self._waiting -= len(piece.audio)
            yield piece

    def end(self) -> None:
        """All its audio is here."""
        self.ended = True
        self.changed.set()

    def renew(self) -> None:
        """It was refused before it has begun, and may be spoken later."""
        self.error = None

    def fail(self, error: ProviderError) -> None:
        """It cannot be spoken; the first reason counts."""
        self.error = self.error or error
        self.changed.set()
