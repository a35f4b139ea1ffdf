"""Several worker processes behind one port: started, restarted, and stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections import deque
from contextlib import suppress
from pathlib import Path

import structlog
from prometheus_client import multiprocess

from bot.metrics import MULTIPROCESS_VARIABLE

__all__ = ["run_workers"]

log = structlog.get_logger(__name__)

STOP_GRACE_S = 20.0
"""What a worker may need beyond the time that it gives its calls."""
MAX_RESTARTS = 5
RESTART_WINDOW_S = 30.0
_ROOT = Path(__file__).resolve().parents[1]


async def run_workers(
    count: int, arguments: list[str], host: str, port: int, drain_s: float
) -> int:
    """Run `count` workers on one port until told to stop by SIGTERM or SIGINT.

    A worker that dies is started again, unless they die too often. Their metrics are added up, so
    that any of them can tell those of all. A second signal is passed on: then they stop at once.

    Args:
        arguments: of `parley serve` for each worker.
        drain_s: how long each lets its calls go on when it is to stop.

    Returns:
        0 when stopped; 1 when the workers kept dying.

    Raises:
        OSError: the port cannot be had.
    """
    with (
        socket.create_server((host, port), backlog=1024) as listener,
        tempfile.TemporaryDirectory(prefix="parley-metrics-") as folder,
    ):
        return await _Workers(count, arguments, listener, folder, drain_s).run()


class _Workers:
    def __init__(
        self,
        count: int,
        arguments: list[str],
        listener: socket.socket,
        folder: str,
        drain_s: float,
    ) -> None:
        self._count = count
        # -P: what is called bot.py in the working directory is the user's.
        self._command = [sys.executable, "-P", "-m", "bot", "serve", *arguments]
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._environment = {**os.environ, "PYTHONPATH": path, MULTIPROCESS_VARIABLE: folder}
        self._listener = listener
        self._folder = folder
        self._stop_deadline_s = drain_s + STOP_GRACE_S
        self._processes: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()
        self._deaths: deque[float] = deque(maxlen=MAX_RESTARTS)
        self._failed = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._keep_one(group))
        return 1 if self._failed else 0

    def _signalled(self) -> None:
        if self._stopping.is_set():
            self._terminate()
        self._stopping.set()

    def _terminate(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()

    async def _keep_one(self, group: asyncio.TaskGroup) -> None:
        """Keep one worker running until all are to stop."""
        while not self._stopping.is_set():
            process = await self._start()
            self._processes.add(process)
            ended = group.create_task(process.wait())
            stopping = group.create_task(self._stopping.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if ended.done():
                self._died(process)
            else:
                await self._stop(process, ended)
            self._processes.discard(process)

    async def _start(self) -> asyncio.subprocess.Process:
        fd = self._listener.fileno()
        return await asyncio.create_subprocess_exec(
            *self._command,
            *("--fd", str(fd)),
            pass_fds=[fd],
            env=self._environment,
        )

    def _died(self, process: asyncio.subprocess.Process) -> None:
        now_s = asyncio.get_running_loop().time()
        self._deaths.append(now_s)
        multiprocess.mark_process_dead(process.pid, self._folder)
        log.error("worker died", pid=process.pid, status=process.returncode)
        too_often = len(self._deaths) == MAX_RESTARTS
        if too_often and now_s - self._deaths[0] < RESTART_WINDOW_S:
            log.error("workers keep dying: giving up")
            self._failed = True
            self._stopping.set()

    async def _stop(self, process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> None:
        process.terminate()
        try:
            async with asyncio.timeout(self._stop_deadline_s):
                await ended
        except TimeoutError:
            log.error("worker did not stop in time", pid=process.pid)
            process.kill()
            await process.wait()
