"""What a process has used and holds, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

__all__ = ["Usage"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Fields 14 and 15 of proc_pid_stat(5), counted from the third, which follows the name in brackets.
_USER, _SYSTEM = 14 - 3, 15 - 3


@dataclass(frozen=True, slots=True)
class Usage:
    """A process at one time.

    Attributes:
        at_s: the time (`monotonic`).
        cpu_s: seconds of a core that all its threads have used, in user and kernel mode.
        waited_s: seconds that its first thread was ready to run, and another had its core.
        resident_mb: resident memory in MB (10⁶ bytes).
    """

    at_s: float
    cpu_s: float
    waited_s: float
    resident_mb: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        """A process now.

        Raises:
            OSError: there is no such process.
        """
        process = Path("/proc", str(pid))
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        pages = int((process / "statm").read_text().split()[1])
        return cls(
            monotonic(),
            (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S,
            _waited_s(process),
            pages * _PAGE_BYTES / 1e6,
        )

    def percent_since(self, before: Usage) -> float:
        """How much of a core it has used since then."""
        return (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s) * 100

    def waited_percent_since(self, before: Usage) -> float:
        """For how much of the time since then it waited for its core."""
        return (self.waited_s - before.waited_s) / (self.at_s - before.at_s) * 100


def _waited_s(process: Path) -> float:
    """The run delay of the first thread; 0 where the kernel does not count it.

    Source: https://www.kernel.org/doc/html/latest/scheduler/sched-stats.html
    """
    try:
        return int((process / "schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0
