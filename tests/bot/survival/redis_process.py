"""A redis-server of a proof's own: it can hang, die, come back, and come back empty."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.redis_server import find_binary

__all__ = ["RedisProcess", "redis_process"]

DEADLINE_S = 10.0
POLL_S = 0.01


class RedisProcess:
    """A redis-server with an append-only file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._socket = folder / "redis.sock"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    async def start(self) -> None:
        """Start it, with the data that it left, and wait until it answers."""
        self._data.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(str(find_binary()), "--port", "0", "--unixsocket", str(self._socket)),
            *("--dir", str(self._data), "--appendonly", "yes", "--save", ""),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if await self._answers():
                    return
                await asyncio.sleep(POLL_S)

    def hang(self) -> None:
        """It takes connections from now on, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Shut it down; its data stay."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        assert self._process is not None
        await self._process.wait()

    def forget(self) -> None:
        """Delete the data of a server that does not run."""
        shutil.rmtree(self._data)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()


@asynccontextmanager
async def redis_process() -> AsyncIterator[RedisProcess]:
    """Run a redis-server until the context is left."""
    with tempfile.TemporaryDirectory(prefix="survival-") as folder:
        redis = RedisProcess(Path(folder))
        await redis.start()
        try:
            yield redis
        finally:
            await redis.stop()
