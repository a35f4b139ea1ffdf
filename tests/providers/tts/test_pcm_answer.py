from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Sequence

import numpy as np
import pytest

from media.audio import Samples, bytes_to_pcm, pcm_to_bytes, pcm_to_ulaw, ulaw_to_pcm
from media.files import wav_header, write_wav
from providers.errors import InvalidResponseError, UnsupportedFormatError
from providers.tts.pcm_answer import PcmAnswer
from providers.tts.wav_head import MOST_HEADER_BYTES

RATE_HZ = 24_000


def tone(rate_hz: int, seconds: float = 0.5) -> Samples:
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    samples: Samples = np.rint(8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    return samples


def wav(samples: Samples, rate_hz: int) -> bytes:
    file = io.BytesIO()
    write_wav(file, samples, rate_hz)
    return file.getvalue()


def heard(answer: bytes, cuts: Sequence[int] = ()) -> bytes:
    """What is read of an answer that comes in pieces."""
    read = PcmAnswer("openai", RATE_HZ)
    edges = [0, *cuts, len(answer)]
    pieces = [answer[begin:end] for begin, end in itertools.pairwise(edges)]
    return b"".join(read(piece) for piece in [*pieces, b""])


@pytest.mark.parametrize("cuts", [(), (1,), (5, 11), (13, 101), range(1, 40)])
def test_samples_without_a_header_are_as_they_are(cuts: Sequence[int]) -> None:
    samples = pcm_to_bytes(tone(RATE_HZ))
    assert heard(samples, cuts) == samples


def test_an_answer_may_be_very_short() -> None:
    assert heard(b"\x00\x01") == b"\x00\x01"
    assert heard(b"\xff\xfb") == b"\xff\xfb"
    assert heard(b"") == b""


@pytest.mark.parametrize("cuts", [(), (3,), (13, 44), (40, 47, 1001), range(1, 60)])
def test_a_wav_file_has_its_header_left_out(cuts: Sequence[int]) -> None:
    samples = tone(RATE_HZ)
    assert heard(wav(samples, RATE_HZ), cuts) == pcm_to_bytes(samples)


def test_a_wav_file_whose_writer_did_not_know_its_length() -> None:
    samples = pcm_to_bytes(tone(RATE_HZ))
    header = bytearray(wav_header(0, RATE_HZ, 1))
    header[4:8] = header[40:44] = b"\xff" * 4
    assert heard(bytes(header) + samples, (20, 60)) == samples


def test_what_comes_behind_the_data_is_no_sound() -> None:
    samples = tone(RATE_HZ)
    made_by = b"LIST" + struct.pack("<I", 8) + b"INFOISFT"
    whole = wav(samples, RATE_HZ) + made_by
    assert heard(whole, (len(whole) - 3,)) == pcm_to_bytes(samples)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050])
def test_a_wav_file_may_have_another_rate(rate_hz: int) -> None:
    got = bytes_to_pcm(heard(wav(tone(rate_hz), rate_hz), range(100, 20_000, 999)))
    wanted = tone(RATE_HZ)
    assert abs(len(got) - len(wanted)) <= 2
    size = min(len(got), len(wanted))
    middle = slice(1_000, size - 1_000)
    assert np.max(np.abs(got[middle].astype(int) - wanted[middle])) < 200


def test_a_wav_file_may_have_two_sides() -> None:
    left = tone(RATE_HZ)
    got = bytes_to_pcm(heard(wav(np.stack((left, np.zeros_like(left)), axis=1), RATE_HZ), (45,)))
    assert np.max(np.abs(got.astype(int) - left // 2)) <= 1


def test_a_wav_file_may_be_ulaw() -> None:
    ulaw = pcm_to_ulaw(tone(RATE_HZ))
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(ulaw), b"WAVE", b"fmt ", 16, 7, 1, RATE_HZ, RATE_HZ, 1, 8),
        *(b"data", len(ulaw)),
    )
    assert heard(header + ulaw) == pcm_to_bytes(ulaw_to_pcm(ulaw))


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", "MP3"),
        (b"\xff\xfb\x90\x64" + bytes(20), "MP3"),
        (b"\xff\xf3\x84\xc4" + bytes(20), "MP3"),
        (b"\xff\xf1\x50\x80" + bytes(20), "AAC"),
        (b"OggS" + bytes(20), "Ogg"),
        (b"fLaC" + bytes(20), "FLAC"),
    ],
)
def test_other_audio_is_refused(begin: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=kind):
        heard(begin, (2,))


@pytest.mark.parametrize(
    "begin",
    [
        b"\xff\xff\x00\x00",  # -1
        b"\xff\xff\x14\x00",  # -1, 20: layer I
        b"\xff\xfe\x2c\x01",  # -257, 300
        b"\xff\xfd\x2c\x01",  # -513, 300: layer II
        b"\xff\xfb\xf0\x00",  # no such bitrate
        b"\xff\xfb\x9c\x00",  # no such rate
        b"\xff\xe8\x90\x00",  # no such version
        b"\xff\xe0\x90\x00",  # AAC has another version
        b"\xfe\xff\x90\x00",
    ],
)
def test_samples_are_not_taken_for_other_audio(begin: bytes) -> None:
    samples = begin + bytes(20)
    assert heard(samples) == samples


def test_soft_noise_is_not_taken_for_other_audio() -> None:
    """Most texts begin with it."""
    noise = np.random.default_rng(1)
    for size in (3, 10, 30, 100, 200):
        for row in np.rint(noise.normal(0, size, (1_000, 12))).astype(np.int16):
            samples = pcm_to_bytes(row)
            assert heard(samples) == samples


@pytest.mark.parametrize(
    "answer",
    [
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\x00\x00\x00\x00AVI data\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WAVE" + bytes(MOST_HEADER_BYTES),
    ],
)
def test_a_wav_file_that_cannot_be_read(answer: bytes) -> None:
    with pytest.raises(InvalidResponseError, match="WAV"):
        heard(answer)
