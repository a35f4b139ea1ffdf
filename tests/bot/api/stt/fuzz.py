"""Sends messages that no client should send into sessions of a whole worker, and looks for harm.

From a shell: `python -m tests.bot.api.stt.fuzz --messages 10000`. The worker runs in this process,
so that a task which is left behind is seen. Beside those that disturb, sessions go on that must be
understood word for word; every message that anybody gets is checked by the AsyncAPI description.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from bot import log
from bot.api.stt import upkeep
from bot.demo.worker import free_port
from bot.settings import Settings
from bot.worker import run_worker
from media.audio import ULAW_8K
from tests.vendors.soniox.limits import Limits
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .fuzz_clients import Fuzz, Played

KEY = "hush-hush"
SCRIPT_TEXT = ("Hello, I would like to make an appointment.", "On Friday, please.")
PIECE_MS = 100
READY_S = 60.0
SETTLED_S = 60
RESUME_S = 1.0
"""What is left of clients that do not come back need not be awaited for as long as in a worker."""
SLACK_BYTES = 64 << 20
"""What memory may grow by, whatever was sent."""


class _Errors(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()}")


@dataclass(frozen=True, slots=True)
class Here:
    """A worker in this process."""

    port: int
    errors: list[str]

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def worker_here(**settings: Any) -> AsyncIterator[Here]:
    """Run a worker in this process until the context is left."""
    errors = _Errors()
    with (
        tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder,
        (Path(folder) / "log").open("w") as written,
    ):
        state_dir = Path(folder)
        log.configure("error", written)
        logging.getLogger().addHandler(errors)
        port, ready = free_port(), asyncio.Event()
        own = {"public_url": f"http://127.0.0.1:{port}", "port": port, "state_dir": state_dir}
        own |= {"twilio_auth_token": KEY, "dev": True, "drain_s": 1}
        given = Settings.model_validate({**own, **settings})
        running = asyncio.create_task(run_worker(given, on_ready=ready.set))
        try:
            async with asyncio.timeout(READY_S):
                await asyncio.wait(
                    [running, asyncio.create_task(ready.wait())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            if running.done():
                await running
            yield Here(port, errors.lines)
        finally:
            running.cancel()
            await asyncio.wait([running])
            logging.getLogger().removeHandler(errors)


def played(script: Script) -> Played:
    """A script as a session plays it: each word of it is to be understood."""
    size = ULAW_8K.byte_count(PIECE_MS)
    pieces = [script.audio[at : at + size] for at in range(0, len(script.audio), size)]
    return Played("encoding=mulaw&sample_rate=8000", pieces, PIECE_MS / 1000, " ".join(SCRIPT_TEXT))


async def settled(here: Here, tasks: int) -> int:
    """How many tasks are left when the sessions are over that nobody resumes."""
    async with httpx.AsyncClient(base_url=f"http://{here.url}", trust_env=False) as client:
        for _ in range(SETTLED_S):
            if not (await client.get("/health")).json()["sessions"]:
                break
            await asyncio.sleep(1)
    for _ in range(SETTLED_S):
        if len(asyncio.all_tasks()) <= tasks:
            break
        await asyncio.sleep(0.1)
    return len(asyncio.all_tasks())


async def run(messages: int, seed: int) -> list[str]:
    """Send so many; what is wrong, line by line."""
    script = computed_script(SCRIPT_TEXT, pause_ms=1_000)
    limits = Limits(stt_at_once=1_000, starts_per_min=100_000)
    vendor = SonioxStandIn(OracleHearing(script), api_key=KEY, limits=limits, keep=False)
    async with (
        vendor,
        worker_here(
            stt_provider="soniox",
            tts_provider="espeak",
            soniox_api_key=KEY,
            soniox_stt_url=vendor.stt_url,
            vad="energy",
            stt_max_sessions=1_000,
        ) as here,
    ):
        first = Fuzz(f"ws://{here.url}", played(script), 20, seed)
        await first.run(wild=1, heckled=1)  # what is loaded when it is first used, is
        await settled(here, 0)
        tasks, memory = len(asyncio.all_tasks()), resident_bytes()
        fuzz = Fuzz(f"ws://{here.url}", played(script), messages, seed)
        began_s = time.monotonic()
        await fuzz.run()
        print(f"{fuzz.sent} messages in {time.monotonic() - began_s:.0f} s")
        left = await settled(here, tasks)
        grown = resident_bytes() - memory
        for name, counts in (("understood", fuzz.whole), ("told", fuzz.told), ("end", fuzz.ends)):
            for what, count in counts.most_common():
                print(f"{name:>12} {count:6} {what}")
        print(f"{left - tasks} tasks left, {grown / 1e6:.1f} MB more, {len(here.errors)} errors")
        faults = [f"logged: {line}" for line in here.errors]
        if left > tasks:
            faults.append(f"{left - tasks} tasks are left: {asyncio.all_tasks()}")
        if grown > SLACK_BYTES:
            faults.append(f"{grown} bytes are not given back")
    return faults


def resident_bytes() -> int:
    """How much memory this process has."""
    pages = Path("/proc/self/statm").read_bytes().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main(arguments: Sequence[str]) -> int:
    """Fuzz; 1 when something was harmed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bot.api.stt.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with patch.object(upkeep, "RESUME_S", RESUME_S):
        faults = asyncio.run(run(given.messages, given.seed))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
