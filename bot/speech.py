"""Reply text → synthesized audio → the playout ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Self

import structlog

from bot.engine_log import EngineLog
from bot.parts import CallParts
from media.audio import ULAW_8K, pcm_to_ulaw
from media.files import AudioFileError, read_audio
from media.playout import Playout, PlayoutFull, Segment
from providers.errors import CutOffError
from providers.fallback import Fallback
from providers.options import TtsOptions
from providers.tts.fallback import FallbackTts
from providers.types import TtsProvider, WordPosition

__all__ = ["Speaker", "synthesize_ulaw"]

log = structlog.get_logger(__name__)

ROOM_DEADLINE_S = 150.0
"""How long to wait for room in the ledger: more than it holds takes to play."""
WRITE_BYTES = 8_000
PAUSE_MS = 250
"""The breath between two sentences of a reply; synthesizers end a text without one."""
RATE_HZ = 8_000


class Speaker:
    """Speaks into one call's playout ledger.

    Args:
        tts: the synthesizers, which give µ-law at 8 kHz.
        options: language, voice and speed; replaced by `set_language`.
        playout: the ledger.
        wake: called when there is something new to send.
    """

    def __init__(
        self, tts: FallbackTts, options: TtsOptions, playout: Playout, wake: Callable[[], None]
    ) -> None:
        self._tts = tts
        self._options = options
        self._playout = playout
        self._wake = wake
        self._room = asyncio.Event()

    @classmethod
    def of(
        cls,
        parts: CallParts,
        playout: Playout,
        wake: Callable[[], None],
        now_ms: Callable[[], float],
    ) -> Self:
        """That of a call, with its synthesizers."""
        tts = FallbackTts(
            parts.tts,
            audio=ULAW_8K,
            hedge_ms=parts.tts_hedge_ms,
            follower=EngineLog("tts", parts.counts, parts.keeper, now_ms),
        )
        return cls(tts, parts.tts_options, playout, wake)

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
            ProviderError: no synthesizer can go on; the segment is closed with what was given.
            PlayoutFull: as `_write`; the segment is closed likewise.
        """
        complete = False
        try:
            complete = await self._spoken(segment, PAUSE_MS if pause else 0)
        finally:
            segment.close(cut=not complete)
            self._wake()

    async def _spoken(self, segment: Segment, pause_ms: float) -> bool:
        """Synthesize `segment`; false when not all of it was given.

        What was given before a synthesizer failed is heard, and the next sentence is another's;
        but a sentence that still waits for the one before it is another's from its start.
        """
        tries = len(self._tts.tts.candidates)
        while True:
            try:
                return await self._synthesize(segment, pause_ms)
            except CutOffError as error:
                tries -= 1
                if not tries or not segment.restart():
                    log.warning("sentence cut off", error=str(error))
                    return False

    async def _synthesize(self, segment: Segment, pause_ms: float) -> bool:
        pause = ULAW_8K.silence(pause_ms)
        async with aclosing(self._tts.synthesize(segment.text, self._options)) as chunks:
            async for chunk in chunks:
                if segment.dropped:
                    return False
                later = [replace(word, at_ms=word.at_ms + pause_ms) for word in chunk.words]
                await self._write(segment, pause + chunk.audio, later)
                pause = b""
        return True

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
    except ValueError as error:  # a NUL in it, for one
        raise AudioFileError("no file can have this name", repr(str(path))) from error
    return pcm_to_ulaw(read_audio(data, str(path)))


async def synthesize_ulaw(tts: Fallback[TtsProvider], text: str, options: TtsOptions) -> bytes:
    """The whole of `text` as µ-law at 8 kHz.

    Raises:
        ProviderError: the synthesizer failed.
    """
    face = FallbackTts(tts, audio=ULAW_8K)
    async with aclosing(face.synthesize(text, options)) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])
