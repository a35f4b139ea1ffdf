"""A process that recognizes with PocketSphinx, without its pool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from providers.stt.local_wire import Command, FrameReader, Report, frame

pytest.importorskip("pocketsphinx")
pytestmark = pytest.mark.long


def worker() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "providers.stt.sphinx_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    ready = frame(Report.READY, b"{}")
    assert process.stdout.read(len(ready)) == ready
    return process


def test_the_end_of_stdin_ends_a_process_even_while_it_decodes() -> None:
    with worker() as process:
        assert process.stdin is not None
        for _ in range(20):
            process.stdin.write(frame(Command.AUDIO, os.urandom(32_000)))
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_ctrl_c_is_left_to_the_parent() -> None:
    with worker() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        process.stdin.write(frame(Command.FINALIZE))
        process.stdin.flush()
        reader = FrameReader()
        kinds: list[bytes] = []
        while Report.RESULT.value not in kinds:
            kinds += [kind for kind, _ in reader.feed(process.stdout.read1())]  # type: ignore[attr-defined]
        process.stdin.close()
        assert process.wait(timeout=30) == 0
