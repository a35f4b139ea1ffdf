"""Files of every kind read, within limits, and what is none refused."""

from __future__ import annotations

import errno
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from media.audio import PCM16_8K, Samples, pcm_to_ulaw, ulaw_to_pcm
from media.files import write_wav
from media.resample import resample
from providers.audio import reader as reader_module
from providers.audio.reader import AudioReader
from providers.audio.source import Limits, Source
from providers.errors import (
    AudioTooLargeError,
    FileError,
    InvalidAudioError,
    MissingKeyError,
    UnsupportedRateError,
)
from providers.results import Container

from .sounds import CODED, file_of, pitch_hz, tone


def read(reader: AudioReader, rate_hz: int | None = None, *, mix: bool = True) -> Samples:
    with reader:
        return np.concatenate(list(reader.pieces(rate_hz, mix=mix)))


def wav(samples: Samples, rate_hz: int = 16_000) -> bytes:
    file = io.BytesIO()
    write_wav(file, samples, rate_hz)
    return file.getvalue()


@pytest.mark.parametrize("container", CODED)
def test_every_kind_is_read_at_the_rate_wanted(container: Container, tmp_path: Path) -> None:
    path = tmp_path / "misnamed.wav"
    path.write_bytes(file_of(container, 2.5, hz=700))
    reader = AudioReader(path)
    assert reader.info.container == container
    assert reader.info.channels == 1
    samples = read(reader, 8_000)
    assert len(samples) == pytest.approx(20_000, abs=1100)  # codecs pad by a frame
    assert pitch_hz(samples[2000:18_000], 8_000) == pytest.approx(700, abs=1)
    assert np.abs(samples[2000:18_000]).max() == pytest.approx(9000, rel=0.05)


def test_a_telephones_recording_is_read_as_it_is(recordings: Path) -> None:
    path = recordings / "austen_0930.ulaw"
    samples = ulaw_to_pcm(path.read_bytes())
    reader = AudioReader(path)
    assert (reader.info.container, reader.info.duration_ms) == ("raw", 3290)
    assert np.array_equal(read(reader), samples)
    again = read(AudioReader(path), 16_000)
    assert np.array_equal(again, resample(samples, 8_000, 16_000))


def test_pieces_are_about_a_second_long() -> None:
    with AudioReader(wav(tone(3.5))) as reader:
        assert [len(piece) for piece in reader.pieces()] == [16_000, 16_000, 16_000, 8_000]
    with AudioReader(wav(tone(1 + 1 / 16_000))) as reader:
        assert all(len(piece) for piece in reader.pieces(8_000))
    with AudioReader(file_of("mp3", 3.5)) as reader:
        lengths = [len(piece) for piece in reader.pieces()]
    assert lengths[-1] < 16_000 <= min(lengths[:-1]) <= max(lengths[:-1]) < 16_000 + 1152


def test_sides_are_mixed_or_kept_apart() -> None:
    stereo = np.stack((tone(1, hz=300), tone(1, hz=900)), 1)
    sides = read(AudioReader(wav(stereo)), 8_000, mix=False)
    assert sides.shape == (8_000, 2)
    assert [round(pitch_hz(side, 8_000)) for side in sides.T] == [300, 900]
    loud = np.full((160, 2), 32_767, np.int16)
    assert np.array_equal(read(AudioReader(wav(loud))), loud[:, 0])


@pytest.mark.parametrize(("tag", "bits", "scale"), [(3, 32, 1.0), (1, 24, 2**23), (1, 8, None)])
def test_wav_that_media_files_does_not_read_is_decoded(
    tag: int, bits: int, scale: float | None
) -> None:
    half = np.full(1600, 0.5)
    if scale is None:
        body = np.full(1600, 192, np.uint8).tobytes()
    elif tag == 3:
        body = half.astype("<f4").tobytes()
    else:
        body = b"".join(round(v * scale).to_bytes(3, "little") for v in half)
    frame = bits // 8
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, 1, 16_000, 16_000 * frame, frame, bits)
    chunks = fmt + struct.pack("<4sI", b"data", len(body)) + body
    data = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks
    assert set(read(AudioReader(data))) == {16_384}


def test_raw_audio_is_what_it_is_said_to_be() -> None:
    samples = np.arange(-400, 400, dtype=np.int16)
    data = samples.tobytes()
    reader = AudioReader(data, PCM16_8K)
    assert (reader.info.sample_rate_hz, reader.info.duration_ms) == (8_000, 100)
    assert np.array_equal(read(reader), samples)
    assert np.array_equal(read(AudioReader(data + b"\1", PCM16_8K)), samples)
    like_mp3 = b"\xff\xfb\x90\x64" * 100
    assert len(read(AudioReader(like_mp3, name="call.ulaw"))) == 400
    # What begins as a file does is one, whatever its name.
    assert AudioReader(wav(tone(0.1)), name="call.ulaw").info.container == "wav"


def test_a_wav_file_from_a_pipe_claims_more_than_it_has() -> None:
    data = bytearray(wav(tone(0.5)))
    for claimed in (0xFFFFFFFF, 0x7FFFFFFF):
        data[40:44] = struct.pack("<I", claimed)
        assert len(read(AudioReader(bytes(data)))) == 8_000
    data[40:44] = struct.pack("<I", 17_000)
    with pytest.raises(InvalidAudioError, match="should hold 17,000 bytes of audio and holds 16,0"):
        AudioReader(bytes(data))


def test_a_wav_file_whose_writer_died_holds_what_is_there() -> None:
    data = bytearray(wav(tone(0.5)))
    for whole in (0, 36, 0xFFFFFFFF):
        data[4:8], data[40:44] = struct.pack("<I", whole), bytes(4)
        assert len(read(AudioReader(bytes(data)))) == 8_000
    data[4:8] = struct.pack("<I", len(data) - 8)  # what follows is something else
    with pytest.raises(InvalidAudioError, match="holds no audio"):
        read(AudioReader(bytes(data)))


def test_tags_may_be_in_any_encoding() -> None:
    comment = b"ICMT" + struct.pack("<I", 6) + b"Gr\xfc\xdfe\0"  # Latin-1, as RIFF never says
    tags = b"LIST" + struct.pack("<I", 4 + len(comment)) + b"INFO" + comment
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 48_000, 3, 24)
    chunks = tags + fmt + struct.pack("<4sI", b"data", 4_800) + bytes(4_800)
    data = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks
    assert len(read(AudioReader(data))) == 1_600


@pytest.mark.parametrize("container", ["flac", "m4a", "webm"])
def test_a_file_that_is_cut_off_is_refused(container: Container) -> None:
    data = file_of(container, 4)
    with pytest.raises(InvalidAudioError, match=r"cut off|cannot be read"):
        read(AudioReader(data[: len(data) * 2 // 3]))


@pytest.mark.parametrize(
    ("data", "name", "fault"),
    [
        (b"", "a.wav", "a.wav is empty"),
        (b"hello", "", "the audio begins like no audio file that is known; known are wav, flac"),
        (b"hello", "a.flac", "a.flac begins like no audio file that is known and is no flac file"),
        (b"\0" * 99, "a.pcm", "begins like no audio file that is known; .* say the format"),
        (b"fLaC and so on", "", "the audio begins like flac, and cannot be read as such"),
        (wav(np.empty(0, np.int16)), "", "the audio holds no audio"),
        (b"#EXTM3U\nother.mp3", "a.mp3", "is no mp3 file"),
    ],
)
def test_what_is_no_audio_is_refused(data: bytes, name: str, fault: str) -> None:
    with pytest.raises(InvalidAudioError, match=fault):
        read(AudioReader(data, name=name))


@pytest.mark.parametrize("rate_hz", [1_000, 384_000])
def test_odd_rates_are_refused(rate_hz: int) -> None:
    data = bytearray(wav(tone(0.1)))
    data[24:28] = struct.pack("<I", rate_hz)
    with pytest.raises(UnsupportedRateError, match=f"has {rate_hz} samples a second; 4000 to"):
        AudioReader(bytes(data))


def test_what_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(wav(tone(2)))
    with pytest.raises(AudioTooLargeError, match=r"long.wav has 64,044 bytes; at most 64,000"):
        AudioReader(path, limits=Limits(max_bytes=64_000))
    with pytest.raises(AudioTooLargeError, match=r"lasts longer than 1.5 s"):
        AudioReader(path, limits=Limits(max_duration_s=1.5))
    # A file need not say how long it lasts.
    with (
        AudioReader(file_of("mp3", 2), limits=Limits(max_duration_s=1.5)) as reader,
        pytest.raises(AudioTooLargeError),
    ):
        list(reader.pieces())


def test_what_cannot_be_read_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*none.wav: No such file"):
        AudioReader(tmp_path / "none.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path, tmp_path / "pipe.wav"):
        with pytest.raises(FileError, match="is no file; name a file"):
            AudioReader(path)


def test_names_that_no_file_can_have() -> None:
    with pytest.raises(FileError, match="embedded null"):
        AudioReader(Path("a\0b.wav"))
    with pytest.raises(FileError, match="File name too long"):
        AudioReader(Path("a" * 300))


@pytest.mark.parametrize("container", ["wav", "mp3", "flac"])
def test_a_disk_that_fails_while_a_file_is_read(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = file_of(container, 3)
    for good in (0, len(data) // 2):
        disk = FailingDisk(data, good)
        source = Source(disk, "a.wav", len(data))
        monkeypatch.setattr(reader_module, "open_source", lambda *_, source=source: source)
        with pytest.raises(FileError, match=r"cannot read a\.wav: Input/output error"):
            read(AudioReader(data))
        assert disk.closed


class FailingDisk(io.BytesIO):
    """A file of which so many bytes can be read."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self._good = good

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._good:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_without_pyav_plain_files_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    flac = file_of("flac", 0.1)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert len(read(AudioReader(wav(tone(1))))) == 16_000
    assert len(read(AudioReader(pcm_to_ulaw(tone(1, 8_000)), name="a.ulaw"))) == 8_000
    with pytest.raises(MissingKeyError, match=r"pip install 'parley\[files\]'"):
        AudioReader(flac)
