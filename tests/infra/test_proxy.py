"""The proxy's configuration, on a real proxy: who is let in, and to which worker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.demo.worker import free_port
from bot.dialog import Call, Hangup
from bot.phone.call import PhoneConfig, place_call
from bot.phone.steps import WaitForBot
from bot.settings import Settings
from bot.worker import run_worker

from .proxy import Proxy, running_proxy
from .workers import BalancedWorker, balanced_worker

TOKEN = "0123456789abcdef0123456789abcdef"
INSIDE = ["/health", "/ready", "/metrics"]
# Ways to write them that a proxy and a worker could take for different things.
DISGUISED = ["//metrics", "/twilio/../metrics", "/api/%2e%2e/metrics", "/%6detrics", "/metrics/"]


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """A proxy whose authority this process trusts."""
    proxy = Proxy(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.authority))
    return proxy


class Brief:
    """Says one sentence, and hangs up."""

    async def greet(self, call: Call) -> list[object]:
        return ["Hello.", Hangup()]


@asynccontextmanager
async def real_worker(proxy: Proxy, folder: Path) -> AsyncIterator[str]:
    """The address of a worker in this process, which is stopped by SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Settings.model_validate(
            {
                "public_url": proxy.url,
                "state_dir": folder / "state",
                "twilio_auth_token": TOKEN,
                "api_key": "key",
                "dialog": f"{__name__}:Brief",
                "vad": "energy",
                "pocketsphinx_processes": 1,
            }
        )
        ready = asyncio.Event()
        running = asyncio.create_task(run_worker(settings, listener=listener, on_ready=ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([running, waiting], timeout=30, return_when="FIRST_COMPLETED")
        waiting.cancel()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            if not running.done():
                os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(20):
                await running


def client(proxy: Proxy) -> httpx.AsyncClient:
    tls = ssl.create_default_context()
    return httpx.AsyncClient(base_url=proxy.url, verify=tls, trust_env=False, timeout=10)


async def test_a_call_goes_through_to_the_worker_that_is_ready(
    proxy: Proxy, tmp_path: Path
) -> None:
    gone = f"127.0.0.1:{free_port()}"
    async with (
        balanced_worker(ready=503) as draining,
        real_worker(proxy, tmp_path) as worker,
        running_proxy(proxy, [gone, draining.address, worker]),
        client(proxy) as outside,
    ):
        async with asyncio.timeout(10):
            await draining.polled.wait()
        refused = [(await outside.get(path)).status_code for path in INSIDE + DISGUISED]
        config = PhoneConfig(proxy.url, TOKEN, api_key="key", max_call_s=20)
        result = await place_call(config, [WaitForBot()])
        closed = await outside.get("/api/calls")
    assert (result.faults, result.ended.by) == ((), "bot")
    assert result.record is not None
    assert [entry["heard"] for entry in result.record["history"]] == ["Hello."]
    assert draining.asked == []
    assert refused == [404] * len(refused)
    assert closed.status_code == 401


async def post(outside: httpx.AsyncClient, times: int) -> None:
    for number in range(times):
        answer = await outside.post("/twilio/next", content=str(number))
        assert answer.status_code == 200


def posted(*workers: BalancedWorker) -> list[tuple[str, bytes]]:
    return sorted(request for worker in workers for request in worker.asked)


async def test_what_one_worker_refuses_another_one_gets_once(proxy: Proxy) -> None:
    async with (
        balanced_worker() as first,
        balanced_worker() as second,
        running_proxy(proxy, [first.address, second.address]),
        client(proxy) as outside,
    ):
        await post(outside, 20)
        assert first.asked
        assert second.asked
        first.asked.clear()
        second.asked.clear()
        second.served.stop_listening()
        await post(outside, 6)
    assert posted(first) == [("/twilio/next", b"%d" % number) for number in range(6)]


async def test_workers_of_which_none_is_ready_are_asked_all_the_same(proxy: Proxy) -> None:
    async with (
        balanced_worker(ready=503) as only,
        running_proxy(proxy, [f"127.0.0.1:{free_port()}", only.address]),
        client(proxy) as outside,
    ):
        async with asyncio.timeout(10):
            await only.polled.wait()
        await post(outside, 4)
        assert (await outside.get("/metrics")).status_code == 404
    assert posted(only) == [("/twilio/next", b"%d" % number) for number in range(4)]
