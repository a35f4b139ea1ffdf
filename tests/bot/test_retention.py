"""Retention: what is deleted, what never is, and that nothing stops it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.retention import Retention, recordings_of
from tests.background import running

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
SID = "CA" + "0" * 32


def sid(number: int) -> str:
    return f"CA{number:032x}"


def put(folder: Path, name: str, days: float) -> Path:
    """A file that was last changed so long ago."""
    path = folder / name
    path.write_bytes(b"RIFF")
    os.utime(path, (NOW_S - days * DAY_S,) * 2)
    return path


def retention(folder: Path, days: int = 30, step: int = 1000) -> Retention:
    return Retention(folder, days, clock=lambda: NOW_S, step=step, period_s=0)


async def test_only_recordings_that_are_too_old_are_deleted(tmp_path: Path) -> None:
    old = put(tmp_path, f"{SID}-1.wav", 30.1)
    young = put(tmp_path, f"{SID}-2.wav", 29.9)
    assert await retention(tmp_path).sweep() == 1
    assert (old.exists(), young.exists()) == (False, True)
    assert await retention(tmp_path, days=29).sweep() == 1
    assert not young.exists()


@pytest.mark.parametrize(
    "name",
    [
        "holiday.wav",
        f"{SID}.wav",
        f"{SID}-1.mp3",
        f"{SID}-x.wav",
        f"{SID}-1.wav.bak",
        f"{SID[:-1]}-1.wav",
        f"my-{SID}-1.wav",
        f"{SID}-1.wav\n",
        f"{SID}-١.wav",
    ],
)
async def test_what_is_not_parleys_is_left_alone(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, 9999)
    assert await retention(tmp_path).sweep() == 0
    assert path.exists()


async def test_a_folder_of_many_is_swept_to_its_end_in_steps(tmp_path: Path) -> None:
    for number in range(10):
        put(tmp_path, f"{sid(number)}-1.wav", 31 if number % 2 else 1)
    assert await retention(tmp_path, step=3).sweep() == 5
    assert len(os.listdir(tmp_path)) == 5


async def test_it_goes_on_after_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    with capture_logs() as logged:
        assert await retention(folder).sweep() == 0
    assert [(line["path"], line["log_level"]) for line in logged] == [(str(folder), "error")]
    folder.mkdir()
    put(folder, f"{SID}-1.wav", 31)
    assert await retention(folder).sweep() == 1


async def test_what_cannot_be_deleted_stops_nothing_and_is_one_line(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{sid(number)}-1.wav").mkdir()
        put(tmp_path, f"{sid(number)}-2.wav", 31)
        os.utime(tmp_path / f"{sid(number)}-1.wav", (0, 0))
    with capture_logs() as logged:
        assert await retention(tmp_path, step=2).sweep() == 3
    [error, info] = logged
    assert (error["log_level"], error["count"]) == ("error", 3)
    assert error["path"].endswith("-1.wav")
    assert (info["log_level"], info["count"]) == ("info", 3)


async def test_workers_may_share_a_folder(tmp_path: Path) -> None:
    names = [f"{sid(number)}-1.wav" for number in range(200)]
    for name in names:
        put(tmp_path, name, 31)
    counts = await asyncio.gather(*(retention(tmp_path, step=7).sweep() for _ in range(4)))
    assert sum(counts) == len(names)
    assert os.listdir(tmp_path) == []


async def test_a_link_is_deleted_and_not_what_it_points_to(tmp_path: Path) -> None:
    target = put(tmp_path, "elsewhere.wav", 31)
    link = tmp_path / f"{SID}-1.wav"
    link.symlink_to(target)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert await retention(tmp_path).sweep() == 1
    assert os.listdir(tmp_path) == ["elsewhere.wav"]


async def test_it_sweeps_at_once_and_again(tmp_path: Path) -> None:
    sweeps: asyncio.Queue[None] = asyncio.Queue()
    paths = [put(tmp_path, f"{SID}-1.wav", 31)]

    def clock() -> float:
        sweeps.put_nowait(None)
        return NOW_S

    sweeping = Retention(tmp_path, 30, clock=clock, period_s=0)
    async with asyncio.timeout(10), running(sweeping.run()):
        for number in range(2, 4):
            # A sweep has ended when the one after the next begins.
            await sweeps.get()
            await sweeps.get()
            assert not paths[-1].exists()
            paths.append(put(tmp_path, f"{SID}-{number}.wav", 31))


def test_a_calls_recordings_come_in_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        put(tmp_path, f"{SID}-{number}.wav", 0)
    put(tmp_path, f"{sid(7)}-1.wav", 0)
    names = [path.name for path in recordings_of(SID, tmp_path)]
    assert names == [f"{SID}-{number}.wav" for number in (1, 2, 10)]
    assert recordings_of(SID, tmp_path / "nowhere") == []
