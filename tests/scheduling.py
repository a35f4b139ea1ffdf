"""Which test process runs which file.

What takes place in real time waits most of its time, and fails when nobody lets it run at the right
moment; the rest computes. So some processes have the former, one after the other, and the others,
with less of a claim to the processor, the latter. Whoever has done all of the former helps out.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

__all__ = ["TwoKinds", "give_way"]

ROOT = Path(__file__).parent.parent
PUNCTUAL = frozenset({"gw0", "gw1"})
"""The processes for what takes place in real time."""
LESS = 10
_REAL_TIME = re.compile(r"\bpytest\.mark\.real_time\b")


def give_way() -> None:
    """Let the process run behind those for real time, if it is none of them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None and worker not in PUNCTUAL:
        os.nice(LESS)


class TwoKinds(LoadFileScheduling):  # type: ignore[misc]
    """Gives a file to a process of its kind; each goes to one process whole."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        punctual = node.gateway.id in PUNCTUAL
        own = next((file for file in self.workqueue if _is_real_time(file) is punctual), None)
        if own is not None:
            self.workqueue.move_to_end(own, last=False)
        elif not punctual:
            node.shutdown()
            return
        super()._assign_work_unit(node)


@cache
def _is_real_time(file: str) -> bool:
    return bool(_REAL_TIME.search((ROOT / file).read_text("utf-8")))
