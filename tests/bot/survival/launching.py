"""Starting a worker's process: as anybody would, or, for the suite, from one that has imported all.

Two thirds of what it costs to start a worker is importing it. Where several proofs start a dozen of
them at the same time on two cores, they are forked from a server that did it once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Protocol

__all__ = ["Launched", "launch", "launch_warm"]

# All that a worker imports, and what its dialog does.
_PRELOADED = ("bot.serve", "bot.worker", "bot.telephony.rest", "uvloop", "onnxruntime")


class Launched(Protocol):
    """A process."""

    @property
    def pid(self) -> int:
        """Its number, and its group's."""

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""

    async def wait(self) -> int:
        """Wait for its end: how it ended."""


async def launch(
    arguments: tuple[str, ...], folder: Path, env: Mapping[str, str], log: Path
) -> Launched:
    """Run `parley` with these arguments, in `folder`, as the leader of a group of its own."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *arguments),
            cwd=folder,
            env=env,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def launch_warm(
    arguments: tuple[str, ...], folder: Path, env: Mapping[str, str], log: Path
) -> Launched:
    """The same, but forked from a process that has imported a worker."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_PRELOADED, __name__])
    process = context.Process(target=_run, args=(arguments, str(folder), dict(env), str(log)))
    # Starting the server, the first time, takes as long as a worker.
    await asyncio.to_thread(process.start)
    return _Warm(process)


class _Warm:
    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    async def wait(self) -> int:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        status = self.returncode
        assert status is not None
        return status


def _run(arguments: tuple[str, ...], folder: str, env: dict[str, str], log: str) -> None:
    """In the new process: become what `launch` would have started."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    from bot.cli import main

    sys.argv = ["parley", *arguments]
    main()
