"""`parley call` in a process of its own, and its faults of usage."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from bot.demo.worker import free_port
from bot.phone.command import _script, call
from bot.phone.steps import Play

from .sounds import tone
from .worker_stub import TOKEN, StubStream, StubWorker, running_worker

pytestmark = pytest.mark.real_time


async def talk(stream: StubStream) -> None:
    await stream.media(tone(200))
    while await stream.next() is not None:
        pass


@dataclass
class Finished:
    code: int
    out: str
    err: str


@pytest.fixture
async def worker() -> AsyncIterator[StubWorker]:
    async with running_worker() as worker:
        worker.talk = [talk]
        yield worker


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.ulaw"
    path.write_bytes(tone(200))
    return path


@pytest.fixture
def steps(tmp_path: Path, clip: Path) -> Path:
    path = tmp_path / "steps.toml"
    path.write_text('[[steps]]\nwait_ms = 300\n[[steps]]\nplay = "clip.ulaw"\n')
    return path


async def parley_call(worker: StubWorker, tmp_path: Path, *args: object) -> Finished:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "call",
        "--speed",
        "4",
        *map(str, args),
        cwd=tmp_path,
        env={
            **os.environ,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "PARLEY_PUBLIC_URL": worker.url,
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(40):
        out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())


async def test_json_alone_is_on_stdout(worker: StubWorker, tmp_path: Path, steps: Path) -> None:
    worker.record = {"history": [], "ended": {"by": "caller"}, "ended_ms": 1}
    finished = await parley_call(
        worker, tmp_path, "--json", "--steps", steps, "--out", tmp_path / "out"
    )
    assert finished.code == 0
    report = orjson.loads(finished.out)
    assert report["ended"] == {"by": "caller", "reason": "hung up"}
    assert report["latency_ms"]["greeting"] is not None
    assert report["protocol_errors"] == []
    recording = tmp_path / "out" / "recording.wav"
    assert report["artifacts"]["recording"] == str(recording)
    assert len(recording.read_bytes()) > 4_000
    assert orjson.loads((tmp_path / "out" / "call.json").read_bytes()) == report
    assert all(asked.signed for asked in worker.asked)


async def test_several_calls_are_an_array(worker: StubWorker, tmp_path: Path, steps: Path) -> None:
    finished = await parley_call(
        worker, tmp_path, "--json", "--calls", 3, "--steps", steps, "--out", tmp_path / "out"
    )
    assert finished.code == 0
    reports: list[dict[str, Any]] = orjson.loads(finished.out)
    sids = {report["call_sid"] for report in reports}
    assert len(sids) == len(worker.streams) == 3
    assert {folder.name for folder in (tmp_path / "out").iterdir()} == sids


async def test_a_pipe_gets_the_summary_alone(
    worker: StubWorker, tmp_path: Path, steps: Path
) -> None:
    finished = await parley_call(worker, tmp_path, "--steps", steps)
    assert finished.code == 0
    assert "greeting" in finished.out
    assert "ended by caller (hung up)" in finished.out
    assert "bot started" not in finished.out + finished.err
    several = await parley_call(worker, tmp_path, "--calls", 2, "--steps", steps)
    assert "2 calls, 0 failed" in several.out


async def test_a_failed_call_exits_1(worker: StubWorker, tmp_path: Path, steps: Path) -> None:
    async def wrong(stream: StubStream) -> None:
        await stream.ws.send_bytes(b"\x00")
        await talk(stream)

    worker.talk = [wrong]
    finished = await parley_call(worker, tmp_path, "--json", "--steps", steps)
    assert finished.code == 1
    assert [fault["code"] for fault in orjson.loads(finished.out)["protocol_errors"]] == [31950]
    assert "no texts" in finished.err


def test_each_audio_file_is_spoken(clip: Path) -> None:
    spoken = [step for step in _script((clip, clip), None) if isinstance(step, Play)]
    assert [step.clip.audio for step in spoken] == [tone(200)] * 2


@pytest.fixture
def usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    for name in [name for name in os.environ if name.startswith(("PARLEY_", "TWILIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (["none.ulaw"], "none.ulaw: No such file"),
        (["--steps", "none.toml"], "none.toml: No such file"),
        (["a.ulaw", "--steps", "s.toml"], "not both"),
        (["--calls", "0"], "0"),
        (["--speed", "fast"], "'fast' is not a number from 0.1 to 20"),
        (["--speed", "nan"], "0.1 to 20"),
        (["--url", "nowhere"], "'nowhere' is no address"),
        (["--url", "http://[::1"], "'http://[::1' is no address; write it as http://host:port"),
    ],
)
def test_bad_usage_exits_2(
    usage: CliRunner, monkeypatch: pytest.MonkeyPatch, args: list[str], fault: str
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    result = usage.invoke(call, args)
    assert result.exit_code == 2
    assert fault in result.stderr


def test_a_token_is_needed(usage: CliRunner) -> None:
    result = usage.invoke(call, [])
    assert result.exit_code == 2
    assert "TWILIO_AUTH_TOKEN" in result.stderr


def test_wrong_settings_are_named(usage: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_PUBLIC_URL", "gopher://x")
    result = usage.invoke(call, [])
    assert result.exit_code == 2
    assert "PARLEY_PUBLIC_URL" in result.stderr


def test_files_that_cannot_be_written(
    usage: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    (tmp_path / "taken").write_text("")
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("PARLEY_PUBLIC_URL", url)
    result = usage.invoke(call, ["--out", "taken"])
    assert result.exit_code == 1
    assert "cannot write taken" in result.stderr


def test_help_has_an_example(usage: CliRunner) -> None:
    assert "parley call hello.ulaw --json" in usage.invoke(call, ["--help"]).stdout
