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
        resident_mb: resident memory in MB (10⁶ bytes).
    """

    at_s: float
    cpu_s: float
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
            pages * _PAGE_BYTES / 1e6,
        )

    def percent_since(self, before: Usage) -> float:
        """How much of a core it has used since then."""
        return (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s) * 100
