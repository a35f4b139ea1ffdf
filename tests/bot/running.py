"""A real worker in a process of its own, for proofs and whole-call tests."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.worker import start_worker
from bot.phone.call import PhoneConfig

__all__ = ["ROOT", "Running", "running_worker"]

ROOT = Path(__file__).resolve().parents[2]
# Calls that are made at the same time.
PROCESSES = "3"


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that takes calls, and how to call it."""

    phone: PhoneConfig
    process: asyncio.subprocess.Process
    log: Path


@asynccontextmanager
async def running_worker(**settings: str) -> AsyncIterator[Running]:
    """Run ``parley serve --dev`` with these variables, until the context is left."""
    given = {"PARLEY_DIALOG": "echo", "PARLEY_POCKETSPHINX_PROCESSES": PROCESSES, **settings}
    with tempfile.TemporaryDirectory(prefix="parley-log-") as folder:
        log = Path(folder) / "worker.log"
        async with start_worker(given.pop("PARLEY_DIALOG"), log, **given) as worker:
            yield Running(PhoneConfig(worker.url, worker.auth_token), worker.process, log)
