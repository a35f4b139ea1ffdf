from __future__ import annotations

from pathlib import Path

import numpy as np

from bot.disk import Disk
from bot.recording import CallRecording
from media.audio import pcm_to_ulaw, ulaw_to_pcm
from media.files import read_wav
from tests.bot.engines import tone


def test_both_sides_on_one_clock(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    caller, bot = tone(400), pcm_to_ulaw(tone(300))
    with Disk() as disk:
        recording = CallRecording(disk.open(path))
        recording.caller(caller, 0)
        recording.bot(bot, 200)
        recording.caller(caller, 400)
        recording.close()
    wav = read_wav(path.read_bytes())
    assert wav.sample_rate_hz == 8000
    left, right = wav.samples.T
    assert np.array_equal(left[: 2 * len(caller)], np.concatenate([caller, caller]))
    assert not right[:1600].any()
    assert np.array_equal(right[1600 : 1600 + len(bot)], ulaw_to_pcm(bot))
    assert recording.failure == ""


def test_a_disk_that_takes_nothing_ends_no_call(tmp_path: Path) -> None:
    with Disk() as disk:
        recording = CallRecording(disk.open(tmp_path / "missing" / "call.wav"))
        for second in range(5):
            recording.caller(tone(1000), second * 1000)
            recording.bot(pcm_to_ulaw(tone(1000)), second * 1000)
        recording.close()
    assert recording.failure == "No such file or directory"


def test_a_full_disk_ends_no_call() -> None:
    with Disk() as disk:
        recording = CallRecording(disk.open(Path("/dev/full")))
        for second in range(5):
            recording.caller(tone(1000), second * 1000)
        recording.close()
    assert recording.failure
