"""Reply text → synthesized audio → the playout ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import structlog

from media.audio import ULAW_8K, decode, pcm_to_ulaw
from media.files import AudioFileError, read_audio
from media.playout import Playout, PlayoutFull, Segment
from media.resample import Downsampler
from providers.errors import DeadlineError
from providers.types import TtsOptions, TtsProvider, WordPosition

__all__ = ["Speaker", "synthesize_ulaw"]

log = structlog.get_logger(__name__)

CHUNK_DEADLINE_S = 5.0
"""How long a synthesizer may stay silent before the next piece of audio."""
ROOM_DEADLINE_S = 150.0
"""How long to wait for room in the ledger: more than it holds takes to play."""
WRITE_BYTES = 8_000
PAUSE_MS = 250
"""The breath between two sentences of a reply; synthesizers end a text without one."""
RATE_HZ = 8_000


class Speaker:
    """Speaks into one call's playout ledger.

    Args:
        tts: the synthesizer.
        options: language, voice and speed; replaced by `set_language`.
        playout: the ledger.
        wake: called when there is something new to send.
    """

    def __init__(
        self, tts: TtsProvider, options: TtsOptions, playout: Playout, wake: Callable[[], None]
    ) -> None:
        self._tts = tts
        self._options = options
        self._playout = playout
        self._wake = wake
        self._room = asyncio.Event()

    def set_language(self, language: str, voice: str | None) -> None:
        """Speak another language, or with another voice, from the next sentence on."""
        self._options = TtsOptions(language=language, voice=voice, speed=self._options.speed)

    def made_room(self) -> None:
        """The ledger has released audio: a sentence that waited for room may go on."""
        self._room.set()

    async def say(self, segment: Segment, *, pause: bool = False) -> None:
        """Synthesize the text of `segment`, which is open in the ledger, and close it.

        With `pause` it begins with a breath, since another sentence came before it.

        Returns early when the segment is dropped, by a barge-in.

        Raises:
            ProviderError: the synthesizer failed; the segment is closed with what it gave.
            PlayoutFull: as `_write`; the segment is closed likewise.
        """
        pause_ms = PAUSE_MS if pause else 0
        complete = False
        try:
            async with aclosing(_ulaw(self._tts, segment.text, self._options)) as pieces:
                async for ulaw, words in pieces:
                    if segment.dropped:
                        return
                    if pause:
                        ulaw, pause = ULAW_8K.silence(pause_ms) + ulaw, False
                    later = [replace(word, at_ms=word.at_ms + pause_ms) for word in words]
                    await self._write(segment, ulaw, later)
            complete = True
        finally:
            segment.close(cut=not complete)
            self._wake()

    async def play(self, segment: Segment, path: Path) -> None:
        """Play a recording into `segment`, and close it.

        Raises:
            AudioFileError: it cannot be read, or is no recording that we know.
            PlayoutFull: as `_write`.
        """
        try:
            ulaw = await asyncio.to_thread(_read_ulaw, path)
            for start in range(0, len(ulaw), WRITE_BYTES):
                await self._write(segment, ulaw[start : start + WRITE_BYTES])
        finally:
            segment.close()
            self._wake()

    async def play_ready(self, segment: Segment, ulaw: bytes) -> None:
        """Play µ-law that is there already, and close the segment.

        Raises:
            PlayoutFull: as `_write`.
        """
        try:
            await self._write(segment, ulaw)
        finally:
            segment.close()
            self._wake()

    async def _write(
        self, segment: Segment, ulaw: bytes, words: Iterable[WordPosition] = ()
    ) -> None:
        """Write into the ledger as soon as there is room.

        Raises:
            PlayoutFull: there was none for so long that the phone cannot be playing what it is
                sent. It may still be heard, so the call goes on without what was to be said; a
                phone that takes nothing either has its stream ended by who sends.
        """
        try:
            async with asyncio.timeout(ROOM_DEADLINE_S):
                while self._playout.room_ms * (RATE_HZ / 1000) < len(ulaw) and not segment.dropped:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            full = f"nothing was confirmed as played for {ROOM_DEADLINE_S:g} s"
            raise PlayoutFull(full) from None
        segment.write(ulaw, words)
        self._wake()


def _read_ulaw(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AudioFileError(f"it cannot be read: {error.strerror}", str(path)) from error
    return pcm_to_ulaw(read_audio(data, str(path)))


async def synthesize_ulaw(tts: TtsProvider, text: str, options: TtsOptions) -> bytes:
    """The whole of `text` as µ-law at 8 kHz.

    Raises:
        ProviderError: the synthesizer failed.
    """
    async with aclosing(_ulaw(tts, text, options)) as pieces:
        return b"".join([ulaw async for ulaw, _ in pieces])


async def _ulaw(
    tts: TtsProvider, text: str, options: TtsOptions
) -> AsyncGenerator[tuple[bytes, Iterable[WordPosition]], None]:
    """The synthesizer's audio as µ-law at 8 kHz, each piece within a deadline."""
    # A telephone's own format passes as it is.
    down = None if tts.format == ULAW_8K else Downsampler(tts.format.sample_rate_hz)
    chunks = tts.synthesize(text, options)
    try:
        while True:
            try:
                async with asyncio.timeout(CHUNK_DEADLINE_S):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise DeadlineError(
                    tts.name, f"no audio for {CHUNK_DEADLINE_S:g} s", hint="try another provider"
                ) from None
            if chunk is None:
                break
            if down is None:
                yield chunk.audio, chunk.words
                continue
            samples = down.process(decode(chunk.audio, tts.format.encoding))
            yield pcm_to_ulaw(samples), chunk.words
        if down is not None:
            yield pcm_to_ulaw(down.flush()), ()
    finally:
        await chunks.aclose()
