"""The same words of real speech, however it is cut: a proof that takes a minute or two.

::

    python -m tests.providers.library.cuts [RECORDINGS]

Everything that is said in a folder of recordings (or what eSpeak says, when there is none) is sent
in pieces of 20 ms, 256 ms, 1 s and of any size, as it is spoken and as fast as it is taken, to
PocketSphinx. Each must understand the same words at the same times.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from media.audio import (
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Samples,
    bytes_to_pcm,
    encode,
    ulaw_to_pcm,
)
from media.resample import resample
from providers.ears import Ears
from providers.options import SttOptions, TtsOptions
from providers.stt.pocketsphinx import PocketSphinx
from providers.tts.espeak import ESpeak
from providers.vad import load_model
from tests.vendors.speech.recordings import recorded_script

from .cutting import CUTS, hear

SENTENCES = ("Go forward ten meters.", "And then he said nothing at all.", "Goodbye.")
PAUSE_MS = 1_200
FORMATS = (ULAW_8K, PCM16_16K)

Heard = list[tuple[str, int, int]]
"""Words, and when each began and ended, in ms."""


def main() -> None:
    """Run the proof."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(asyncio.run(_prove(folder)))


async def _prove(folder: Path | None) -> int:
    samples = _recorded(folder) if folder is not None else await _spoken()
    print(f"{len(samples) / 8_000:.0f} s of speech, PocketSphinx, free speech")
    ears, engine = Ears(await asyncio.to_thread(load_model, "auto")), PocketSphinx(len(CUTS))
    await engine.start()
    try:
        wrong = 0
        for format in FORMATS:
            for real_time in (False, True):
                wrong += await _compare(engine, ears, samples, format, real_time=real_time)
    finally:
        await engine.aclose()
        ears.close()
    return min(wrong, 1)


async def _compare(
    engine: PocketSphinx, ears: Ears, samples: Samples, format: AudioFormat, *, real_time: bool
) -> int:
    """How many cuts are understood in another way than the first."""
    audio = encode(resample(samples, 8_000, format.sample_rate_hz), format.encoding)
    options = SttOptions(audio=format)

    async def heard(cut: str) -> Heard:
        finals = await hear(engine, ears, audio, options, CUTS[cut], real_time=real_time)
        return [(word.text, word.start_ms, word.end_ms) for one in finals for word in one.words]

    all_heard = await asyncio.gather(*map(heard, CUTS))
    wrong = 0
    for cut, words in zip(CUTS, all_heard, strict=True):
        same = words == all_heard[0]
        wrong += not same
        pace = "as spoken" if real_time else "at once"
        print(f"{format.encoding} {format.sample_rate_hz} Hz, {pace}, {cut}: ", end="")
        print(f"{len(words)} words, {'the same' if same else 'DIFFERENT'}")
    return wrong


def _recorded(folder: Path) -> Samples:
    return ulaw_to_pcm(recorded_script(folder, minimum_ms=0).audio)


async def _spoken() -> Samples:
    voice = ESpeak()
    await voice.start()
    try:
        parts = []
        for sentence in SENTENCES:
            async for chunk in voice.synthesize(sentence, TtsOptions()):
                parts.append(bytes_to_pcm(chunk.audio))
            parts.append(bytes_to_pcm(voice.format.silence(PAUSE_MS)))
        return resample(np.concatenate(parts), voice.format.sample_rate_hz, 8_000)
    finally:
        await voice.aclose()


if __name__ == "__main__":
    main()
