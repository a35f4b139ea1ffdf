"""What a process holds, seen from outside: memory, threads, file handles, sockets, and its metrics.

Linux only, as all of this is read from /proc. What nobody outside can see, a worker of
`tests.bot.observed` tells.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["ProcessFacts", "counted", "facts_of", "happens", "total"]

POLL_S = 0.02

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process at one moment.

    Attributes:
        rss_kb: resident memory.
        threads: how many.
        handles: open file descriptors by kind: `tcp`, `unix` (sockets, one to Redis among them),
            `pipe`, `anon_inode:[eventpoll]`, `file` and so on.
        children: processes that it has started and that still run.
    """

    rss_kb: int
    threads: int
    handles: Counter[str]
    children: int


def facts_of(pid: int) -> ProcessFacts:
    """What the process holds now.

    Raises:
        OSError: there is no such process.
    """
    process = Path("/proc", str(pid))
    fields = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    children = (process / "task" / str(pid) / "children").read_text().split()
    return ProcessFacts(
        rss_kb=int(fields["VmRSS"].split()[0]),
        threads=int(fields["Threads"]),
        handles=Counter(_kinds(process)),
        children=len(children),
    )


def _kinds(process: Path) -> list[str]:
    unix = {line.split()[6] for line in (process / "net" / "unix").read_text().splitlines()[1:]}
    kinds = []
    for handle in (process / "fd").iterdir():
        try:
            target = os.readlink(handle)
        except FileNotFoundError:
            continue  # closed since the folder was listed
        kind, _, inode = target.partition(":[")
        if kind == "socket":
            kind = "unix" if inode.rstrip("]") in unix else "tcp"
        kinds.append("file" if kind.startswith("/") else target if kind == "anon_inode" else kind)
    return kinds


async def happens(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Wait until it is so; false when it is not within the deadline.

    For what another process does: inside this one there is an event to await.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + deadline_s
    while True:
        if condition():
            return True
        if loop.time() >= end_s:
            return False
        await asyncio.sleep(POLL_S)


async def counted(client: httpx.AsyncClient) -> Counter[tuple[str, Labels]]:
    """The worker's counters and gauges by name and labels."""
    response = await client.get("/metrics")
    return Counter(
        {
            (sample.name, frozenset(sample.labels.items())): round(sample.value)
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if family.type in {"counter", "gauge"} and not sample.name.endswith("_created")
        }
    )


def total(counts: Counter[tuple[str, Labels]], name: str, **labels: str) -> int:
    """The sum of all samples of `name` that carry `labels`."""
    return sum(
        value
        for (sample, given), value in counts.items()
        if sample == name and given >= frozenset(labels.items())
    )
