"""Runs the clients of the service that users begin from, as users do: each a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

from bot.api.stt import examples

__all__ = ["EXAMPLES", "ClientFailed", "find_node", "install", "run_node", "run_python"]

EXAMPLES = Path(examples.__file__).parent
RUN_S, INSTALL_S = 240.0, 120.0


class ClientFailed(Exception):
    """A client ended with an error; the message holds its last words."""


def find_node() -> str | None:
    """Where Node is; None when it or npm is not there."""
    return shutil.which("node") if shutil.which("npm") else None


async def install(folder: Path) -> None:
    """Put Node's clients into a folder, with the package they need from npm's registry.

    Raises:
        ClientFailed: it cannot be had.
    """
    for source in EXAMPLES.glob("*.mjs"):
        shutil.copy(source, folder)
    command = ("npm", "install", "--silent", "--no-fund", "--no-audit", "ws")
    await _run(command, folder, INSTALL_S)


async def run_python(name: str, recording: Path, url: str, parameters: Sequence[str]) -> str:
    """What a client in Python prints, in one line. Raises `ClientFailed`."""
    client = str(EXAMPLES / f"{name}.py")
    command = (sys.executable, client, str(recording), "--url", url, *parameters)
    return await _run(command, recording.parent, RUN_S)


async def run_node(
    name: str, recording: Path, url: str, parameters: Sequence[str], folder: Path = EXAMPLES
) -> str:
    """What a client for Node prints, in one line. Raises `ClientFailed`.

    Args:
        folder: where it was installed, if it needs a package.
    """
    command = ("node", str(folder / f"{name}.mjs"), str(recording), url, *parameters)
    return await _run(command, recording.parent, RUN_S)


async def _run(command: Sequence[str], folder: Path, deadline_s: float) -> str:
    # Nothing of Parley is on the path of a client.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(deadline_s):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ClientFailed(complained.decode()[-500:])
    return " ".join(said.decode().split())
