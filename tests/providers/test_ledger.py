from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from providers.ledger import Ledger
from providers.usage import Use

USE = Use("stt", "soniox", 60_000.0, 0.002, "2026-11-21")


def test_months_are_apart(tmp_path: Path) -> None:
    today = [datetime(2026, 11, 30, 23, 59, tzinfo=UTC)]
    ledger = Ledger(tmp_path / "usage", lambda: today[0])
    ledger.add(USE)
    ledger.add(USE)
    assert ledger.uses() == [USE + USE]
    assert ledger.spent_usd() == pytest.approx(0.004)
    today[0] = datetime(2026, 12, 1, tzinfo=UTC)
    assert ledger.spent_usd() == 0
    assert ledger.uses() == []
    ledger.add(Use("tts", "openai-realtime", 12, None))
    assert ledger.spent_usd() == 0
    assert sorted(path.name for path in (tmp_path / "usage").iterdir()) == [
        "usage-2026-11.jsonl",
        "usage-2026-12.jsonl",
    ]


def test_processes_share_it(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path), Ledger(tmp_path)
    one.add(USE)
    assert other.spent_usd() == pytest.approx(0.002)
    other.add(USE)
    assert one.spent_usd() == other.spent_usd() == pytest.approx(0.004)


def test_a_line_that_a_crash_has_cut_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(USE)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert ledger.spent_usd() == pytest.approx(0.002)
    path.write_bytes(whole + whole[:20] + b"\n" + b'{"kind": 3}\n[]\n' + whole)
    assert ledger.uses() == [USE + USE]
    assert ledger.spent_usd() == pytest.approx(0.004)


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "usage").write_text("a file where the directory should be", "utf-8")
    with capture_logs() as logs:
        Ledger(tmp_path / "usage").add(USE)
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("usage could not be kept", "File exists")
    ]
