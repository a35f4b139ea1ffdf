"""Files of every kind written, as others read them."""

from __future__ import annotations

import io
import wave
from typing import BinaryIO, cast

import av
import numpy as np
import pytest

from media.audio import ULAW_8K, AudioFormat, Encoding, ulaw_to_pcm
from providers.audio.writer import AudioWriter, Target, suitable_rate
from providers.errors import ConversionError, UnsupportedRateError
from providers.results import Container

from .sounds import CODED, pcm, pitch_hz, tone


@pytest.mark.parametrize("container", CODED)
@pytest.mark.parametrize("channels", [1, 2])
def test_ffmpeg_reads_what_was_written(container: Container, channels: int) -> None:
    rate_hz = suitable_rate(container, 22_050)
    file = io.BytesIO()
    writer = AudioWriter(file, Target(container, pcm(rate_hz, channels)))
    sound = tone(1.5, rate_hz, hz=500)
    for half in np.array_split(sound if channels == 1 else np.stack((sound, sound // 2), 1), 7):
        writer.write(half)
    writer.close()
    assert writer.duration_ms == pytest.approx(1500, abs=0.1)
    with av.open(io.BytesIO(file.getvalue()), "r") as read:
        frames = [np.atleast_2d(frame.to_ndarray()) for frame in read.decode(audio=0)]
        stream = read.streams.audio[0]
        assert (stream.channels, stream.rate) == (channels, 48_000 if rate_hz == 24_000 else 22_050)
        packed = not stream.format.is_planar
    samples = np.concatenate(frames, 1).reshape(-1, channels).T if packed else np.hstack(frames)
    assert len(samples) == channels
    assert samples.shape[1] / stream.rate == pytest.approx(1.5, abs=0.1)
    left = np.asarray(samples[0][4000:28_000], np.float64)
    assert pitch_hz(left, stream.rate) == pytest.approx(500, abs=2)


def test_wav_and_raw_need_no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    sound = tone(0.5, 8_000)
    file = io.BytesIO()
    writer = AudioWriter(file, Target("wav", pcm(8_000)))
    writer.write(sound[:1000])
    writer.write(sound[1000:])
    writer.close()
    with wave.open(io.BytesIO(file.getvalue())) as read:
        assert (read.getframerate(), read.getnchannels(), read.getnframes()) == (8_000, 1, 4_000)
        assert read.readframes(4_000) == sound.tobytes()
    file = io.BytesIO()
    writer = AudioWriter(file, Target("raw", ULAW_8K))
    writer.write(sound)
    writer.close()
    assert np.abs(ulaw_to_pcm(file.getvalue()) - sound).max() < 300


@pytest.mark.parametrize(
    ("container", "rate_hz", "suitable_hz"),
    [
        ("wav", 11_025, 11_025),
        ("flac", 96_000, 96_000),
        ("raw", 8_000, 8_000),
        ("mp3", 8_000, 8_000),
        ("mp3", 10_000, 11_025),
        ("aac", 96_000, 48_000),
        ("ogg", 22_050, 24_000),
        ("webm", 44_100, 48_000),
    ],
)
def test_the_rate_that_loses_least(container: Container, rate_hz: int, suitable_hz: int) -> None:
    assert suitable_rate(container, rate_hz) == suitable_hz


def test_what_cannot_be_written_is_said_before() -> None:
    with pytest.raises(UnsupportedRateError, match=r"not written with 22050 .*; choose of 80"):
        Target("ogg", pcm(22_050))
    with pytest.raises(UnsupportedRateError, match=r"1000 samples .*; 4000 to 192000 are"):
        Target("wav", pcm(1_000))
    with pytest.raises(ConversionError, match="mp3 is not written with mulaw samples"):
        Target("mp3", ULAW_8K)
    with pytest.raises(ConversionError, match="6 channels are not written"):
        Target("flac", AudioFormat(Encoding.PCM16, 8_000, 6))


class FullDisk(io.BytesIO):
    """A disk with room for 30 kB."""

    def write(self, data: object, /) -> int:
        if self.tell() + len(cast(bytes, data)) > 30_000:
            raise OSError(28, "No space left on device")
        return super().write(cast(bytes, data))


@pytest.mark.parametrize("container", ["wav", "flac", "mp3"])
def test_a_full_disk_is_the_disks_error(container: Container) -> None:
    writer = AudioWriter(cast(BinaryIO, FullDisk()), Target(container, pcm(16_000)))
    with pytest.raises(OSError, match="No space"):
        writer.write(tone(100))


def test_nothing_is_added_to_what_is_complete() -> None:
    writer = AudioWriter(io.BytesIO(), Target("mp3", pcm(16_000)))
    writer.write(tone(1))
    writer.close()
    with pytest.raises(ConversionError, match="encoding failed: End of file"):
        writer.write(tone(1))
