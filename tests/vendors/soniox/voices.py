"""Who speaks: a signal that anybody can compute, or eSpeak."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np

from media.audio import Samples, bytes_to_pcm
from media.resample import resample
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions

from .tts_messages import TtsConfig

__all__ = ["CHARACTER_MS", "EspeakVoice", "ToneVoice", "Voice", "tones"]

CHARACTER_MS = 60
LOUDNESS = 8_000


class Voice(Protocol):
    """Speaks one piece of text at a time.

    Attributes:
        by_sentence: whether it wants whole sentences, or takes text as it comes.
    """

    by_sentence: bool

    async def start(self) -> None:
        """Load it."""

    async def speak(self, text: str, config: TtsConfig) -> Samples:
        """`text` at the config's sample rate."""

    async def aclose(self) -> None:
        """Unload it."""


class ToneVoice:
    """A tone for each character: what is spoken is the sum of its parts, see `tones`."""

    by_sentence = False

    async def start(self) -> None:
        return

    async def speak(self, text: str, config: TtsConfig) -> Samples:
        return tones(text, config.format.sample_rate_hz, config.speed or 1.0)

    async def aclose(self) -> None:
        return


class EspeakVoice:
    """eSpeak NG's voice for the language, whichever is asked for."""

    by_sentence = True

    def __init__(self) -> None:
        self._espeak = ESpeak()

    async def start(self) -> None:
        await self._espeak.start()

    async def speak(self, text: str, config: TtsConfig) -> Samples:
        options = TtsOptions(language=config.language, speed=config.speed or 1.0)
        pieces = [chunk.audio async for chunk in self._espeak.synthesize(text, options)]
        samples = bytes_to_pcm(b"".join(pieces))
        return resample(samples, self._espeak.format.sample_rate_hz, config.format.sample_rate_hz)

    async def aclose(self) -> None:
        await self._espeak.aclose()


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
