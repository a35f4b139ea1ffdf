"""`parley transcribe`, on this machine and with a vendor's stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from tests.bot.commands import Run
from tests.providers.conformance.reach import access_to
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.standin import StandIn

from .conftest import Pipe

SCRIPT = computed_script(["Hello, this is Parley."], pause_ms=900)
TEXT = "Hello, this is Parley."


@asynccontextmanager
async def deepgram(monkeypatch: pytest.MonkeyPatch, key: str = "") -> AsyncIterator[StandIn]:
    """Deepgram's stand-in, to which the environment leads."""
    access = access_to("deepgram")
    async with access.standin(OracleHearing(SCRIPT)) as standin:
        settings = access.settings(standin) | ({"api_key": key} if key else {})
        for name, value in settings.items():
            monkeypatch.setenv(f"DEEPGRAM_{name}".upper(), value)
        yield standin


def test_a_recording_is_understood_without_any_key(run: Run, recordings: Path) -> None:
    phrases = ("--phrase", "go somewhere and do something", "--phrase", "go forward ten meters")
    ran = run("transcribe", str(recordings / "go_somewhere.ulaw"), *phrases)
    assert (ran.code, ran.out, ran.err) == (0, "go somewhere and do something\n", "")


async def test_a_file_goes_through_a_vendors_door(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell / "call.ulaw").write_bytes(SCRIPT.audio)
    async with deepgram(monkeypatch) as standin:
        ran = await asyncio.to_thread(run, "transcribe", "call.ulaw", "--provider", "deepgram")
        assert (ran.code, ran.out, ran.err) == (0, TEXT + "\n", "")
        ran = await asyncio.to_thread(run, "transcribe", "--json", "call.ulaw", "--diarize")
        report = orjson.loads(ran.out)
        assert len(standin.records["files"]) == 2
        asked = [set(record.query) for record in standin.records["files"]]
        assert [name for name in asked[1] - asked[0] if "diarize" in name]
    assert (report["file"], report["text"], report["provider"]) == ("call.ulaw", TEXT, "deepgram")
    assert [word["text"] for word in report["words"]] == TEXT.split()


async def test_a_terminal_sees_a_bar(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell / "call.ulaw").write_bytes(SCRIPT.audio)
    monkeypatch.setenv("FORCE_COLOR", "1")  # so rich takes any stream for a terminal
    async with deepgram(monkeypatch):
        ran = await asyncio.to_thread(run, "transcribe", "call.ulaw")
        assert "call.ulaw" in ran.err
        assert ran.out == TEXT + "\n"
        ran = await asyncio.to_thread(run, "transcribe", "call.ulaw", "--json")
        assert ran.err == ""


async def test_several_files_are_told_apart_and_one_that_is_broken_is_said(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch, pipe: Pipe
) -> None:
    (shell / "a.ulaw").write_bytes(SCRIPT.audio)
    (shell / "b.mp3").write_bytes(b"no music")
    pipe(SCRIPT.audio)
    async with deepgram(monkeypatch):
        ran = await asyncio.to_thread(run, "transcribe", "a.ulaw", "b.mp3")
        assert (ran.code, ran.out) == (1, f"a.ulaw: {TEXT}\n")
        assert ran.err.startswith("parley transcribe: b.mp3 begins like no audio file")
        ran = await asyncio.to_thread(
            run, "transcribe", "--json", "b.mp3", "-", "--raw", "ulaw:8000"
        )
    assert ran.code == 0
    reports = orjson.loads(ran.out)
    assert [report["file"] for report in reports] == ["b.mp3", "-"]
    assert [report["text"] for report in reports] == ["", TEXT]


@pytest.mark.parametrize("as_json", [False, True])
async def test_what_was_understood_is_printed_whatever_comes_after(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    files = [f"{letter}.ulaw" for letter in "abcde"]
    for name in files:
        (shell / name).write_bytes(SCRIPT.audio)
    options = ["--provider", "deepgram", *(["--json"] if as_json else [])]
    # The second file alone is refused; after the third one nothing is left on the account.
    faults = Fault("behave"), Fault("error", code=400), Fault("behave"), Fault("quota")
    async with deepgram(monkeypatch) as standin:
        standin.misbehave(*faults, service="files")
        ran = await asyncio.to_thread(run, "transcribe", *options, *files)
        assert len(standin.records["files"]) == 4
    assert ran.code == 1
    refused, *_, empty = [line for line in ran.err.splitlines() if line.startswith("parley")]
    assert refused.startswith("parley transcribe: b.ulaw: deepgram: ")
    assert empty.startswith("parley: deepgram: ")
    if as_json:
        reports = orjson.loads(ran.out)
        assert [report["file"] for report in reports] == files[:3]
        assert [report.get("text") for report in reports] == [TEXT, None, TEXT]
    else:
        assert ran.out == f"a.ulaw: {TEXT}\nc.ulaw: {TEXT}\n"


async def test_a_pipe_is_a_file_of_any_kind(
    run: Run, monkeypatch: pytest.MonkeyPatch, pipe: Pipe
) -> None:
    pipe(b"neither of them")
    async with deepgram(monkeypatch):
        ran = await asyncio.to_thread(run, "transcribe", "-", "--json")
    assert ran.code == 1
    assert ran.err.startswith("parley transcribe: the audio begins like no audio file")
    assert "begins like no audio file" in orjson.loads(ran.out)["error"]


async def test_a_wrong_key_is_a_failure(
    run: Run, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell / "a.ulaw").write_bytes(SCRIPT.audio)
    async with deepgram(monkeypatch, key="another"):
        ran = await asyncio.to_thread(run, "transcribe", "a.ulaw")
    assert (ran.code, ran.out) == (1, "")
    assert "parley: deepgram: " in ran.err
    assert "DEEPGRAM_API_KEY" in ran.err


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ([], "Missing argument 'FILE...'"),
        (["none.wav"], "there is no file 'none.wav'"),
        (["a.ulaw", "--raw", "ulaw"], "write pcm:16000, ulaw:8000 or alaw"),
        (["a.ulaw", "--raw", "ulaw:0"], "has 0 samples a second; 4000 to 192000 are taken"),
        (["a.ulaw", "--raw", "mp3:8000"], "'mp3:8000' is no format"),
        (["a.ulaw", "--provider", "soniox"], "set SONIOX_API_KEY for soniox"),
        (["a.ulaw", "--provider", "sonix"], "unknown provider; choose one of: "),
        (["a.ulaw", "--language", "tlh"], "language 'tlh' is not on offer"),
        (["a.ulaw", "--config", "none.toml"], "none.toml cannot be read"),
    ],
)
def test_bad_usage_exits_2_with_one_line(
    run: Run, shell: Path, args: list[str], fault: str
) -> None:
    (shell / "a.ulaw").write_bytes(SCRIPT.audio)
    ran = run("transcribe", *args)
    assert (ran.code, ran.out) == (2, "")
    assert fault in ran.err
    assert ran.err.startswith("parley")
    assert ran.err.count("\n") == 1


def test_settings_are_those_of_the_worker(run: Run, shell: Path) -> None:
    (shell / "a.ulaw").write_bytes(SCRIPT.audio)
    (shell / "parley.toml").write_text('max_calls = 3\nstt_provider = "soniox"\n')
    ran = run("transcribe", "a.ulaw")
    assert (ran.code, "set SONIOX_API_KEY" in ran.err) == (2, True)
    (shell / ".env").write_text("PARLEY_OPTIMISE_FOR=cost\n")
    ran = run("transcribe", "a.ulaw")
    assert ran.code == 2
    assert "PARLEY_OPTIMISE_FOR in .env: there is no such setting" in ran.err


def test_help_has_an_example(run: Run) -> None:
    assert "parley transcribe interview.mp3" in run("transcribe", "--help").out
