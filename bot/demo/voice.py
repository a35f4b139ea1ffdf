"""The caller's voice: `python -m bot.demo.voice` makes the recordings of the demo again.

They are spoken by eSpeak NG with a voice that is not the bot's, slower than it speaks by itself,
as somebody does who talks to a machine, and with a little noise on the line. Voice and speed are
those, of a dozen tried, that PocketSphinx understands best.
"""

from __future__ import annotations

import asyncio

import numpy as np

from media.audio import Samples, pcm_to_ulaw
from media.resample import resample
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions

from .scene import LINES, RECORDINGS

__all__ = ["record_lines"]

VOICE = TtsOptions(voice="en-us+f2", speed=0.85)
_RATE_HZ = 8_000
_PEAK = 9_000  # of 32,768: 11 dB below full scale, as loud as callers are
_NOISE = 25  # root mean square: 62 dB below full scale
_MARGIN_MS = 150
_SEED = 8_000


async def record_lines() -> dict[str, bytes]:
    """Every line of the caller's as µ-law at 8 kHz, by file name.

    Raises:
        ProviderError: eSpeak NG cannot be had.
    """
    tts = ESpeak()
    await tts.start()
    try:
        noise = np.random.default_rng(_SEED)
        return {line.file: _telephone(await _speak(tts, line.text), noise) for line in LINES}
    finally:
        await tts.aclose()


async def _speak(tts: ESpeak, text: str) -> Samples:
    pcm = b"".join([chunk.audio async for chunk in tts.synthesize(text, VOICE)])
    return resample(np.frombuffer(pcm, np.int16), tts.format.sample_rate_hz, _RATE_HZ)


def _telephone(speech: Samples, noise: np.random.Generator) -> bytes:
    """`speech` at a telephone's level, with a margin on both sides and noise throughout."""
    scaled = speech.astype(np.float64) * (_PEAK / np.abs(speech).max())
    line = np.pad(scaled, _MARGIN_MS * _RATE_HZ // 1000)
    line += noise.normal(0, _NOISE, line.size)
    return pcm_to_ulaw(np.rint(line).astype(np.int16))


def main() -> None:
    for name, ulaw in asyncio.run(record_lines()).items():
        (RECORDINGS / name).write_bytes(ulaw)


if __name__ == "__main__":
    main()
