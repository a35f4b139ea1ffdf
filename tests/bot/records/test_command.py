from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from bot.records import command
from bot.settings import Settings
from tests.bot.commands import Run

from .conftest import DAY_MS, Keep, ended_call, sid_of

BEGAN = datetime(2026, 11, 20, 18, 0, 0)
BEGAN_MS = int(BEGAN.timestamp() * 1000)


def listed(run: Run, *args: str) -> list[str]:
    """The SIDs that `parley calls list` gives."""
    ran = run("calls", "list", "--json", *args)
    assert (ran.code, ran.err) == (0, "")
    return [call["sid"] for call in orjson.loads(ran.out)["calls"]]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# Listing


def test_calls_are_listed_newest_first(run: Run, keep: Keep) -> None:
    keep(*(ended_call(number, BEGAN_MS + number * 1000) for number in (2, 1, 3)))
    assert listed(run) == [sid_of(3), sid_of(2), sid_of(1)]
    assert listed(run, "--limit", "2") == [sid_of(3), sid_of(2)]


def test_the_next_page_is_asked_for_by_call_or_by_time(run: Run, keep: Keep) -> None:
    keep(*(ended_call(number, BEGAN_MS + number * 1000) for number in range(4)))
    assert listed(run, "--before", sid_of(2)) == [sid_of(1), sid_of(0)]
    assert listed(run, "--before", "2026-11-20 18:00:01") == [sid_of(0)]
    assert listed(run, "--before", "2026-11-20") == []
    wrong = run("calls", "list", "--before", "friday")
    assert wrong.code == 2
    assert "'friday' is neither a call nor a time; write 2026-11-20 18:00:00" in wrong.err


def test_the_next_page_begins_among_calls_of_one_millisecond(run: Run, keep: Keep) -> None:
    keep(*(ended_call(number, BEGAN_MS) for number in range(4)))
    assert listed(run, "--limit", "2") == [sid_of(3), sid_of(2)]
    assert listed(run, "--before", sid_of(2)) == [sid_of(1), sid_of(0)]


def test_a_line_says_what_one_looks_for(run: Run, keep: Keep) -> None:
    keep(ended_call(1, BEGAN_MS), ended_call(2, BEGAN_MS + 1, ended=None, status="in-progress"))
    ran = run("calls", "list")
    assert ran.code == 0
    heading, second, first = (line.split() for line in ran.out.splitlines())
    assert heading == ["SID", "when", "from", "to", "direction", "duration", "turns", "ended"]
    assert first == [
        *(sid_of(1), "2026-11-20", "18:00:00", "+15550100001", "+15550100002", "inbound"),
        *("42.0", "s", "1", "caller:", "hangup"),
    ]
    assert second[-1] == "in-progress"


def test_a_line_stays_a_line_on_a_narrow_terminal(
    run: Run, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(command, "is_terminal", lambda stream: True)
    keep(ended_call(1, BEGAN_MS), ended_call(2, BEGAN_MS))
    heading, *lines, hint = run("calls", "list", "--limit", "2").out.splitlines()
    assert heading.startswith("SID")
    assert [line.split()[-1] for line in lines] == ["hangup", "hangup"]
    assert hint.startswith("earlier ones: parley calls list --before CA")
    assert max(map(len, run("calls", "show", sid_of(1)).out.splitlines())) <= 40


def test_an_empty_store_has_no_calls(run: Run, deployment: None) -> None:
    assert listed(run) == []
    assert run("calls", "list").code == 0


# Showing


SWITCH = {
    "kind": "stt",
    "before": "soniox",
    "after": "pocketsphinx",
    "at_ms": 12_340,
    "reason": "NetworkError",
}


def test_a_call_is_shown_whole(run: Run, keep: Keep, folder: Path) -> None:
    (folder / f"{sid_of(1)}-1.wav").write_bytes(b"0" * 1_500_000)
    record = ended_call(
        1,
        BEGAN_MS,
        notes=["the caller spoke while the stream was lost"],
        providers={"stt": "pocketsphinx"},
        switches=[SWITCH],
        recordings=[f"/elsewhere/{sid_of(1)}-2.wav"],
        state={"patient": "7"},
        latencies=[{"endpointing_ms": 460, "reply_ms": reply} for reply in (90, 110, 400)],
        counters={"turns": 1, "gaps": 2, "lost_ms": 1840, "clears": 0},
    )
    keep(record, log=({"kind": "gap", "at_ms": BEGAN_MS + 10_500, "gap_ms": 940},))
    ran = run("calls", "show", sid_of(1))
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines == [
        f"call {sid_of(1)}",
        "from +15550100001 to +15550100002, inbound",
        "began 2026-11-20 18:00:00",
        "answered after 0.5 s",
        "ended by caller: hangup after 42.0 s",
        "bot echo, en-US, stt pocketsphinx",
        "switched stt from soniox to pocketsphinx at 12.3 s: NetworkError",
        "streams 1, the last one held by nobody",
        "gaps 2, 1.8 s altogether",
        "endpointing 460 ms in the middle, 460 ms at most",
        "reply 110 ms in the middle, 400 ms at most",
        "counted turns 1",
        "note the caller spoke while the stream was lost",
        'state {"patient":"7"}',
        "from to who words heard",
        "0.1 0.9 bot Welcome to the clinic. Welcome (interrupted)",
        "0.9 1.8 caller on friday",
        "at event",
        "10.0 gap gap_ms=940",
        f"recording {folder / sid_of(1)}-1.wav, 1.5 MB",
        f"recording /elsewhere/{sid_of(1)}-2.wav, not on this machine",
    ]


def test_a_call_in_progress_is_shown_as_such(run: Run, keep: Keep) -> None:
    keep(
        ended_call(1, BEGAN_MS, ended=None, ended_ms=None, status="in-progress", history=[]),
        ended_call(2, BEGAN_MS, answered_ms=None, ended_ms=None),
    )
    assert "not yet: in-progress" in run("calls", "show", sid_of(1)).out
    assert "by caller: hangup  " in run("calls", "show", sid_of(2)).out


def test_json_is_what_the_api_gives(run: Run, keep: Keep) -> None:
    record = ended_call(1, BEGAN_MS)
    keep(record, log=({"kind": "stop", "at_ms": BEGAN_MS},))
    shown = orjson.loads(run("calls", "show", sid_of(1), "--json").out)
    assert shown.pop("log") == [{"kind": "stop", "at_ms": BEGAN_MS}]
    assert shown == orjson.loads(record.to_json())


def test_what_callers_say_does_not_control_the_terminal(run: Run, keep: Keep) -> None:
    evil = "\x1b[2J[bold]\nhi"
    call = ended_call(1, BEGAN_MS, from_number=evil, dialog=evil)
    call.history[1].text = evil
    keep(call, log=({"kind": evil, "at_ms": BEGAN_MS, "said": evil},))
    for ran in (run("calls", "list"), run("calls", "show", sid_of(1))):
        assert ran.code == 0
        assert "�[2J[bold]�hi" in ran.out
        assert "\x1b" not in ran.out


def test_an_unknown_call(run: Run, deployment: None) -> None:
    ran = run("calls", "show", sid_of(1))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"parley: there is no call {sid_of(1)}; see parley calls list\n"


def test_the_name_of_another_key_is_no_sid(run: Run, deployment: None) -> None:
    ran = run("calls", "show", f"{sid_of(1)}:log")
    assert ran.code == 2
    assert "is no call's SID" in ran.err


# Deleting


def test_a_call_is_deleted_with_its_recordings(run: Run, keep: Keep, folder: Path) -> None:
    own = folder / f"{sid_of(1)}-1.wav"
    other = folder / f"{sid_of(2)}-1.wav"
    for path in (own, other):
        path.write_bytes(b"RIFF")
    elsewhere = f"/elsewhere/{sid_of(1)}-2.wav"
    keep(ended_call(1, BEGAN_MS, recordings=[str(own), elsewhere]), ended_call(2, BEGAN_MS))
    ran = run("calls", "delete", sid_of(1), "--yes")
    assert (ran.code, ran.out) == (0, "deleted 1 call and 1 recording\n")
    assert ran.err == f"parley calls: {elsewhere} is not on this machine\n"
    assert os.listdir(folder) == [other.name]
    assert listed(run) == [sid_of(2)]
    assert run("calls", "show", sid_of(1)).code == 1


def test_a_call_in_progress_is_not_deleted(run: Run, keep: Keep, folder: Path) -> None:
    (folder / f"{sid_of(1)}-1.wav").write_bytes(b"RIFF")
    keep(ended_call(1, now_ms() - 3_600_000, ended=None, ended_ms=None), ended_call(2, BEGAN_MS))
    ran = run("calls", "delete", sid_of(1), sid_of(2), sid_of(3), "--yes")
    assert (ran.code, ran.out) == (1, "deleted 1 call and 0 recordings\n")
    assert ran.err.splitlines() == [
        f"parley calls: there is no call {sid_of(3)}",
        f"parley calls: {sid_of(1)} is in progress and was not deleted",
    ]
    assert listed(run) == [sid_of(1)]
    assert len(os.listdir(folder)) == 1


def test_old_calls_are_deleted_and_no_younger_ones(run: Run, keep: Keep) -> None:
    ages = {number: now_ms() - number * DAY_MS - 1000 for number in range(5)}
    keep(*(ended_call(number, began) for number, began in ages.items()))
    # Nobody said that it ended, but no call lasts so long.
    keep(ended_call(9, ages[3] - 1, ended=None, status="in-progress"))
    ran = run("calls", "delete", "--older-than", "2", "--yes")
    assert (ran.code, ran.out) == (0, "deleted 4 calls and 0 recordings\n")
    assert listed(run) == [sid_of(0), sid_of(1)]


def test_more_old_calls_than_one_page(
    run: Run, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.records.removal.PAGE", 2)
    keep(*(ended_call(number, BEGAN_MS + number) for number in range(5)))
    assert run("calls", "delete", "--older-than", "0", "--yes").out.startswith("deleted 5 calls")
    assert listed(run) == []


def test_more_old_calls_of_one_millisecond_than_one_page(
    run: Run, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.records.removal.PAGE", 2)
    keep(*(ended_call(number, BEGAN_MS) for number in range(5)))
    assert run("calls", "delete", "--older-than", "0", "--yes").out.startswith("deleted 5 calls")
    assert listed(run) == []


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_person_is_asked(
    run: Run, keep: Keep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, left: int
) -> None:
    keep(ended_call(1, BEGAN_MS))
    (tmp_path / "answer").write_text(answer)
    with (tmp_path / "answer").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(command, "is_terminal", lambda stream: True)
        ran = run("calls", "delete", sid_of(1))
    assert "Delete 1 call for ever?" in ran.out
    assert ran.code == (130 if left else 0)
    assert len(listed(run)) == left


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "name calls by their SIDs, or give --older-than DAYS"),
        (["CA1", "--older-than", "1"], "name calls by their SIDs, or give --older-than DAYS"),
        (["CA1"], "nobody is there to be asked; give --yes"),
        (["--older-than", "-1"], "is not in the range x>=0"),
    ],
)
def test_what_is_not_clear_deletes_nothing(
    run: Run, deployment: None, args: list[str], line: str
) -> None:
    ran = run("calls", "delete", *args)
    assert (ran.code, ran.out) == (2, "")
    assert line in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_recording_that_cannot_be_deleted_keeps_its_call(
    run: Run, keep: Keep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / f"{sid_of(1)}-1.wav"
    path.write_bytes(b"RIFF")
    keep(ended_call(1, BEGAN_MS))

    def refuse(path: Path, missing_ok: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        ran = run("calls", "delete", sid_of(1), "--yes")
    assert (ran.code, ran.out) == (1, "deleted 0 calls and 0 recordings\n")
    assert ran.err.startswith(f"parley: cannot delete {path}: Permission denied; run this as ")
    assert len(ran.err.splitlines()) == 1
    assert listed(run) == [sid_of(1)]


def test_what_was_deleted_before_a_fault_is_told(
    run: Run, keep: Keep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / f"{sid_of(1)}-1.wav").write_bytes(b"RIFF")
    keep(ended_call(1, BEGAN_MS), ended_call(2, BEGAN_MS + 1))

    def refuse(path: Path, missing_ok: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        ran = run("calls", "delete", "--older-than", "0", "--yes")
    assert (ran.code, ran.out) == (1, "deleted 1 call and 0 recordings\n")
    assert listed(run) == [sid_of(1)]


def test_a_recording_is_deleted_from_another_directory(
    run: Run, keep: Keep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_RECORDINGS", folder.name)
    path = Settings.load(worker=False).recordings
    assert path is not None
    recording = path / f"{sid_of(1)}-1.wav"
    recording.write_bytes(b"RIFF")
    keep(ended_call(1, BEGAN_MS, recordings=[str(recording)]))
    monkeypatch.chdir("/")
    ran = run("calls", "delete", sid_of(1), "--yes")
    assert (ran.code, ran.out) == (0, "deleted 1 call and 1 recording\n")
    assert not recording.exists()


@pytest.mark.parametrize("name", ["list", "show", "delete"])
def test_every_command_has_an_example(run: Run, name: str) -> None:
    ran = run("calls", name, "--help")
    assert ran.code == 0
    assert f"Example: parley calls {name} " in ran.out
