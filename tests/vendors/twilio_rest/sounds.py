"""What machines say and how they beep: a greeting, a beep, the tone of a fax.

The greeting is spoken by eSpeak NG; `python -m tests.vendors.twilio_rest.sounds` makes it again.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from bot.phone.clip import Clip, load_clip
from media.audio import pcm_to_ulaw
from media.resample import resample
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions

__all__ = ["BEEP", "FAX", "GREETING", "YES"]

_HERE = Path(__file__).parent
_RATE_HZ = 8_000
_PEAK = 9_000
_GREETING = (
    "Hello, this is the mailbox of Sam and Alex. We cannot come to the telephone just now."
    " Please leave a message after the tone, and we will call you back."
)
_VOICE = TtsOptions(voice="en-us+m3", speed=0.95)


def _tone(name: str, hz: float, ms: int) -> Clip:
    times = np.arange(ms * _RATE_HZ // 1000) / _RATE_HZ
    sine = np.rint(_PEAK * np.sin(2 * np.pi * hz * times))
    return Clip(name, pcm_to_ulaw(sine.astype(np.int16)))


GREETING = load_clip(_HERE / "greeting.ulaw")
YES = load_clip(_HERE.parents[2] / "bot" / "demo" / "yes.ulaw")
BEEP = _tone("beep", 1_000, 400)
# What a fax that is called answers with (CED, ITU-T T.30).
FAX = _tone("fax", 2_100, 3_000)


async def _speak() -> bytes:
    tts = ESpeak()
    await tts.start()
    try:
        pcm = b"".join([chunk.audio async for chunk in tts.synthesize(_GREETING, _VOICE)])
        speech = resample(np.frombuffer(pcm, np.int16), tts.format.sample_rate_hz, _RATE_HZ)
    finally:
        await tts.aclose()
    scaled = speech.astype(np.float64) * (_PEAK / np.abs(speech).max())
    return pcm_to_ulaw(np.rint(scaled).astype(np.int16))


if __name__ == "__main__":
    (_HERE / "greeting.ulaw").write_bytes(asyncio.run(_speak()))
