"""Recordings that an oracle can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.audio import PCM16_16K, AudioFormat, Encoding

from .recordings import recorded_script
from .script import Script, spread, words_of


def test_recordings_are_joined(recordings: Path) -> None:
    script = recorded_script(recordings)
    assert len(script.audio) >= 60_000 * 8
    assert script.text.startswith("go forward ten meters go somewhere")
    assert len(script.words) == len(script.text.split()) > 60
    for word in script.words:
        assert word.end_ms - word.start_ms >= 50


def test_a_folder_without_speech_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match=r"no \.ulaw file"):
        recorded_script(tmp_path)


def test_a_script_is_in_order(script: Script) -> None:
    words = spread(words_of("Hello there"), 100, 500)
    with pytest.raises(ValueError, match="out of order"):
        Script(script.audio, script.format, words[::-1])
    with pytest.raises(ValueError, match="out of the recording"):
        Script(script.audio[:3_000], script.format, words)


def test_a_recording_is_known_in_few_formats(script: Script) -> None:
    wide = script.audio_in(PCM16_16K)
    assert len(wide) == 4 * len(script.audio)
    assert script.audio_in(script.format) == script.audio
    with pytest.raises(ValueError, match="not known"):
        script.audio_in(AudioFormat(Encoding.ALAW, 8_000))
