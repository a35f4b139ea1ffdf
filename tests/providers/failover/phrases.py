"""A minute of phrases that are really spoken, for recognizers that really listen."""

from __future__ import annotations

import numpy as np

from bot.demo.scene import LINES, RECORDINGS
from media.audio import pcm_to_ulaw, ulaw_to_pcm
from tests.vendors.speech.recordings import spoken_script
from tests.vendors.speech.script import Script

__all__ = ["spoken_minute"]

TIMES = 4
PAUSE_MS = 2_200
NOISE = 8
"""In samples of 16 bits: nobody hears it, and yet nothing is said twice in the very same way."""


def spoken_minute() -> Script:
    """What the callers of the demo say, again and again."""
    random = np.random.default_rng(1)
    said = []
    for _ in range(TIMES):
        for line in LINES:
            samples = ulaw_to_pcm((RECORDINGS / line.file).read_bytes()).astype(float)
            noisy = samples + random.normal(0, NOISE, samples.size)
            ulaw = pcm_to_ulaw(np.clip(np.rint(noisy), -32_000, 32_000).astype(np.int16))
            said.append((ulaw, line.text))
    return spoken_script(said, pause_ms=PAUSE_MS)
