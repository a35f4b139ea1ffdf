"""All that a round of sessions needs: a worker on its core, a vendor and a Redis on ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.bench.calls.cores import Cores, pin
from bot.bench.calls.exchange import Exchange
from bot.bench.calls.line import Line, Seen
from bot.bench.calls.rig import DIALOG, PATIENCE_S, REDIS_DEADLINE_S, VENDOR
from bot.bench.calls.script import Material
from bot.bench.calls.vendors import STT_PATH, TTS_PATH, serve_vendors
from bot.bench.calls.wheel import Wheel
from bot.demo.worker import WorkerProcess, start_worker
from bot.redis_server import private_redis, wait_until_stopped

from .recognizer import Recognizer
from .seen import Scene
from .speech import make_speech

__all__ = ["Rig", "rig"]


@dataclass(frozen=True, slots=True)
class Rig:
    """A worker and its surroundings.

    Attributes:
        scene: what clients and the vendor know of each other.
        client: asks the worker, by its base URL.
    """

    worker: WorkerProcess
    scene: Scene
    client: httpx.AsyncClient


@asynccontextmanager
async def rig(
    material: Material, sessions: int, cores: Cores | None, folder: Path
) -> AsyncIterator[Rig]:
    """Start everything, and stop it when the context is left.

    Args:
        sessions: how many the worker takes at a time.

    Raises (on entering):
        WorkerFailed: the worker does not start.
        RedisServerError: there is no Redis.
        OSError: something cannot be written, or no port be had.
    """
    scene = Scene(make_speech(material.track), Wheel())
    async with AsyncExitStack() as stack:
        # A worker synthesizes its apology at the start.
        calls = Exchange(Line(material.track, scene.wheel, Seen()))
        port = await stack.enter_async_context(
            serve_vendors(calls, material.voice, lambda end: Recognizer(end, scene))
        )
        # The server writes into the folder, which is deleted afterwards, to its end.
        stack.push_async_callback(wait_until_stopped, folder, REDIS_DEADLINE_S)
        redis_url = await stack.enter_async_context(private_redis(folder))
        scene.wheel.start()
        stack.callback(scene.wheel.stop)
        settings = _settings(port, redis_url, sessions)
        worker = await stack.enter_async_context(
            start_worker(DIALOG, folder / "worker.log", **settings)
        )
        if cores is not None:
            pin(worker.process.pid, cores.worker)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=worker.url, trust_env=False, timeout=PATIENCE_S)
        )
        yield Rig(worker, scene, client)


def _settings(port: int, redis_url: str, sessions: int) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "PARLEY_STT_MAX_SESSIONS": str(sessions),
        "PARLEY_STT_PROVIDER": VENDOR,
        "PARLEY_TTS_PROVIDER": VENDOR,
        "SONIOX_API_KEY": "bench",
        "SONIOX_STT_URL": f"ws://127.0.0.1:{port}{STT_PATH}",
        "SONIOX_TTS_URL": f"ws://127.0.0.1:{port}{TTS_PATH}",
    }
