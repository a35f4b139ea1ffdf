"""`parley synthesize`: eSpeak NG into files of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from providers.audio import AudioReader
from tests.bot.commands import Run

from .conftest import Pipe

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "args", "container", "rate_hz"),
    [
        ("a.wav", (), "wav", 24_000),
        ("a.mp3", (), "mp3", 24_000),
        ("a.ulaw", (), "raw", 8_000),
        ("a", (), "wav", 24_000),
        ("a.wav", ("--rate", "8000"), "wav", 8_000),
        ("speech", ("--format", "mp4"), "m4a", 24_000),
        ("speech", ("--format", "flac", "--rate", "16000"), "flac", 16_000),
    ],
)
def test_the_name_or_the_option_says_what_it_becomes(
    run: Run, shell: Path, name: str, args: tuple[str, ...], container: str, rate_hz: int
) -> None:
    if "." not in name and not args:
        args = ("--format", "wav")
    ran = run("synthesize", "Hello.", "--out", name, "--json", *args)
    assert (ran.code, ran.err) == (0, "")
    report = orjson.loads(ran.out)
    assert (report["file"], report["container"], report["provider"]) == (name, container, "espeak")
    with AudioReader(shell / name) as reader:
        assert (reader.info.container, reader.info.sample_rate_hz) == (container, rate_hz)
        samples = sum(map(len, reader.pieces()))
    assert samples / rate_hz * 1000 == pytest.approx(report["duration_ms"], abs=80)


def test_a_terminal_sees_how_far_it_is(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # so rich takes any stream for a terminal
    ran = run("synthesize", "Hello.", "--out", "a.wav")
    assert (ran.code, ran.out) == (0, "")
    assert "speaking" in ran.err


def test_standard_output_gets_the_audio(shell: Path) -> None:
    command = [sys.executable, "-m", "bot", "synthesize", "-", "--language", "de"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, input="Grüß Gott.".encode(), capture_output=True, env=environment, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    with AudioReader(ran.stdout) as reader:
        assert reader.info.container == "wav"
        assert 500 < (reader.info.duration_ms or 0) < 5_000


def test_a_text_is_spoken_as_it_is_asked_for(run: Run, shell: Path, pipe: Pipe) -> None:
    ways = {"a": (), "b": ("--speed", "2"), "c": ("--voice", "de"), "d": ()}
    for name, args in ways.items():
        pipe(b"One, two, three.")
        text = "-" if name == "d" else "One, two, three."
        ran = run("synthesize", text, "--out", f"{name}.wav", *args)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    plain, fast, german, piped = ((shell / f"{name}.wav").read_bytes() for name in ways)
    assert len(fast) < 0.7 * len(plain)
    assert german != plain
    assert len(piped) == pytest.approx(len(plain), rel=0.05)


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ((), "Missing argument 'TEXT'"),
        (("a", "--out", "a.doc"), "the name a.doc says no format; give --format, one of: wav,"),
        (("a", "--json"), "say where the audio is to go: --out FILE"),
        (("a", "--out", "-", "--json"), "say where the audio is to go: --out FILE"),
        (("a", "--out", "a.ogg", "--rate", "22050"), "ogg is not written with 22050"),
        ((" ", "--out", "a.wav"), "an empty text cannot be spoken"),
        (("a", "--out", "a.wav", "--voice", "nobody"), "unknown voice 'nobody'"),
        (("a", "--out", "a.wav", "--provider", "deepgram"), "set DEEPGRAM_API_KEY"),
        (("a", "--out", "a.wav", "--speed", "9"), "9"),
    ],
)
def test_bad_usage_exits_2_with_one_line(run: Run, args: tuple[str, ...], fault: str) -> None:
    ran = run("synthesize", *args)
    assert (ran.code, ran.out) == (2, "")
    last = ran.err.splitlines()[-1]  # before it the log may say who failed
    assert fault in last
    assert last.startswith("parley")


def test_standard_input_has_to_be_text(run: Run, pipe: Pipe) -> None:
    pipe(b"\xff\xfe")
    assert "no text in UTF-8" in run("synthesize", "-", "--out", "a.wav").err
    pipe(b"a" * 100_001)
    assert "more than 100,000 characters" in run("synthesize", "-", "--out", "a.wav").err


def test_what_cannot_be_written_is_a_failure(run: Run) -> None:
    ran = run("synthesize", "Hello.", "--out", "none/a.wav")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "parley: cannot write none/a.wav: No such file or directory\n"


def test_uses_are_kept_and_count_for_the_budget(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("synthesize", "Hello.", "--out", "a.wav").code == 0
    (kept,) = (shell / "state" / "usage").iterdir()
    assert orjson.loads(kept.read_bytes())["provider"] == "espeak"
    with kept.open("a") as file:
        file.write('{"kind": "tts", "provider": "deepgram", "amount": 9.0, "usd": 5.0}\n')
    monkeypatch.setenv("PARLEY_MONTHLY_BUDGET_USD", "1")
    monkeypatch.setenv("PARLEY_OVER_BUDGET", "refuse")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")  # nobody is there
    ran = run("synthesize", "Hello.", "--out", "a.wav", "--provider", "openai")
    assert ran.code == 1
    assert "the budget of $1 a month is spent" in ran.err


def test_help_has_an_example(run: Run) -> None:
    assert 'parley synthesize "Your table is ready."' in run("synthesize", "--help").out
