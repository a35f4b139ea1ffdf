"""The files of a call."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from bot.phone.artifacts import stereo, write_artifacts
from bot.phone.report import call_report
from bot.phone.tape import Tape
from media.audio import ulaw_to_pcm
from media.files import read_wav

from .results import finished_call


def test_all_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = finished_call()
    artifacts, notes = write_artifacts(result, tmp_path / "new" / "folder")
    assert notes == []
    assert artifacts.recording is not None
    assert artifacts.transcript is not None
    assert artifacts.timeline is not None
    assert artifacts.report is not None
    wav = read_wav(artifacts.recording.read_bytes())
    assert wav.sample_rate_hz == 8_000
    left, right = wav.samples.T
    assert np.array_equal(left, ulaw_to_pcm(bytes(result.tape.caller)))
    assert np.array_equal(right, ulaw_to_pcm(bytes(result.tape.bot)))
    assert "Good day, what can I do?  [heard: Good day]" in artifacts.transcript.read_text()
    assert orjson.loads(artifacts.report.read_bytes()) == call_report(result, artifacts)


def test_without_matplotlib_there_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    artifacts, notes = write_artifacts(finished_call(), tmp_path)
    assert artifacts.timeline is None
    assert artifacts.recording == tmp_path / "recording.wav"
    assert "parley[picture]" in notes[0]


def test_sides_of_different_length_end_in_silence() -> None:
    tape = Tape(bytearray(b"\x00\x00"), bytearray(b"\x80"))
    assert stereo(tape).tolist() == [[-32124, 32124], [-32124, 0]]
