"""A worker of the demo's own: a real process, with a state directory that is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import bot
from bot.redis_server import wait_until_stopped
from bot.state_dir import dev_token
from providers.settings import VendorSettings

__all__ = ["WorkerFailed", "WorkerProcess", "free_port", "start_worker"]

# A slow machine loads its models for the first time.
READY_DEADLINE_S = 60.0
STOP_DEADLINE_S = 10.0
REDIS_DEADLINE_S = 10.0
POLL_S = 0.05
_LAST_WORDS = 20
# What the user has set for workers of their own is not for this one.
_FOREIGN = ("PARLEY_", "TWILIO_", "REDIS_URL", *map(str.upper, VendorSettings.model_fields))


class WorkerFailed(Exception):
    """The worker did not start, or ended by itself; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker that takes calls.

    Attributes:
        url: its address.
        auth_token: what its callers sign with.
        process: the leader of a process group.
        log: the file with what it has said.
    """

    url: str
    auth_token: str = field(repr=False)
    process: Process
    log: Path

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            WorkerFailed: it does not.
        """
        if (status := self.process.returncode) is not None:
            raise WorkerFailed(f"the worker ended with status {status}:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of what it has said."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_LAST_WORDS:]
        return "\n".join(lines) or "(it said nothing)"


@asynccontextmanager
async def start_worker(
    dialog: str, log: Path, *, module: str = "bot", **settings: str
) -> AsyncIterator[WorkerProcess]:
    """Run `parley serve --dev` on a free port until the context is left.

    Args:
        dialog: what answers, as in `PARLEY_DIALOG`.
        log: the file to which it says what it has to say.
        module: what is run: it must be `parley` in all but what it adds.
        settings: further variables of its environment.

    Raises (on entering):
        WorkerFailed: it ended, or was not ready within a minute.
        OSError: `log` or a temporary directory cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        state_dir = Path(folder)
        port = free_port()
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, "serve", "--dev", "--port", str(port)),
                # No settings file of the user's is in this directory.
                cwd=state_dir,
                env=_environment(os.environ, dialog, state_dir) | settings,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the demo, which hangs up before it stops the worker.
                start_new_session=True,
            )
        try:
            worker = WorkerProcess(f"http://127.0.0.1:{port}", dev_token(state_dir), process, log)
            await _wait_until_ready(worker)
            yield worker
        finally:
            await _stop(process)
            await wait_until_stopped(state_dir, REDIS_DEADLINE_S)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(env: Mapping[str, str], dialog: str, state_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if not name.startswith(_FOREIGN)}
    house = str(Path(bot.__file__).parents[1])
    paths = [house, *filter(None, [env.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PARLEY_DIALOG": dialog,
        "PARLEY_STATE_DIR": str(state_dir),
        "PARLEY_POCKETSPHINX_PROCESSES": "1",
        "PARLEY_DRAIN_S": "2",
    }


async def _wait_until_ready(worker: WorkerProcess) -> None:
    try:
        async with asyncio.timeout(READY_DEADLINE_S), httpx.AsyncClient(trust_env=False) as client:
            while not await _ready(client, worker.url):
                worker.check()
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        fault = f"the worker was not ready within {READY_DEADLINE_S:g} s"
        raise WorkerFailed(f"{fault}:\n{worker.last_words()}") from None


async def _ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/ready")).is_success
    except httpx.HTTPError:
        return False


async def _stop(process: Process) -> None:
    """End the worker: by its own shutdown, else, and whatever happens here, by force."""
    try:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
    finally:
        # Its group is not empty as long as one of its recognizer's processes is left.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
