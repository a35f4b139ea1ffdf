"""Audio files made into others, on an event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from media.audio import PCM16_8K, Encoding, ulaw_to_pcm
from providers.audio import own_thread
from providers.audio.convert import convert_file, encode_samples
from providers.audio.opened import open_audio
from providers.audio.reader import AudioReader
from providers.audio.source import Limits
from providers.audio.writer import Target
from providers.errors import (
    AudioTooLargeError,
    DeadlineError,
    FileError,
    InvalidAudioError,
    UnsupportedFormatError,
    UnsupportedRateError,
)
from providers.results import Container

from .sounds import file_of, pcm, pitch_hz, tone


def audio_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("parley-audio")]


async def assert_threads_end() -> None:
    for thread in audio_threads():
        await asyncio.to_thread(thread.join, 5)
    assert not audio_threads()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("name", "container", "rate_hz"),
    [
        ("a.wav", "wav", 16_000),
        ("a.flac", "flac", 16_000),
        ("a.mp3", "mp3", 16_000),
        ("a.mp4", "m4a", 16_000),
        ("a.aac", "aac", 16_000),
        ("a.opus", "ogg", 48_000),
        ("a.webm", "webm", 48_000),
    ],
)
async def test_a_name_says_what_is_wanted(
    tmp_path: Path, name: str, container: Container, rate_hz: int
) -> None:
    to = tmp_path / name
    assert await convert_file(file_of("flac", 1.5), to) == 1500
    with AudioReader(to) as reader:
        assert (reader.info.container, reader.info.sample_rate_hz) == (container, rate_hz)
        samples = np.concatenate(list(reader.pieces()))
    assert pitch_hz(samples[:rate_hz], rate_hz) == pytest.approx(440, abs=2)
    assert names(tmp_path) == [name]


async def test_a_telephones_formats(tmp_path: Path) -> None:
    source, to = tmp_path / "a.pcm", tmp_path / "a.ulaw"
    source.write_bytes(tone(1, 16_000).tobytes())
    assert await convert_file(source, to, format=pcm(16_000)) == 1000
    assert pitch_hz(ulaw_to_pcm(to.read_bytes()), 8_000) == 440
    await convert_file(source, tmp_path / "b.pcm", format=pcm(16_000), rate_hz=24_000)
    assert (tmp_path / "b.pcm").stat().st_size == 48_000
    await convert_file(to, tmp_path / "x", container="wav", rate_hz=11_025)
    with AudioReader(tmp_path / "x") as reader:
        assert reader.info.sample_rate_hz == 11_025


async def test_two_sides_stay_two_unless_they_are_to_be_mixed(tmp_path: Path) -> None:
    stereo = np.stack((tone(1), tone(1, hz=880)), 1)
    data = await encode_samples(stereo, Target("flac", pcm(16_000, 2)))
    for mix, channels in ((False, 2), (True, 1)):
        await convert_file(data, tmp_path / "a.wav", mix=mix)
        with AudioReader(tmp_path / "a.wav") as reader:
            assert reader.info.channels == channels
    six = np.stack([tone(1)] * 6, 1).tobytes()
    await convert_file(six, tmp_path / "b.wav", format=pcm(16_000, 6))
    with AudioReader(tmp_path / "b.wav") as reader:
        assert reader.info.channels == 1


async def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    to = tmp_path / "a.mp3"
    to.write_bytes(b"what was there")
    flac = file_of("flac", 4)
    with pytest.raises(InvalidAudioError, match="cut off"):
        await convert_file(flac[: len(flac) // 2], to)
    with pytest.raises(AudioTooLargeError):
        await convert_file(flac, to, limits=Limits(max_duration_s=2))
    with pytest.raises(UnsupportedRateError):
        await convert_file(flac, to, rate_hz=10_000)
    assert names(tmp_path) == ["a.mp3"]
    assert to.read_bytes() == b"what was there"
    await assert_threads_end()


async def test_two_may_be_written_to_one_name(tmp_path: Path) -> None:
    to = tmp_path / "a.wav"
    mine = tmp_path / ".a.wav.part"
    mine.write_bytes(b"somebody else's")
    lengths_ms = await asyncio.gather(
        *(convert_file(file_of("flac", seconds), to) for seconds in (4, 6))
    )
    assert lengths_ms == [4_000, 6_000]
    with AudioReader(to) as reader:
        assert reader.info.duration_ms in lengths_ms
        assert sum(map(len, reader.pieces())) == reader.info.duration_ms * 16
    assert sorted(names(tmp_path)) == [".a.wav.part", "a.wav"]
    assert mine.read_bytes() == b"somebody else's"


async def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot write .*/a.wav: No such file or directory"):
        await convert_file(file_of("flac"), tmp_path / "none" / "a.wav")
    with pytest.raises(UnsupportedFormatError, match=r"the name a.doc says no format; .* .wav"):
        await convert_file(file_of("flac"), tmp_path / "a.doc")


async def test_samples_become_a_file_in_memory() -> None:
    data = await encode_samples(tone(2.5), Target("mp3", pcm(16_000)))
    with AudioReader(data) as reader:
        assert reader.info.container == "mp3"
        assert sum(map(len, reader.pieces())) == pytest.approx(40_000, abs=1152)
    raw = Target("raw", PCM16_8K)
    assert raw.format.encoding is Encoding.PCM16
    assert await encode_samples(tone(0.5, 8_000), raw) == tone(0.5, 8_000).tobytes()


async def test_a_file_is_read_in_a_thread_of_its_own() -> None:
    async with open_audio(file_of("ogg", 2)) as audio:
        assert audio.info.container == "ogg"
        lengths = [len(piece) async for piece in audio.pieces(16_000)]
        assert len(audio_threads()) == 1
    assert sum(lengths) == 32_000
    await assert_threads_end()


async def test_reading_may_be_left_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(file_of("flac", 3))

    async def read() -> None:
        async with open_audio(path) as audio:
            async for _ in audio.pieces():
                started.set()
                await asyncio.Event().wait()

    started = asyncio.Event()
    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await assert_threads_end()
    with pytest.raises(FileError):
        async with open_audio(tmp_path / "none.wav"):
            pass
    await assert_threads_end()


async def test_a_disk_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_thread, "STEP_S", 0.01)
    answered = threading.Event()
    thread = own_thread.OwnThread()
    with pytest.raises(DeadlineError, match="nothing was read or written"):
        await thread.do(answered.wait)
    answered.set()
    closed = threading.Event()
    await thread.aclose(closed.set)
    assert await asyncio.to_thread(closed.wait, 5)
