"""Recordings of callers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.phone.clip import ClipError, load_clip
from media.files import write_wav


def test_ulaw_goes_on_the_line_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "all.ulaw"
    file.write_bytes(bytes(range(256)))
    clip = load_clip(file)
    assert (clip.name, clip.audio) == ("all.ulaw", bytes(range(256)))


def test_wav_is_brought_to_the_telephone(tmp_path: Path) -> None:
    file = tmp_path / "stereo.WAV"
    with file.open("wb") as opened:
        write_wav(opened, np.zeros((16_000, 2), np.int16), 16_000)
    assert load_clip(file).audio == b"\xff" * 8_000


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [("a.mp3", b"x", "a.mp3"), ("a.wav", b"x", "a.wav"), ("a.ulaw", b"", "a.ulaw")],
)
def test_what_is_no_recording(tmp_path: Path, name: str, data: bytes, fault: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(ClipError, match=fault):
        load_clip(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"none\.ulaw: No such file"):
        load_clip(tmp_path / "none.ulaw")
