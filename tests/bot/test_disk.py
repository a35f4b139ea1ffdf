from __future__ import annotations

import os
import threading
from io import SEEK_END, UnsupportedOperation
from pathlib import Path

import pytest

from bot.disk import Disk


def test_writes_arrive_in_order_and_where_they_belong(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with Disk() as disk:
        file = disk.open(path)
        assert file.write(b"....hello") == 9
        file.seek(0)
        file.write(b"HEAD")
        assert file.tell() == 4
        file.close()
        file.close()
    assert path.read_bytes() == b"HEADhello"
    assert path.stat().st_mode & 0o777 == 0o600
    assert file.failure == ""


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with Disk() as disk:
        for number in range(20):
            with disk.open(tmp_path / str(number)) as file:
                file.write(b"x")
    assert set(os.listdir("/proc/self/fd")) == before
    assert not [t for t in threading.enumerate() if t.name == "disk"]


def test_a_place_that_cannot_be_written_is_given_up_with_a_reason(tmp_path: Path) -> None:
    with Disk() as disk:
        bad = disk.open(tmp_path / "missing" / "a.bin")
        good = disk.open(tmp_path / "b.bin")
        for file in (bad, good):
            file.write(b"one")
            file.close()
    assert bad.failure == "No such file or directory"
    assert (tmp_path / "b.bin").read_bytes() == b"one"


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Disk() as disk:
        file = disk.open(Path("/dev/full"))
        file.write(b"x" * 100)
        file.close()
    assert file.failure == "No space left on device"


def test_a_disk_too_far_behind_gives_a_file_up(tmp_path: Path) -> None:
    with Disk(max_queued_bytes=10) as disk:
        file = disk.open(tmp_path / "a.bin")
        file.write(b"x" * 11)
        assert "more than 10 bytes behind" in file.failure
        file.write(b"y")
        file.close()
    assert not (tmp_path / "a.bin").exists()


def test_it_can_only_seek_from_the_start(tmp_path: Path) -> None:
    file = Disk().open(tmp_path / "a.bin")
    assert file.seekable()
    assert file.writable()
    with pytest.raises(UnsupportedOperation):
        file.seek(0, SEEK_END)
