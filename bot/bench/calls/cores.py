"""Two cores: the worker has one to itself, and everything else is on the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cores", "pin", "two_cores"]

_CPUS = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, slots=True)
class Cores:
    """The numbers of two cores."""

    worker: int
    phones: int


@contextmanager
def two_cores() -> Iterator[Cores | None]:
    """Move this thread, and what it starts, to the phones' core until the context is left.

    Gives None, and moves nothing, where there is one core alone.
    """
    before = os.sched_getaffinity(0)
    cores = _choose(before)
    if cores is None:
        yield None
        return
    os.sched_setaffinity(0, {cores.phones})
    try:
        yield cores
    finally:
        os.sched_setaffinity(0, before)


def pin(pid: int, core: int) -> None:
    """Move all threads of a process to a core; those that they start stay there."""
    with suppress(FileNotFoundError):  # a process that has ended
        for task in list(Path("/proc", str(pid), "task").iterdir()):
            with suppress(ProcessLookupError):  # a thread that has
                os.sched_setaffinity(int(task.name), {core})


def _choose(available: set[int]) -> Cores | None:
    """The first core, and one that shares nothing with it if possible."""
    worker, *others = sorted(available)
    if not others:
        return None
    siblings = _siblings(worker)
    return Cores(worker, next((core for core in others if core not in siblings), others[0]))


def _siblings(core: int) -> set[int]:
    """The logical cores of the same physical one."""
    try:
        text = (_CPUS / f"cpu{core}" / "topology" / "thread_siblings_list").read_text()
    except OSError:
        return {core}
    siblings: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        siblings |= set(range(int(first), int(last or first) + 1))
    return siblings
