"""Audio files read and written, files that are none, and the recording of a call."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import Samples, alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from media.files import AudioFileError, StereoRecorder, read_audio, read_wav, write_wav
from media.resample import resample

RAMP = np.arange(-400, 400, dtype=np.int16) * 40


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def fmt(tag: int = 1, channels: int = 1, rate_hz: int = 8000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    return chunk(
        b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    )


def wav_bytes(samples: Samples, rate_hz: int) -> bytes:
    file = io.BytesIO()
    write_wav(file, samples, rate_hz)
    return file.getvalue()


# Reading


def test_ulaw_is_read_from_bytes_and_from_a_file() -> None:
    data = pcm_to_ulaw(RAMP)
    assert np.array_equal(read_audio(data, "x.ulaw"), ulaw_to_pcm(data))
    assert np.array_equal(read_audio(io.BytesIO(data), "X.UL"), ulaw_to_pcm(data))


def test_a_recording_is_read_at_the_rate_wanted(recordings: Path) -> None:
    path = recordings / "card_ten_of_clubs.ulaw"
    with path.open("rb") as file:
        samples = read_audio(file, path.name, 16_000)
    assert len(samples) == 2 * path.stat().st_size
    assert np.array_equal(samples, resample(ulaw_to_pcm(path.read_bytes()), 8000, 16_000))


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 48_000])
def test_wav_of_any_rate_becomes_8_khz(rate_hz: int) -> None:
    tone = np.rint(9000 * np.sin(2 * np.pi * 500 * np.arange(rate_hz) / rate_hz)).astype(np.int16)
    samples = read_audio(wav_bytes(tone, rate_hz), "tone.wav")
    assert len(samples) == 8000
    expected = 9000 * np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    assert np.abs(samples - expected)[400:-400].max() < 20


def test_a_stereo_file_is_mixed_without_overflow() -> None:
    stereo = np.array([[32767, 32767], [-32768, -32768], [100, 300]], np.int16)
    assert read_audio(wav_bytes(stereo, 8000), "both.wav").tolist() == [32767, -32768, 200]


@pytest.mark.parametrize(
    ("tag", "encoded", "expected"),
    [
        (6, pcm_to_alaw(RAMP), alaw_to_pcm(pcm_to_alaw(RAMP))),
        (7, pcm_to_ulaw(RAMP), ulaw_to_pcm(pcm_to_ulaw(RAMP))),
    ],
)
def test_g711_in_wav(tag: int, encoded: bytes, expected: Samples) -> None:
    wav = read_wav(riff(fmt(tag, bits=8), chunk(b"fact", b"\0\0\0\0"), chunk(b"data", encoded)))
    assert np.array_equal(wav.samples[:, 0], expected)
    wav = read_wav(riff(fmt(tag, channels=2, bits=8), chunk(b"data", encoded)))
    assert np.array_equal(wav.samples, expected.reshape(-1, 2))


def test_the_extensible_format_holds_the_true_one() -> None:
    extension = struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    body = fmt(0xFFFE)[8:] + extension
    wav = read_wav(riff(chunk(b"fmt ", body), chunk(b"data", b"\x01\x00")))
    assert wav.samples.tolist() == [[1]]


def test_other_chunks_are_skipped_odd_ones_too() -> None:
    wav = read_wav(riff(chunk(b"LIST", b"abc"), fmt(rate_hz=11_025), chunk(b"data", b"\2\0\3\0")))
    assert wav.samples.tolist() == [[2], [3]]
    assert wav.sample_rate_hz == 11_025


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF, 100, 0])
def test_data_that_claims_too_much_ends_with_the_file(claimed: int) -> None:
    data = riff(fmt(channels=2)) + struct.pack("<4sI", b"data", claimed) + b"\1\0\2\0\3\0"
    assert read_wav(data).samples.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "it does not begin as a WAV file does"),
        (b"ID3\4 an mp3 file's first bytes", "it does not begin as a WAV file does"),
        (riff(), "it ends before its data"),
        (riff(fmt()), "it ends before its data"),
        (riff(chunk(b"data", b"\0\0"), fmt()), "its data comes before its format"),
        (riff(chunk(b"fmt ", b"\1\0")), "its format takes 2 bytes instead of at least 16"),
        (riff(fmt(3, bits=32)), "its samples have 32 bits of format 3"),
        (riff(fmt(0xFFFE)), "its samples have 16 bits of format 65534"),
        (riff(fmt(1, bits=8)), "its samples have 8 bits of format 1"),
        (riff(fmt(channels=6)), "it has 6 channels"),
        (riff(fmt(channels=0)), "it has 0 channels"),
        (riff(fmt(rate_hz=0)), "its sample rate is 0 Hz"),
        (riff(fmt(), chunk(b"data", b"")), "it holds no audio"),
        (riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO")), "it holds no audio"),
    ],
)
def test_a_bad_wav_says_what_it_held_and_what_is_accepted(data: bytes, found: str) -> None:
    with pytest.raises(AudioFileError) as caught:
        read_audio(data, "prompt.wav")
    assert caught.value.found == found
    assert caught.value.name == "prompt.wav"
    assert str(caught.value).startswith(f"prompt.wav: {found}; accepted are WAV (16-bit PCM, ")


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("song.mp3", b"\xff\xfb", "its name ends in neither .wav nor .ulaw"),
        ("wav", b"", "it does not begin as a WAV file does"),
        ("a.ulaw", b"", "it holds no audio"),
        ("a.ulaw", b"RIFF....WAVE", "it is named .ulaw but begins as a WAV file does"),
    ],
)
def test_a_bad_name_or_content_is_refused(name: str, data: bytes, found: str) -> None:
    with pytest.raises(AudioFileError) as caught:
        read_audio(data, name)
    assert caught.value.found == found


def test_an_error_without_a_name() -> None:
    with pytest.raises(AudioFileError, match=r"^audio file: it does not begin"):
        read_wav(b"")


@given(data=st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for source in (data, riff(data), riff(fmt(), data)):
        try:
            wav = read_wav(source)
        except AudioFileError:
            continue
        assert wav.samples.shape[1] in (1, 2)


# Writing


@pytest.mark.parametrize("channels", [1, 2])
def test_a_written_wav_is_read_by_others(channels: int) -> None:
    samples = RAMP if channels == 1 else RAMP.reshape(-1, 2)
    data = wav_bytes(samples, 16_000)
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnchannels() == channels
        assert (file.getframerate(), file.getsampwidth()) == (16_000, 2)
        assert file.readframes(10_000) == RAMP.tobytes()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert np.array_equal(read_wav(data).samples, samples.reshape(-1, channels))


# Recording


def recorded(file: io.BytesIO) -> Samples:
    """What a player finds, checked by the standard library's reader."""
    data = file.getvalue()
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, 8000)
        frames = reader.readframes(reader.getnframes())
        assert len(frames) == 4 * reader.getnframes()
    return np.frombuffer(frames, np.int16).reshape(-1, 2)


def voice(count: int, seed: int) -> Samples:
    return np.random.default_rng(seed).integers(-3000, 3000, count).astype(np.int16)


def test_each_side_stands_at_its_place() -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    left, right = voice(800, 1), voice(160, 2)
    recorder.write_left(left, 0)
    recorder.write_right(right, 50)
    recorder.write_left(left[:80], 200)
    recorder.close()
    sound = recorded(file)
    assert len(sound) == 1680
    assert np.array_equal(sound[:800, 0], left)
    assert not sound[800:1600, 0].any()
    assert np.array_equal(sound[1600:, 0], left[:80])
    assert np.array_equal(sound[400:560, 1], right)
    assert not sound[560:, 1].any()
    assert recorder.late_samples == 0
    assert not file.closed


def test_a_long_call_is_streamed_and_whole() -> None:
    """A minute in frames of 20 ms; the bot's pieces come up to 1.5 s late, and long ones."""
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    left, right = voice(480_000, 3), voice(480_000, 4)
    for start in range(0, 480_000, 160):
        recorder.write_left(left[start : start + 160], start / 8)
        if start % 12_000 == 0:
            recorder.write_right(right[start - 12_000 : start], (start - 12_000) / 8)
            held = start - (len(file.getvalue()) - 44) // 4
            assert held <= 40_000
    recorder.write_right(right[468_000:], 468_000 / 8)
    recorder.close()
    sound = recorded(file)
    assert np.array_equal(sound[:, 0], left)
    assert np.array_equal(sound[:, 1], right)


def test_the_file_is_valid_at_every_moment() -> None:
    class Watched(io.BytesIO):
        def write(self, data: object, /) -> int:
            count = super().write(data)  # type: ignore[arg-type]
            sizes.append(len(recorded(self)))
            return count

    sizes: list[int] = []
    recorder = StereoRecorder(Watched())
    for start in range(0, 80_000, 160):
        recorder.write_left(voice(160, 5), start / 8)
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 80_000 - 40_000


def test_a_long_piece_at_once_is_whole() -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    left = voice(100_000, 6)
    recorder.write_left(left, 1000)
    recorder.close()
    sound = recorded(file)
    assert not sound[:8000].any()
    assert np.array_equal(sound[8000:, 0], left)


def test_a_long_gap_is_silence() -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    recorder.write_left(voice(160, 7), 0)
    recorder.write_right(voice(160, 8), 60_000)
    recorder.close()
    sound = recorded(file)
    assert len(sound) == 480_160
    assert np.array_equal(sound[:160, 0], voice(160, 7))
    assert not sound[160:480_000].any()
    assert np.array_equal(sound[480_000:, 1], voice(160, 8))


def test_what_comes_too_late_is_counted_and_the_rest_kept() -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    for start in range(0, 56_000, 160):
        recorder.write_left(voice(160, 9), start / 8)
    gone = len(recorded(file))
    assert gone >= 56_000 - 40_000
    recorder.write_right(voice(160, 10), 0)
    assert recorder.late_samples == 160
    recorder.write_right(voice(160, 11), (gone - 60) / 8)
    assert recorder.late_samples == 220
    recorder.close()
    sound = recorded(file)
    assert not sound[:gone, 1].any()
    assert np.array_equal(sound[gone : gone + 100, 1], voice(160, 11)[60:])


def test_the_second_writing_wins() -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    recorder.write_right(voice(1600, 12), 0)
    recorder.write_right(np.zeros(800, np.int16), 100)
    recorder.close()
    sound = recorded(file)[:, 1]
    assert np.array_equal(sound[:800], voice(1600, 12)[:800])
    assert not sound[800:].any()


def test_a_recording_of_nothing_is_an_empty_file() -> None:
    file = io.BytesIO()
    StereoRecorder(file).close()
    assert len(recorded(file)) == 0


@given(
    pieces=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2000), st.integers(0, 300)), max_size=20
    )
)
def test_any_order_within_the_horizon_gives_what_was_written(
    pieces: list[tuple[bool, int, int]],
) -> None:
    file = io.BytesIO()
    recorder = StereoRecorder(file)
    expected = np.zeros((20_000, 2), np.int16)
    end = 0
    for number, (right, at_ms, count) in enumerate(pieces):
        samples = voice(count, number)
        (recorder.write_right if right else recorder.write_left)(samples, at_ms)
        expected[at_ms * 8 : at_ms * 8 + count, int(right)] = samples
        end = max(end, at_ms * 8 + count) if count else end
    recorder.close()
    assert np.array_equal(recorded(file), expected[:end])
