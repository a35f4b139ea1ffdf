"""All that a round of calls needs, running: a worker on its core, vendors and a Redis on ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.demo.worker import WorkerProcess, start_worker
from bot.phone.balancer import Balancer
from bot.phone.webhook import Webhooks
from bot.redis_server import private_redis, wait_until_stopped

from .cores import Cores, pin
from .exchange import Exchange
from .line import Line, Seen
from .script import Material
from .vendors import STT_PATH, TTS_PATH, serve_vendors
from .wheel import Wheel

__all__ = ["Rig", "rig"]

DIALOG = "bot.bench.calls.dialog:reply"
VENDOR = "soniox"
REDIS_DEADLINE_S = 10.0
PATIENCE_S = 60.0
"""A worker with too many calls answers late; that it has too many is seen from the calls."""
MAX_DURATION_S = 86_400
"""The longest that the worker can be told to let a call last: the phones end theirs."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A worker and its surroundings.

    Attributes:
        exchange: what the phones and the vendors know of each other.
        client: asks the worker, by its base URL.
        chunk_ms: how much audio goes to the recognizer at a time.
    """

    worker: WorkerProcess
    exchange: Exchange
    webhooks: Webhooks
    client: httpx.AsyncClient
    chunk_ms: int


@asynccontextmanager
async def rig(
    material: Material, max_calls: int, chunk_ms: int, cores: Cores | None, folder: Path
) -> AsyncIterator[Rig]:
    """Start everything, and stop it when the context is left.

    Raises (on entering):
        WorkerFailed: the worker does not start.
        RedisServerError: there is no Redis.
        OSError: something cannot be written, or no port be had.
    """
    line = Line(material.track, Wheel(), Seen())
    exchange = Exchange(line)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serve_vendors(exchange, material.voice))
        # The server writes into the folder, which is deleted afterwards, to its end.
        stack.push_async_callback(wait_until_stopped, folder, REDIS_DEADLINE_S)
        redis_url = await stack.enter_async_context(private_redis(folder))
        settings = _settings(port, redis_url, max_calls, chunk_ms)
        # Before the worker, which synthesizes its apology at the start.
        line.wheel.start()
        stack.callback(line.wheel.stop)
        worker = await stack.enter_async_context(
            start_worker(DIALOG, folder / "worker.log", **settings)
        )
        if cores is not None:
            pin(worker.process.pid, cores.worker)
        balancer = await stack.enter_async_context(Balancer(worker.url))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=worker.url, trust_env=False, timeout=PATIENCE_S)
        )
        yield Rig(worker, exchange, Webhooks(balancer, worker.auth_token), client, chunk_ms)


def _settings(port: int, redis_url: str, max_calls: int, chunk_ms: int) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "PARLEY_MAX_CALLS": str(max_calls),
        "PARLEY_MAX_DURATION_S": str(MAX_DURATION_S),
        "PARLEY_STT_PROVIDER": VENDOR,
        "PARLEY_TTS_PROVIDER": VENDOR,
        "PARLEY_STT_CHUNK_MS": str(chunk_ms),
        "SONIOX_API_KEY": "bench",
        "SONIOX_STT_URL": f"ws://127.0.0.1:{port}{STT_PATH}",
        "SONIOX_TTS_URL": f"ws://127.0.0.1:{port}{TTS_PATH}",
    }
