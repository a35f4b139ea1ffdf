"""Worker processes that a proof kills, freezes, stops, and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx

import bot
from bot.demo.worker import free_port

from .launching import Launched, launch

__all__ = ["Worker", "WorkerNotReady"]

READY_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
CHILDLESS_DEADLINE_S = 5.0
POLL_S = 0.05
# What the user has set for workers of their own is not for these.
_FOREIGN = ("PARLEY_", "TWILIO_", "REDIS_URL")


class WorkerNotReady(Exception):
    """A worker did not start; the message holds its last words."""


class Worker:
    """One `parley serve --dev` on a port of its own, which it keeps when it is started again.

    Args:
        name: of its log file in `folder`.
        folder: its working directory.
        settings: variables of its environment.
        start: how its process is started.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Mapping[str, str],
        start: Callable[..., Awaitable[Launched]] = launch,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.port = free_port()
        self._folder = folder
        self._settings = dict(settings)
        self._launch = start
        self._process: Launched | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def status(self) -> int | None:
        """How its process ended, as `subprocess` tells it; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it, and wait until it takes calls.

        Raises:
            WorkerNotReady: it ended, or was not ready within a minute.
        """
        self._process = await self._launch(
            ("serve", "--dev", "--port", str(self.port)),
            self._folder,
            _environment() | self._settings,
            self.log,
        )
        await self._until_ready()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker itself, not to its recognizer's processes."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def ended(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """Wait for its end: its status.

        Raises:
            TimeoutError: it goes on running.
        """
        assert self._process is not None, "never started"
        async with asyncio.timeout(deadline_s):
            return await self._process.wait()

    async def childless(self) -> bool:
        """Whether nothing is left of its process group, now or within five seconds."""
        for _ in range(round(CHILDLESS_DEADLINE_S / POLL_S)):
            if not _group_lives(self.pid):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def stop(self) -> None:
        """End it: by its own shutdown, else, and whatever happens here, by force."""
        if self._process is None:
            return
        try:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await self.ended()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    def last_words(self) -> str:
        """The end of what it has said."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:])

    async def _until_ready(self) -> None:
        try:
            async with (
                asyncio.timeout(READY_DEADLINE_S),
                httpx.AsyncClient(trust_env=False, verify=False) as client,
            ):
                while self.running:
                    with suppress(httpx.HTTPError):
                        if (await client.get(f"{self.url}/ready")).is_success:
                            return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            pass
        raise WorkerNotReady(f"{self.name} is not ready:\n{self.last_words()}")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    house = str(Path(bot.__file__).parents[1])
    paths = [house, *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}
