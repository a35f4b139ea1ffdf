"""The process: everything a worker is made of, its signals, and its process-level tasks.

The process-level tasks, all of them: `store.run` (writes what is buffered), `calls.run` (ends
calls that nobody came back for), `inbox.run` (what other workers were asked of our calls),
`server.serve` (uvicorn), `drain.run` (how it stops).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from starlette.applications import Starlette

from bot.api.calls import CallsApi
from bot.app import build_app
from bot.calls import Calls
from bot.dialog.hook import load_dialog
from bot.disk import Disk
from bot.drain import Drain
from bot.ears import Ears
from bot.engines import Engines
from bot.inbox import Inbox
from bot.live_call import LiveCalls
from bot.metrics import Metrics
from bot.reaching import Reaching
from bot.redis_server import private_redis
from bot.server import Server
from bot.settings import Settings
from bot.store import Store, StoreUnavailable
from bot.telephony.address import Address
from bot.telephony.admission import Admission
from bot.telephony.answers import Answers
from bot.telephony.memory import SharedMemory
from bot.telephony.rest import TwilioRest
from bot.telephony.webhooks import Webhooks
from bot.vad import load_model

__all__ = ["run_worker"]

log = structlog.get_logger(__name__)

FLUSH_DEADLINE_S = 5.0


async def run_worker(
    settings: Settings,
    *,
    listener: socket.socket | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run a worker until it is told to stop by SIGTERM or SIGINT.

    Args:
        listener: a bound socket to serve on; None binds `settings.host` and `port`.
        on_ready: called when calls can be taken.

    Raises:
        ProviderError, DialogError, MissingModelError: something it is made of cannot be had.
        RedisServerError: no private Redis can be started.
        OSError: the port cannot be had, or the recordings' directory not be made.
    """
    worker_id = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        if listener is None:
            # At once, and by us: uvicorn would end the process in its own way, after all the rest.
            listener = stack.enter_context(_bind(settings.host, settings.port))
        redis_url = await _redis_url(settings, stack)
        store = Store(
            redis_url,
            prefix=settings.redis_prefix,
            retention_days=settings.retention_days,
            metrics=metrics,
            on_superseded=lambda sid: calls.superseded(sid),
        )
        stack.push_async_callback(store.aclose)
        with contextlib.suppress(StoreUnavailable):
            # It is logged and counted; calls are answered all the same.
            await store.ping()
        model = await asyncio.to_thread(load_model, settings.vad)
        # Twice the calls: two generations of one call may overlap for a moment.
        ears = Ears(model, max_calls=2 * settings.max_calls)
        stack.callback(ears.close)
        engines = await stack.enter_async_context(_engines(settings))
        disk = stack.enter_context(Disk())
        if settings.recordings is not None:
            settings.recordings.mkdir(parents=True, exist_ok=True)
        memory = SharedMemory(store)
        makes = LiveCalls(
            settings,
            worker_id=worker_id,
            store=store,
            ears=ears,
            engines=engines,
            dialogs={bot.dialog: load_dialog(bot.dialog) for bot in settings.bots()},
            disk=disk,
        )
        calls = Calls(makes, store, ears, metrics)
        inbox = Inbox(redis_url, worker_id, prefix=settings.redis_prefix, metrics=metrics)
        stack.push_async_callback(inbox.aclose)
        rest = _rest(settings)
        if rest is not None:
            stack.push_async_callback(rest.aclose)
        reaching = Reaching(store, inbox, calls, rest, Answers(settings, time.time))

        def ready() -> None:
            used = {"dialog": settings.dialog, "vad": model.name}
            used |= {"stt": settings.stt_provider, "tts": settings.tts_provider}
            redis = "private" if settings.redis_url is None else "REDIS_URL"
            log.info("ready", url=settings.public_url, port=settings.port, redis=redis, **used)
            on_ready()

        app = _app(settings, calls, store, memory, metrics, worker_id, reaching)
        works = (store.run(), calls.run(), inbox.run(calls.command))
        await _serve(Server(app, ready), calls, store, listener, settings.drain_s, works)


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens when uvicorn says so."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


async def _redis_url(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return await stack.enter_async_context(private_redis(settings.state_dir))


@asynccontextmanager
async def _engines(settings: Settings) -> AsyncIterator[Engines]:
    own = {"pocketsphinx": {"processes": settings.pocketsphinx_processes}}
    engines = Engines(settings.bots(), settings.apology, settings.farewell, own)
    try:
        await engines.start()
        yield engines
    finally:
        await engines.aclose()


def _rest(settings: Settings) -> TwilioRest | None:
    if not settings.rest_configured:
        return None
    assert settings.twilio_account_sid is not None
    return TwilioRest(
        settings.twilio_account_sid,
        settings.auth_tokens[0],
        api_url=settings.twilio_api_url,
        region=settings.twilio_region,
        edge=settings.twilio_edge,
    )


def _app(
    settings: Settings,
    calls: Calls,
    store: Store,
    memory: SharedMemory,
    metrics: Metrics,
    worker_id: str,
    reaching: Reaching,
) -> Starlette:
    address = Address(settings.public_url)
    admission = Admission(
        address, settings.auth_tokens, store, memory, worker=worker_id, metrics=metrics
    )
    return build_app(
        webhooks=Webhooks(settings, store, memory, calls, reaching, metrics),
        admission=admission,
        calls=calls,
        api=CallsApi(settings, store, reaching, calls),
        metrics=metrics,
        ready=lambda: not calls.draining,
    )


async def _serve(
    server: Server,
    calls: Calls,
    store: Store,
    listener: socket.socket,
    drain_s: float,
    works: Iterable[Coroutine[Any, Any, None]],
) -> None:
    drain = Drain(calls, drain_s, server.stop_listening)
    try:
        with drain.signals():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in works]
                serving = group.create_task(server.serve([listener]))
                draining = group.create_task(drain.run())
                await asyncio.wait([serving, draining], return_when=asyncio.FIRST_COMPLETED)
                server.should_exit = True
                await asyncio.wait([serving])
                for task in (*tasks, draining):
                    task.cancel()
    finally:
        if not await store.flush(FLUSH_DEADLINE_S):
            log.error("not everything was written: Redis was away at the end")
