"""`parley demo` as a user runs it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from bot.demo.command import conclude
from bot.demo.scene import BOOKING, LINES

from .calls import BOOKING as MADE_UP_BOOKING
from .calls import outcome
from .processes import processes_of
from .running import HOUSE, running

pytestmark = pytest.mark.real_time

FILES = {"recording.wav", "transcript.txt", "timeline.png", "call.json", "worker.log"}


@contextmanager
def temporary_directory() -> Iterator[Path]:
    # Not pytest's: its path would be too long for Redis's socket.
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


@pytest.mark.timeout(180)
def test_the_whole_demo(tmp_path: Path) -> None:
    with temporary_directory() as folder, running(folder, "--out", str(tmp_path)) as process:
        printed, errors = process.communicate(timeout=120)
        assert (process.returncode, errors.decode()) == (0, "")
        assert processes_of(folder) == []
        assert list(folder.iterdir()) == []
    text = printed.decode("ascii")
    for said in (LINES[-1].text, "Certainly.", "the bot falls silent", "response", "timeline.png"):
        assert said in text
    assert {path.name for path in tmp_path.iterdir()} >= FILES
    report = json.loads((tmp_path / "call.json").read_text())
    turns = [turn for turn in report["turns"] if turn["role"] == "caller"]
    assert len(turns) == len(LINES), turns
    assert report["clears"] >= 1
    assert report["protocol_errors"] == []
    own = next(line for line in text.splitlines() if "the phone's own lateness" in line)
    late_ms = float(own.replace("|", " ").split()[-1])
    assert 0 < report["latency_ms"]["barge_in"][0] < 1_000 + late_ms
    assert report["duration_s"] < 60


def test_stopped_in_the_middle_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with ExitStack() as stack:
        demos = []
        for number in (signal.SIGINT, signal.SIGTERM):
            folder = stack.enter_context(temporary_directory())
            out = str(tmp_path / number.name)
            demos.append((number, folder, stack.enter_context(running(folder, "--out", out))))
        for number, folder, process in demos:
            assert process.stdout is not None
            while b"bot" not in (line := process.stdout.readline()):
                assert line, "it ended before the bot had greeted"
            assert len(processes_of(folder)) > 3
            process.send_signal(number)
        for _, folder, process in demos:
            _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors.decode().strip()) == (130, "parley: stopped")
            assert processes_of(folder) == []
            assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running(tmp_path, "--json", "--out", str(tmp_path / "file" / "demo")) as process:
        printed, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert printed == b""
    assert errors.decode().startswith(f"parley: cannot write {tmp_path / 'file'}")


def test_a_fault_is_said_and_told_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO())
    assert conclude(console, outcome("the booking's day is 'monday'"), as_json=True) == 1
    printed, errors = capsys.readouterr()
    report = json.loads(printed)
    assert not report["ok"]
    assert report["faults"] == ["the booking's day is 'monday'"]
    assert report["booking"] == MADE_UP_BOOKING
    assert report["clears"] == 1
    assert errors.splitlines() == [
        "parley demo: the booking's day is 'monday'",
        "parley demo: what the worker said is in out/worker.log",
    ]


def test_the_summary_in_a_locale_without_box_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii"), width=80)
    assert conclude(console, outcome(), as_json=False) == 0
    console.file.flush()
    text = raw.getvalue().decode("ascii")
    row = next(line for line in text.splitlines() if "endpointing" in line)
    assert row.replace("|", " ").split()[-4:] == ["2", "600", "650", "650"]
    assert "Booked: day friday, time 10:00." in text
    assert "recording   out/recording.wav" in text
    assert "no picture" in text
    assert capsys.readouterr().err == ""
    assert BOOKING.keys() >= MADE_UP_BOOKING.keys()


def test_when_nobody_reads_any_more_it_goes_on_in_silence() -> None:
    program = (
        "import sys; from bot.demo.display import DemoConsole; console = DemoConsole();"
        "[console.print(text) for text in ('nobody', 'reads')]; sys.stderr.write('went on')"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=HOUSE,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=30,
        check=True,
    )
    os.close(writing)
    assert done.stderr == b"went on"
