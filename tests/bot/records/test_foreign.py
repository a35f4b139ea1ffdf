"""Directories of another user: what `parley calls` and `parley doctor` say of them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.bot.commands import Ran, Run, locked, run_as_anybody

from .conftest import Keep, ended_call, sid_of

BEGAN_MS = 1_800_000_000_000
TOKEN = "0123456789abcdef0123456789abcdef"


def assert_one_line(ran: Ran, text: str, code: int = 1) -> None:
    assert (ran.code, ran.err.splitlines()) == (code, [text])


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory of a machine with a token and without REDIS_URL."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state" / "redis").mkdir(parents=True)
    return tmp_path / "state"


@pytest.mark.parametrize("which", [".", "redis"])
@pytest.mark.parametrize("args", [["list"], ["delete", "CA1", "--yes"]])
def test_a_state_directory(state_dir: Path, which: str, args: list[str]) -> None:
    with locked(state_dir / which):
        ran = run_as_anybody("calls", *args)
    assert ran.out == ""
    assert_one_line(
        ran,
        f"parley: {state_dir / 'redis'} cannot be read: Permission denied; run this as the "
        "workers' user, or correct PARLEY_STATE_DIR",
    )


def test_a_state_directory_with_the_token_in_it(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    with locked(state_dir):
        ran = run_as_anybody("calls", "list")
    assert_one_line(
        ran,
        f"parley calls list: PARLEY_STATE_DIR: held {str(state_dir)!r}, which cannot be used: "
        "Permission denied; give it to this user, or name another directory "
        "(see parley calls list --help)",
        code=2,
    )


def test_a_lock_that_cannot_be_written(state_dir: Path) -> None:
    (state_dir / "redis" / "appendonly.aof").touch()
    (state_dir / "redis" / "users.lock").touch()
    with locked(state_dir / "redis" / "users.lock"):
        ran = run_as_anybody("calls", "list")
    assert_one_line(
        ran,
        f"parley: {state_dir / 'redis'} cannot be used: Permission denied; give it to this user, "
        "or correct PARLEY_STATE_DIR",
    )


def test_doctor_finds_whose_fault_it_is(state_dir: Path) -> None:
    with locked(state_dir):
        ran = run_as_anybody("doctor", "--json")
    found = [one for one in orjson.loads(ran.out)["findings"] if one["check"] in CHECKS]
    assert [(one["check"], one["level"]) for one in found] == CHECKED
    assert "Permission denied" in found[1]["text"]
    assert "Permission denied" in found[2]["text"]
    assert "fault of parley doctor" not in ran.out


CHECKED = [("settings", "ok"), ("redis", "failure"), ("state", "failure")]
CHECKS = [check for check, _ in CHECKED]


def test_a_call_is_shown_without_the_recordings_that_cannot_be_seen(
    keep: Keep, folder: Path
) -> None:
    keep(ended_call(1, BEGAN_MS))
    with locked(folder):
        ran = run_as_anybody("calls", "show", sid_of(1))
    assert "Welcome to the clinic." in ran.out
    assert_one_line(
        ran,
        f"parley: cannot look for recordings in {folder}: Permission denied; run this as the "
        "workers' user, or correct PARLEY_RECORDINGS",
    )


def test_a_call_whose_recordings_cannot_be_seen_is_kept(
    run: Run, keep: Keep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / f"{sid_of(1)}-1.wav"
    path.write_bytes(b"RIFF")
    keep(ended_call(1, BEGAN_MS, recordings=[str(path)]))
    monkeypatch.setenv("PARLEY_RECORDINGS", "off")
    with locked(folder):
        ran = run_as_anybody("calls", "delete", sid_of(1), "--yes")
    assert ran.out == "deleted 0 calls and 0 recordings\n"
    assert_one_line(
        ran,
        f"parley: cannot delete {path}: Permission denied; run this as the workers' user, or "
        "correct PARLEY_RECORDINGS",
    )
    assert run("calls", "show", sid_of(1)).code == 0
    assert path.exists()
