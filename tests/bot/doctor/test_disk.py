from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.doctor.disk import check_disk
from bot.doctor.finding import Level
from bot.settings import Settings

from .conftest import Findings

Make = Callable[..., Settings]


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))


async def test_directories_need_not_be_there_yet(
    settings: Make, found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 12_300_000_000)
    recordings = tmp_path / "on" / "disk"
    await check_disk(settings(recordings=recordings), found.append)
    assert found.lines == [
        f"ok state: {tmp_path / 'state'}: 12.3 GB free",
        f"ok recordings: {recordings}: 12.3 GB free, 106 hours of calls",
    ]
    assert os.listdir(tmp_path) == []


async def test_no_recordings_are_made(settings: Make, found: Findings) -> None:
    await check_disk(settings(), found.append)
    assert found.lines[1:] == ["ok recordings: none are made"]


async def test_little_room(
    settings: Make, found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 400_000_000)
    await check_disk(settings(recordings=tmp_path), found.append)
    assert [(one.level, one.remedy) for one in found] == [(Level.WARNING, "make room")] * 2
    assert found.last.text == f"{tmp_path}: 0.4 GB free, 3 hours of calls"


@pytest.mark.parametrize("place", ["file/recordings", "/proc/recordings"])
async def test_what_cannot_be_written(
    settings: Make, found: Findings, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("")
    await check_disk(settings(recordings=tmp_path / place), found.append)
    assert found.last.level is Level.FAILURE
    assert found.last.text.startswith(f"{tmp_path / place} cannot be written: ")
    assert found.last.remedy.endswith("correct PARLEY_RECORDINGS")
