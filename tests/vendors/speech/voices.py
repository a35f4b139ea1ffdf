"""Who speaks: a signal that anybody can compute, or eSpeak."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from media.audio import AudioFormat, Samples, bytes_to_pcm, encode
from media.resample import resample
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions

__all__ = [
    "CHARACTER_MS",
    "CHUNK_MS",
    "EspeakVoice",
    "Speaking",
    "ToneVoice",
    "Voice",
    "sayable",
    "spoken",
    "tones",
]

CHARACTER_MS = 60
CHUNK_MS = 120
"""How much audio a piece of an answer carries."""
LOUDNESS = 8_000
SENTENCE = re.compile(r".*?[.!?…]+\s+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Speaking:
    """How something is to be spoken.

    Attributes:
        rate_hz: of the samples.
        speed: 1.0 is the voice's own.
        language: a two-letter code; a tone has none.
    """

    rate_hz: int
    speed: float = 1.0
    language: str = "en"


class Voice(Protocol):
    """Speaks one piece of text at a time.

    Attributes:
        by_sentence: whether it wants whole sentences, or takes text as it comes.
    """

    by_sentence: bool

    async def start(self) -> None:
        """Load it."""

    async def speak(self, text: str, speaking: Speaking) -> Samples:
        """`text` at the sample rate that is asked for."""

    async def aclose(self) -> None:
        """Unload it."""


class ToneVoice:
    """A tone for each character: what is spoken is the sum of its parts, see `tones`."""

    by_sentence = False

    async def start(self) -> None:
        return

    async def speak(self, text: str, speaking: Speaking) -> Samples:
        return tones(text, speaking.rate_hz, speaking.speed)

    async def aclose(self) -> None:
        return


class EspeakVoice:
    """eSpeak NG's voice for the language, whichever is asked for."""

    by_sentence = True

    def __init__(self) -> None:
        self._espeak = ESpeak()

    async def start(self) -> None:
        await self._espeak.start()

    async def speak(self, text: str, speaking: Speaking) -> Samples:
        options = TtsOptions(language=speaking.language, speed=speaking.speed)
        pieces = [chunk.audio async for chunk in self._espeak.synthesize(text, options)]
        samples = bytes_to_pcm(b"".join(pieces))
        return resample(samples, self._espeak.format.sample_rate_hz, speaking.rate_hz)

    async def aclose(self) -> None:
        await self._espeak.aclose()


def sayable(voice: Voice, text: str, *, ended: bool) -> tuple[str, str]:
    """What a voice can say of a text that has come so far, and what it waits with.

    Args:
        ended: whether the text is whole, or is to be said as it is.
    """
    if ended or not voice.by_sentence:
        return text, ""
    sentence = SENTENCE.match(text)
    size = sentence.end() if sentence else 0
    return text[:size], text[size:]


async def spoken(
    voice: Voice,
    text: str,
    audio_format: AudioFormat,
    *,
    speed: float = 1.0,
    language: str = "en",
    pace: float | None = None,
) -> AsyncGenerator[bytes, None]:
    """The audio of a text in chunks of `CHUNK_MS`, as it is made.

    Args:
        pace: how many times as fast as it is spoken it is made; None is at once.
    """
    samples = await voice.speak(text, Speaking(audio_format.sample_rate_hz, speed, language))
    audio = encode(samples, audio_format.encoding)
    size = audio_format.byte_count(CHUNK_MS)
    for at in range(0, len(audio), size):
        # Also at once others get their turn: else nobody could cancel anything.
        await asyncio.sleep(0 if pace is None else CHUNK_MS / 1000 / pace)
        yield audio[at : at + size]


def tones(text: str, rate_hz: int, speed: float = 1.0) -> Samples:
    """`CHARACTER_MS` for each character, a function of that alone.

    So a part of a text sounds as it does in the whole, to the byte.
    """
    return np.concatenate(
        [np.empty(0, np.int16), *(_tone(character, rate_hz, speed) for character in text)]
    )


@lru_cache(maxsize=4096)
def _tone(character: str, rate_hz: int, speed: float) -> Samples:
    size = round(CHARACTER_MS * rate_hz / 1000 / speed)
    # Up to 3 kHz, which the telephone carries; neighbours in the alphabet are far apart.
    pitch_hz = 300 + ord(character) * 617 % 2_700
    angle = 2 * np.pi * pitch_hz / rate_hz * np.arange(size)
    tone: Samples = np.rint(LOUDNESS * np.sin(angle)).astype(np.int16)
    return tone
