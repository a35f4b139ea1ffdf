"""A real worker in a process of its own, for proofs and whole-call tests."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.phone.call import PhoneConfig
from bot.state_dir import find_dev_token

__all__ = ["Running", "running_worker"]

ROOT = Path(__file__).resolve().parents[2]
READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that takes calls."""

    url: str
    token: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def phone(self) -> PhoneConfig:
        """How to call it."""
        return PhoneConfig(self.url, self.token)


@asynccontextmanager
async def running_worker(**settings: str) -> AsyncIterator[Running]:
    """Run `parley serve --dev` with these variables, until the context is left."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        state, log = Path(folder) / "state", Path(folder) / "worker.log"
        port = free_port()
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "TWILIO_"))},
            "PARLEY_STATE_DIR": str(state),
            **settings,
        }
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "serve", "--dev", "--port", str(port)),
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url, process, log)
            yield Running(url, find_dev_token(state) or "", process, log)
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(READY_DEADLINE_S), httpx.AsyncClient() as client:
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the worker ended: {_read(log)}")
            try:
                if (await client.get(f"{url}/ready")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


def _read(log: Path) -> str:
    return log.read_text()
