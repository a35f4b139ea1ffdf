"""The demo's own worker: real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import httpx
import pytest

from bot.demo.worker import WorkerFailed, start_worker

pytestmark = pytest.mark.real_time


async def test_a_worker_that_takes_calls_and_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.mkdtemp(prefix="demo-"))
    # What the user has set for workers of their own would stop this one.
    monkeypatch.setenv("PARLEY_PORT", "nonsense")
    monkeypatch.setenv("REDIS_URL", "nonsense")
    monkeypatch.setenv("SONIOX_REGION", "nonsense")
    monkeypatch.setenv("SONIOX_STT_URL", "nonsense")
    async with start_worker("echo", tmp_path / "log") as worker:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{worker.url}/api/calls")).json() == {"calls": []}
        worker.check()
    assert worker.process.returncode == 0
    # Fails if anything is left in it.
    os.rmdir(tempfile.gettempdir())
    assert worker.auth_token not in repr(worker)


async def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match=r"(?s)ended with status 2:.*nowhere\.toml"):
        async with start_worker("script:nowhere.toml", tmp_path / "log"):
            pass


async def test_a_worker_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    async with start_worker("echo", tmp_path / "log") as worker:
        os.kill(worker.process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            await worker.process.wait()
        with pytest.raises(WorkerFailed, match="ended with status -9"):
            worker.check()
