"""The G.711 codecs against the Recommendation's own arithmetic, formats, levels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import (
    PCM16_8K,
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Encoding,
    Samples,
    alaw_to_pcm,
    bytes_to_pcm,
    decode,
    encode,
    pcm_to_alaw,
    pcm_to_bytes,
    pcm_to_ulaw,
    rms_dbfs,
    ulaw_to_pcm,
)

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def ulaw_level(code: int) -> int:
    """The level of a µ-law code, from table 2a/G.711: 14 bits, here scaled to 16."""
    code = ~code & 0xFF
    segment, step = (code >> 4) & 7, code & 15
    level = ((2 * step + 33) << segment) - 33
    return -4 * level if code & 0x80 else 4 * level


def alaw_level(code: int) -> int:
    """The level of an A-law code, from table 1a/G.711: 13 bits, here scaled to 16."""
    code ^= 0x55
    segment, step = (code >> 4) & 7, code & 15
    level = (2 * step + 1) if segment == 0 else (2 * step + 33) << (segment - 1)
    return 8 * level if code & 0x80 else -8 * level


def test_ulaw_decodes_every_code_to_the_level_of_g711() -> None:
    assert ulaw_to_pcm(EVERY_CODE).tolist() == [ulaw_level(code) for code in EVERY_CODE]


def test_alaw_decodes_every_code_to_the_level_of_g711() -> None:
    assert alaw_to_pcm(EVERY_CODE).tolist() == [alaw_level(code) for code in EVERY_CODE]


def test_ulaw_codes_survive_a_round_trip() -> None:
    again = pcm_to_ulaw(ulaw_to_pcm(EVERY_CODE))
    # Two codes mean zero; the encoder knows one of them.
    assert again == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_alaw_codes_survive_a_round_trip() -> None:
    assert pcm_to_alaw(alaw_to_pcm(EVERY_CODE)) == EVERY_CODE


@pytest.mark.parametrize(
    ("to_bytes", "to_pcm", "bits_dropped"),
    [(pcm_to_ulaw, ulaw_to_pcm, 2), (pcm_to_alaw, alaw_to_pcm, 3)],
)
def test_every_sample_lands_within_half_a_step(
    to_bytes: Callable[[Samples], bytes], to_pcm: Callable[[bytes], Samples], bits_dropped: int
) -> None:
    """All 65,536: off by at most half of the wider step beside the level it was given."""
    levels = np.unique(to_pcm(EVERY_CODE).astype(int))
    steps = np.diff(levels)
    widest = np.maximum(np.append(steps, 0), np.append(0, steps))
    decoded = to_pcm(to_bytes(EVERY_SAMPLE)).astype(int)
    wanted = np.clip(EVERY_SAMPLE.astype(int), levels[0], levels[-1])
    half = widest[np.searchsorted(levels, decoded)] / 2
    # G.711 starts from 14 bits (µ-law) or 13 (A-law): what is below them is dropped first.
    assert np.all(np.abs(decoded - wanted) <= half + 2**bits_dropped - 1)
    assert np.all(np.diff(decoded) >= 0)


def test_encoders_take_a_channel_of_interleaved_samples() -> None:
    stereo = np.array([[1000, -2000], [3000, -4000]], np.int16)
    assert pcm_to_ulaw(stereo[:, 1]) == pcm_to_ulaw(np.array([-2000, -4000], np.int16))


def test_pcm_bytes_are_little_endian() -> None:
    assert pcm_to_bytes(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"
    assert bytes_to_pcm(b"\x01\x00\xfe\xff").tolist() == [1, -2]


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of element size"):
        bytes_to_pcm(b"\x01\x00\xfe")


@given(data=st.binary(max_size=400).filter(lambda data: len(data) % 2 == 0))
def test_decode_and_encode_follow_the_encoding(data: bytes) -> None:
    assert encode(decode(data, Encoding.PCM16), Encoding.PCM16) == data
    assert encode(decode(data, Encoding.ALAW), Encoding.ALAW) == data
    ulaw = encode(decode(data, Encoding.ULAW), Encoding.ULAW)
    assert ulaw == data.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize(
    ("audio", "frame"),
    [
        (ULAW_8K, 160),
        (PCM16_8K, 320),
        (PCM16_16K, 640),
        (AudioFormat(Encoding.PCM16, 8000, 2), 640),
    ],
)
def test_a_20_ms_frame(audio: AudioFormat, frame: int) -> None:
    assert audio.byte_count(20) == frame
    assert audio.duration_ms(frame) == 20.0
    assert len(audio.silence(20)) == frame


def test_byte_count_is_a_whole_number_of_samples() -> None:
    cd = AudioFormat(Encoding.PCM16, 44_100, 2)
    assert cd.frame_bytes == 4
    assert cd.byte_count(0.1) == 4 * 4  # 4.41 samples
    assert cd.byte_count(0.29) == 13 * 4  # 12.789 samples


@pytest.mark.parametrize("encoding", Encoding)
def test_silence_is_the_smallest_level(encoding: Encoding) -> None:
    silence = AudioFormat(encoding, 8000).silence(5)
    samples = decode(silence, encoding)
    assert len(samples) == 40
    assert np.all(np.abs(samples.astype(int)) == (8 if encoding is Encoding.ALAW else 0))


def test_rms_of_known_signals() -> None:
    assert rms_dbfs(np.full(160, -32768, np.int16)) == 0.0
    sine = np.rint(32767 * np.sin(2 * np.pi * np.arange(160) / 16)).astype(np.int16)
    assert rms_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert rms_dbfs((sine / 10).astype(np.int16)) == pytest.approx(-23.01, abs=0.01)


def test_silence_and_nothing_have_no_level() -> None:
    assert rms_dbfs(np.zeros(160, np.int16)) == -math.inf
    assert rms_dbfs(np.zeros(0, np.int16)) == -math.inf
