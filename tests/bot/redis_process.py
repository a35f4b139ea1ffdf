"""What tests do to a redis-server: ask it, find its process, stop it, wait for it; or have one of
their own, which can hang, die, come back, and come back empty."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from bot.redis_server import find_binary
from bot.store import Store

from .process_facts import happens

__all__ = ["RedisProcess", "ask", "gone", "impatient", "redis_process", "server_pid", "stopped"]

DEADLINE_S = 10.0


def ask(url: str, *words: str) -> bytes:
    """The first line of the server's answer to one inline command."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(url.removeprefix("unix://"))
        client.sendall(" ".join(words).encode() + b"\r\n")
        return client.makefile("rb").readline().strip()


def server_pid(url: str) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(url.removeprefix("unix://"))
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[:4], sys.byteorder)


async def gone(pid: int) -> None:
    """Wait until process `pid` has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        async with asyncio.timeout(10):
            await asyncio.to_thread(_wait_readable, handle)
    finally:
        os.close(handle)


def _wait_readable(handle: int) -> None:
    assert select.select([handle], [], [], 10)[0]


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Inside, the server at `url` hangs: it takes connections and answers nothing."""
    pid = server_pid(url)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def impatient(*stores: Store, deadline_s: float = 0.05) -> Iterator[None]:
    """Inside, the stores wait only so long for an answer: Redis does not give any.

    Outside, where Redis is well, a store that gives up so soon makes a busy machine look like an
    outage.
    """
    before_s = [store._link._deadline_s for store in stores]
    for store in stores:
        store._link._deadline_s = deadline_s
    try:
        yield
    finally:
        for store, patience_s in zip(stores, before_s, strict=True):
            store._link._deadline_s = patience_s


class RedisProcess:
    """A redis-server with an append-only file in `folder`, written `everysec` or `always`."""

    def __init__(self, folder: Path, appendfsync: str = "everysec") -> None:
        self._data = folder / "data"
        self._socket = folder / "redis.sock"
        self._appendfsync = appendfsync
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    async def start(self) -> None:
        """Start it, with the data that it left, and wait until it answers.

        Raises:
            TimeoutError: it does not.
        """
        self._data.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(str(find_binary()), "--port", "0", "--unixsocket", str(self._socket)),
            *("--dir", str(self._data), "--appendonly", "yes", "--save", ""),
            *("--appendfsync", self._appendfsync),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        if not await happens(self._answers, DEADLINE_S):
            raise TimeoutError(f"redis-server does not answer within {DEADLINE_S:g} s")

    def hang(self) -> None:
        """It takes connections from now on, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Kill it; what was written stays."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """Shut it down, if it was started; its data stay."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)

    def forget(self) -> None:
        """Delete the data of a server that does not run."""
        shutil.rmtree(self._data)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _answers(self) -> bool:
        with suppress(OSError):
            return ask(self.url, "PING") == b"+PONG"
        return False


@asynccontextmanager
async def redis_process(appendfsync: str = "everysec") -> AsyncIterator[RedisProcess]:
    """Run a redis-server until the context is left."""
    with tempfile.TemporaryDirectory(prefix="parley-redis-") as folder:
        redis = RedisProcess(Path(folder), appendfsync)
        try:
            await redis.start()
            yield redis
        finally:
            await redis.stop()
