"""Who speaks, in chunks of audio with the times of the characters that begin in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from media.audio import AudioFormat, encode
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.voices import CHUNK_MS, Speaking, Voice

from .limits import Limits

__all__ = ["Piece", "Speaker"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk.

    Attributes:
        alignment: of the characters that begin in it; times count from its own start.
    """

    audio: bytes
    duration_ms: float
    alignment: Json


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks for everybody.

    Attributes:
        voice: it.
        voice_ids: what it may be called.
        limits: how much it speaks.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    voice: Voice
    voice_ids: frozenset[str]
    limits: Limits
    pace: float | None

    async def speak(
        self, text: str, audio_format: AudioFormat, *, speed: float, language: str
    ) -> AsyncGenerator[Piece, None]:
        """Speak a text; its characters share its time evenly."""
        rate_hz = audio_format.sample_rate_hz
        samples = await self.voice.speak(text, Speaking(rate_hz, speed, language))
        size = audio_format.byte_count(CHUNK_MS) // audio_format.frame_bytes
        each_ms = samples.size * 1000 / rate_hz / max(1, len(text))
        for at in range(0, samples.size, size):
            part = samples[at : at + size]
            duration_ms, begin_ms = part.size * 1000 / rate_hz, at * 1000 / rate_hz
            # Also at once others get their turn: else nobody could close anything.
            await asyncio.sleep(0 if self.pace is None else duration_ms / 1000 / self.pace)
            begun = [n for n in range(len(text)) if 0 <= n * each_ms - begin_ms < duration_ms]
            alignment = {
                "chars": [text[n] for n in begun],
                "charStartTimesMs": [round(n * each_ms - begin_ms) for n in begun],
                "charDurationsMs": [round(each_ms)] * len(begun),
            }
            yield Piece(encode(part, audio_format.encoding), duration_ms, alignment)
