"""The same words, however audio is cut and whenever it comes."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest

from media.audio import ULAW_8K, AudioFormat, Encoding, encode
from media.resample import resample
from providers.options import SttOptions
from tests.bot.engines import tone
from tests.virtual_time import virtual_time

from .cutting import CUTS, Noting, hear
from .hearing import ears

PCM16_48K = AudioFormat(Encoding.PCM16, 48_000)


def bursts(format: AudioFormat) -> bytes:
    """Tones of many lengths with silences between them that just end an utterance, or do not.

    One of the tones is longer than an utterance may be.
    """
    chance = random.Random(7)
    lengths = [chance.randrange(60, 1_500) for _ in range(10)] + [20_777]
    silences = [chance.choice((90, 690, 700, 712, 730, 1_100)) for _ in lengths]
    parts = [np.zeros(2_000, np.int16)]
    for length_ms, silence_ms in zip(lengths, silences, strict=True):
        parts += [tone(length_ms), np.zeros(silence_ms * 8, np.int16)]
    samples = resample(np.concatenate(parts), 8_000, format.sample_rate_hz)
    return encode(samples, format.encoding)


async def got_of(
    audio: bytes, options: SttOptions, cut: str, *, utterances: bool, real_time: bool
) -> tuple[bytes, tuple[int, ...]]:
    """What the recognizer got: all audio, and where in it utterances ended."""
    engine = Noting(utterances=utterances)
    await hear(engine, ears(), audio, options, CUTS[cut], real_time=real_time)
    return engine.got


@pytest.mark.parametrize(("format", "utterances"), [(ULAW_8K, True), (PCM16_48K, False)])
@virtual_time
async def test_utterances_begin_and_end_at_the_same_places(
    format: AudioFormat, utterances: bool
) -> None:
    audio, options = bursts(format), SttOptions(audio=format)
    got = partial(got_of, audio, options, utterances=utterances)
    heard, ends = await got("20 ms", real_time=True)
    assert len(ends) > 3
    for cut, real_time in (("1 s", True), ("anywhere", True), ("256 ms", False)):
        assert await got(cut, real_time=real_time) == (heard, ends)


@pytest.mark.parametrize("silence_ms", [0, 3_000])
@virtual_time
async def test_they_do_so_whatever_silence_ends_them(silence_ms: int) -> None:
    audio, options = bursts(ULAW_8K), SttOptions(audio=ULAW_8K, endpointing_ms=silence_ms)
    got = partial(got_of, audio, options, utterances=False)
    first = await got("20 ms", real_time=True)
    assert await got("1 s", real_time=True) == await got("anywhere", real_time=False) == first
