"""The files that are left of a call: recording, transcript, picture, report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson

from media.audio import Samples, ulaw_to_pcm
from media.files import write_wav

from .picture import PictureUnavailable, draw_call
from .report import call_report
from .result import Artifacts, CallResult
from .tape import Tape
from .transcript import transcript_text

__all__ = ["stereo", "write_artifacts"]

_SAMPLE_RATE_HZ = 8_000


def stereo(tape: Tape) -> Samples:
    """Both sides of a call as rows of (caller, bot as played), 8 kHz."""
    caller, bot = ulaw_to_pcm(bytes(tape.caller)), ulaw_to_pcm(bytes(tape.bot))
    samples = np.zeros((max(caller.size, bot.size), 2), np.int16)
    samples[: caller.size, 0] = caller
    samples[: bot.size, 1] = bot
    return samples


def write_artifacts(result: CallResult, folder: Path) -> tuple[Artifacts, list[str]]:
    """Write `recording.wav`, `transcript.txt`, `timeline.png` and `call.json`.

    The folder is made; files of an earlier call in it are replaced. Returns where the files are,
    and what is to be said about those that are not there.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recording, transcript = folder / "recording.wav", folder / "transcript.txt"
    timeline: Path | None = folder / "timeline.png"
    report = folder / "call.json"
    notes: list[str] = []
    with recording.open("wb") as file:
        write_wav(file, stereo(result.tape), _SAMPLE_RATE_HZ)
    transcript.write_text(transcript_text(result.turns), encoding="utf-8")
    try:
        draw_call(result, folder / "timeline.png")
    except PictureUnavailable as error:
        timeline = None
        notes.append(str(error))
    artifacts = Artifacts(recording, timeline, transcript, report)
    text = orjson.dumps(call_report(result, artifacts), option=orjson.OPT_INDENT_2)
    report.write_bytes(text + b"\n")
    return artifacts, notes
