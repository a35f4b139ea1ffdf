"""Whisper: speech-to-text on this machine, in a hundred languages, with the user's own model.

A model decodes whole utterances, and takes about as long for a short one as for a long one. So the
processes belong to no call: each decodes an utterance of one call after one of another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..errors import CapacityError, UnavailableError
from ..honoured import Honoured
from ..types import FileRecognizer, SttCapabilities, SttOptions
from .local_stream import check_audio, working
from .whisper_files import WhisperFiles
from .whisper_pool import FULL, Decoders
from .whisper_stream import WhisperStream
from .whisper_task import CODES, PROVIDER, language_tags

__all__ = ["Whisper"]

STREAMS_PER_PROCESS = 4
"""A caller speaks less than half the time, in utterances of some seconds."""


class Whisper:
    """The `SttProvider` for Whisper models, from the extra ``whisper``.

    Args:
        settings: as `Decoders` takes them.

    Attributes:
        capabilities: its languages are those of the model when that is loaded.

    Raises:
        MissingKeyError: the package is not installed, or no model is named.
        ValueError: there are less than one processes.
    """

    name = PROVIDER

    def __init__(self, **settings: Any) -> None:
        self._decoders = Decoders(**settings)
        self.capabilities = _capabilities(CODES)
        self.capacity: int | None = STREAMS_PER_PROCESS * self._decoders.size
        self._honoured = Honoured(PROVIDER, self.capabilities)
        self._streams: set[WhisperStream] = set()
        self._open = False

    @property
    def pids(self) -> list[int]:
        """The worker processes that run now."""
        return self._decoders.pids

    def files(self) -> FileRecognizer:
        """Whole recordings, by the same processes: a model is large."""
        return WhisperFiles(self._decoders)

    async def start(self) -> None:
        """Start the processes and load the model in each. Idempotent.

        Raises:
            MissingKeyError: the model is not on this machine, or cannot be used.
            UnavailableError: a process failed, or did not load within 60 s.
        """
        await self._decoders.start()
        self.capabilities = _capabilities(self._decoders.languages)
        self._open = True

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[WhisperStream]:
        """Open a stream.

        Raises (on entering):
            UnsupportedError: a language or the audio format is another.
            CapacityError: there are as many streams as the processes can serve.
            UnavailableError: the provider is not started.
        """
        if not self._open:
            raise UnavailableError(PROVIDER, "not started, or closed", hint="call start() first")
        check_audio(PROVIDER, options)
        if self.capacity is not None and len(self._streams) >= self.capacity:
            taken = f"{len(self._streams)} calls share {self._decoders.size} process(es)"
            raise CapacityError(PROVIDER, taken, hint=FULL)
        self._honoured.note(options)
        stream = WhisperStream(self._decoders, options)
        async with working(stream, self._streams):
            yield stream

    async def aclose(self) -> None:
        """End the processes. Streams still open fail with `UnavailableError`."""
        self._open = False
        for stream in self._streams:
            stream.failed(UnavailableError(PROVIDER, "the provider was closed"))
        await self._decoders.aclose()


def _capabilities(codes: tuple[str, ...]) -> SttCapabilities:
    """Those of a model that knows these languages."""
    return SttCapabilities(
        languages=language_tags(codes),
        utterances=True,
        word_times=True,
        options=frozenset({"interim_results", "languages", "key_terms"}),
    )
