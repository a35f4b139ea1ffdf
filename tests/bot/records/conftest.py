"""`parley calls` on a real Redis of many calls' records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.dialog import Ended
from bot.dialog.types import HistoryEntry
from bot.record import Record
from bot.store import Store
from tests.bot.commands import run

__all__ = ["DAY_MS", "Keep", "run"]

DAY_MS = 86_400_000
Keep = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where recordings are."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@pytest.fixture
def deployment(
    redis_url: str, redis_prefix: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment whose Redis has nobody else's calls."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PARLEY_REDIS_PREFIX", redis_prefix)
    monkeypatch.setenv("PARLEY_RECORDINGS", str(folder))
    monkeypatch.setenv("PARLEY_STATE_DIR", str(folder.parent / "state"))


@pytest.fixture
def keep(redis_url: str, redis_prefix: str, deployment: None) -> Keep:
    """Put records, and the log of the last one, into the store."""

    async def write(records: tuple[Record, ...], log: tuple[dict[str, object], ...]) -> None:
        store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
        for record in records:
            await store.commit(record)
        for event in log:
            store.append(records[-1].sid, **event)  # type: ignore[arg-type]
        assert await store.flush(5.0)
        await store.aclose()

    def keep_records(*records: Record, log: tuple[dict[str, object], ...] = ()) -> None:
        asyncio.run(write(records, log))

    return keep_records


def sid_of(number: int) -> str:
    return f"CA{number:032x}"


def ended_call(number: int, started_ms: int, **more: object) -> Record:
    """A call of 42 s that the caller ended."""
    record = Record(
        sid_of(number),
        from_number="+15550100001",
        to_number="+15550100002",
        status="completed",
        generation=1,
        started_ms=started_ms,
        answered_ms=started_ms + 500,
        ended_ms=started_ms + 42_500,
        ended=Ended("caller", "hangup"),
        dialog="echo",
        history=[
            HistoryEntry("bot", "Welcome to the clinic.", "Welcome", 100, 900, interrupted=True),
            HistoryEntry("caller", "on friday", "on friday", 950, 1800),
        ],
        counters={"turns": 1, "marks": 3},
    )
    for name, value in more.items():
        setattr(record, name, value)
    return record
