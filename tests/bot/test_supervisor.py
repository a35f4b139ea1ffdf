"""Two real workers behind one port."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from bot.demo.worker import free_port
from tests.bot.running import ROOT

pytestmark = pytest.mark.real_time

DEADLINE_S = 30.0


def processes(port: int) -> set[int]:
    """The workers that serve `port`, found by their command lines."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if "--fd" in words and str(port) in words:
            found.add(int(entry.name))
    return found


async def test_a_worker_that_dies_is_replaced_and_all_stop_together(tmp_path: Path) -> None:
    # The dialog is the user's, but what is called as a package of ours is not run in its place.
    (tmp_path / "hello.py").write_text("def reply(call, turn): return 'Hello.'\n")
    (tmp_path / "bot.py").write_text("raise SystemExit('the user's')\n")
    port = free_port()
    supervisor = await asyncio.create_subprocess_exec(
        # The `parley` command has not the working directory on its path either.
        *(sys.executable, "-P", "-m", "bot", "serve", "--dev"),
        *("--workers", "2", "--port", str(port)),
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PARLEY_DIALOG": "hello:reply",
            "PARLEY_STATE_DIR": str(tmp_path / "state"),
            "PARLEY_POCKETSPHINX_PROCESSES": "1",
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await replaced_and_stopped(supervisor, port)
    finally:
        with suppress(ProcessLookupError):
            supervisor.kill()
        await supervisor.wait()
        for worker in processes(port):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


async def replaced_and_stopped(supervisor: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(timeout=DEADLINE_S) as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/ready")).is_success:
                    break
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        before = processes(port)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        replaced = before
        while not replaced - before:
            await asyncio.sleep(0.05)
            replaced = await asyncio.to_thread(processes, port)
        metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        assert "parley_calls_active 0.0" in metrics
        supervisor.send_signal(signal.SIGTERM)
        assert await supervisor.wait() == 0
    assert not processes(port)
