"""Files that are damaged, or made to do harm."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from media.audio import Samples
from providers.audio.reader import AudioReader
from providers.audio.source import Limits
from providers.audio.writer import AudioWriter, Target
from providers.errors import AudioTooLargeError, InvalidAudioError
from providers.results import Container

from .sounds import CODED, file_of, pcm, tone


def read(data: bytes, name: str = "") -> Samples:
    with AudioReader(data, name=name) as reader:
        return np.concatenate(list(reader.pieces()))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A file with bits flipped, bytes put in or over others, or its end gone."""
    what = bytearray(data)
    match chance.randrange(4):
        case 0:
            del what[chance.randrange(len(what)) :]
        case 1:
            for _ in range(chance.choice((1, 5, 50))):
                what[chance.randrange(len(what))] ^= 1 << chance.randrange(8)
        case 2:
            for _ in range(chance.choice((1, 3, 8))):
                what[chance.randrange(min(len(what), 600))] = chance.randrange(256)
        case _:
            place = chance.randrange(len(what))
            what[place:place] = chance.randbytes(chance.randrange(2000))
    return bytes(what)


@pytest.mark.parametrize("container", ["wav", *CODED])
def test_damage_gives_audio_or_a_clear_error(
    container: Container, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(container)
    good = file_of(container)
    refused = 0
    for _ in range(60):
        try:
            assert read(damaged(good, chance)).size
        except InvalidAudioError:
            refused += 1
    assert refused or container == "mp3"  # whose frames stand for themselves
    assert capfd.readouterr() == ("", "")


def test_a_player_goes_on_over_junk_and_so_is_done_here() -> None:
    good = file_of("mp3", 2)
    junk = good[: len(good) // 2] + bytes(500) + good[len(good) // 2 :] + b"TAG" + b"junk" * 40
    assert len(read(junk)) == pytest.approx(32_000, abs=3 * 1152)


def test_a_small_file_may_hold_hours() -> None:
    file = io.BytesIO()
    writer = AudioWriter(file, Target("flac", pcm(8_000)))
    for _ in range(40):
        writer.write(np.zeros(8_000 * 30, np.int16))
    writer.close()
    long = bytearray(file.getvalue())
    assert len(long) < 300_000
    with pytest.raises(AudioTooLargeError):
        AudioReader(bytes(long), limits=Limits(max_duration_s=900))
    long[21] &= 0xF0  # "the number of samples is not known"
    long[22:26] = bytes(4)
    with AudioReader(bytes(long), limits=Limits(max_duration_s=100)) as reader:
        assert reader.info.duration_ms is None
        pieces = reader.pieces()
        for _ in range(95):
            assert len(next(pieces)) < 16_000
        with pytest.raises(AudioTooLargeError):
            list(pieces)


def test_pictures_are_no_audio() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        stream = output.add_stream("libvpx", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        output.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        output.mux(stream.encode(None))
    with pytest.raises(InvalidAudioError, match="the audio holds no audio"):
        read(file.getvalue())


@pytest.mark.parametrize("late_s", [0, 3])
@pytest.mark.parametrize(
    ("container", "pictures", "sound"), [("mp4", "mpeg4", "aac"), ("webm", "libvpx", "libopus")]
)
def test_a_film_may_last_longer_than_what_is_heard(
    container: str, pictures: str, sound: str, late_s: int
) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        size: dict[str, Any] = {"width": 16, "height": 16, "pix_fmt": "yuv420p"}
        video: Any = output.add_stream(pictures, rate=1, **size)
        audio: Any = output.add_stream(sound, rate=48_000, layout="mono")
        for _ in range(9):
            output.mux(video.encode(av.VideoFrame(16, 16, "yuv420p")))
        output.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(tone(5, 48_000)[None], "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, late_s * 48_000
        output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    with AudioReader(file.getvalue(), limits=Limits(max_duration_s=8.5)) as reader:
        told_ms = reader.info.duration_ms
        samples = np.concatenate(list(reader.pieces()))
    assert told_ms is None or told_ms == pytest.approx((late_s + 5) * 1000, abs=50)
    assert len(samples) == pytest.approx((late_s + 5) * 48_000, abs=2_400)
    assert np.flatnonzero(np.abs(samples) > 3_000)[0] == pytest.approx(late_s * 48_000, abs=2_400)


def test_a_codec_that_nobody_knows() -> None:
    with pytest.raises(InvalidAudioError, match="nobody here can decode"):
        read(file_of("webm").replace(b"A_OPUS", b"A_PAST"))


def test_more_channels_than_ears() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("pcm_s24le", rate=8_000, layout="hexadecagonal")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), "s16", "hexadecagonal")
        frame.sample_rate = 8_000
        output.mux(stream.encode(frame))
    with pytest.raises(InvalidAudioError, match="has 16 channels"):
        read(file.getvalue())


def test_a_stream_that_changes_midway() -> None:
    with pytest.raises(InvalidAudioError, match="changes its format midway"):
        read(file_of("aac") + _stereo_aac())


def _stereo_aac() -> bytes:
    file = io.BytesIO()
    writer = AudioWriter(file, Target("aac", pcm(16_000, 2)))
    writer.write(np.stack((tone(1), tone(1)), 1))
    writer.close()
    return file.getvalue()


def test_no_file_that_a_file_names_is_opened(tmp_path: Path) -> None:
    other = tmp_path / "other.mp3"
    other.write_bytes(file_of("mp3"))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n".encode()
    for head in (b"", b"ID3\x04\x00\x00\x00\x00\x00\x00"):
        with pytest.raises(InvalidAudioError):
            read(head + playlist, "list.mp3")
