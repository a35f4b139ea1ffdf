"""Whole recordings through Whisper: cut where nobody speaks, so that hours of them fit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from media.audio import PCM16_16K, Samples, bytes_to_pcm
from media.silence import Piece

from ..honoured import Honoured
from ..results import AudioData, Container, TranscriptionResult
from ..types import SttCapabilities, SttOptions
from .recording import check_recording
from .whisper_pool import Decoders
from .whisper_stream import splitter
from .whisper_task import CODES, PROVIDER, language_tags
from .whisper_understood import Understood

__all__ = ["WhisperFiles"]

PATIENCE_S = DEADLINE_S = 600.0
"""Nobody waits on the telephone: a large model may take minutes for a piece on a small machine."""
MAX_BYTES = 1 << 30
"""Nine hours; they are in memory."""
_FED_SAMPLES = 160_000


class WhisperFiles:
    """The `FileRecognizer` for Whisper models, from the extra ``whisper``.

    Its processes start with the first recording.

    Args:
        decoders: those of somebody else, who has loaded the model; None for its own.
        settings: as `Decoders` takes them.

    Raises:
        MissingKeyError: the package is not installed, or no model is named.
        ValueError: there are less than one processes.
    """

    name = PROVIDER
    capabilities = SttCapabilities(
        languages=language_tags(CODES),
        word_times=True,
        options=frozenset({"languages", "key_terms"}),
    )
    containers: tuple[Container, ...] = ()
    max_bytes = MAX_BYTES
    max_ms: float | None = None

    def __init__(self, decoders: Decoders | None = None, **settings: Any) -> None:
        self._decoders = decoders or Decoders(**settings)
        self._honoured = Honoured(PROVIDER, self.capabilities)

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """Understand a whole recording, which is raw PCM16 at 16 kHz.

        Raises:
            UnsupportedError: it is other audio, or a language is not on offer.
            MissingKeyError: there is no such model on this machine, or it cannot be used.
            AudioTooLargeError: there is more of it than is taken.
            ProviderError: the processes failed.
        """
        check_recording(self, audio)
        self._honoured.note(options)
        await self._decoders.start()
        asked = self._decoders.task(options, recording=True)
        understood = Understood()
        pieces = _pieces(bytes_to_pcm(audio.data))
        # Cut in a thread: it takes a while to get over an hour of silence.
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            result = await self._decoders.decode(
                piece.samples, asked, patience_s=PATIENCE_S, deadline_s=DEADLINE_S
            )
            understood.add(result, piece.start_ms)
        return TranscriptionResult(
            understood.text,
            PROVIDER,
            PCM16_16K.duration_ms(len(audio.data)),
            understood.language,
            understood.confidence,
            understood.words,
        )

    async def aclose(self) -> None:
        """End the processes."""
        await self._decoders.aclose()


def _pieces(samples: Samples) -> Iterator[Piece]:
    cutter = splitter()
    for first in range(0, len(samples), _FED_SAMPLES):
        yield from cutter.feed(samples[first : first + _FED_SAMPLES])
    yield from cutter.flush()
