"""Processes of our own modules, each on a core of its own choosing."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import bot

from .cores import pin

__all__ = ["ChildFailed", "child", "output_of", "serving_child"]

STOP_S = 5.0
# Before it is accepted, a connection waits in the kernel; the first one for the process's start.
BACKLOG = 1_024


class ChildFailed(Exception):
    """A process of the benchmark ended by itself; the message holds its last line."""


@asynccontextmanager
async def child(
    module: str, *arguments: str, core: int | None, pass_fds: Sequence[int] = ()
) -> AsyncIterator[Process]:
    """Run a module until the context is left; what it prints can be read."""
    house = str(Path(bot.__file__).parents[1])
    paths = [house, *filter(None, [os.environ.get("PYTHONPATH")])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=pass_fds,
    )
    try:
        if core is not None:
            pin(process.pid, core)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def serving_child(module: str, *, core: int | None) -> AsyncIterator[tuple[Process, int]]:
    """Run a module that serves on the listening socket whose number it is told, and its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        descriptor = listener.fileno()
        async with child(module, str(descriptor), core=core, pass_fds=[descriptor]) as process:
            yield process, listener.getsockname()[1]


async def output_of(module: str, *arguments: str, core: int | None, deadline_s: float) -> bytes:
    """What a module prints, which ends by itself.

    Raises:
        ChildFailed: it failed, or took too long.
    """
    async with child(module, *arguments, core=core) as process:
        try:
            async with asyncio.timeout(deadline_s):
                output, errors = await process.communicate()
        except TimeoutError:
            raise ChildFailed(f"{module} took longer than {deadline_s:g} s") from None
    if process.returncode:
        words = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ChildFailed(f"{module} failed: {' '.join(words)}")
    return output
