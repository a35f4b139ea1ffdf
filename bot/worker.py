"""The process: its signals, and its process-level tasks.

These are all of them: `store.run` (writes what is buffered), `calls.run` (ends calls that nobody
came back for), `liveness.run` (the lease, and the calls of dead workers), `inbox.run` (what other
workers were asked of our calls), `usage.run` (what the providers were used for), `engines.run`
(providers that have failed), `listing.run` (do-not-call requests that Redis has not taken yet),
`endings.run` (ends of campaigns' calls that it has not taken yet), `stt.works` (six of the
streaming speech-to-text service: its store, keys, sessions, chunks, recognizers, statistics),
`give_back_after_calls` (memory), `retention.run` (old recordings), `rest.start` (the way to
Twilio), `dialing.run` (campaigns), `server.serve` (uvicorn), `drain.run` (how it stops).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import structlog

from bot.assembly import Assembly, assemble
from bot.campaign.dialing import Dialing
from bot.drain import Drain
from bot.inbox import Command, Handler
from bot.memory import give_back_after_calls, settle
from bot.server import Server
from bot.settings import Settings
from bot.telephony.rest import CREATE_DEADLINE_S

__all__ = ["run_worker"]

log = structlog.get_logger(__name__)

FLUSH_DEADLINE_S = 5.0
DIALLED_DEADLINE_S = CREATE_DEADLINE_S + 1.0
"""Until the calls that Twilio was asked for are placed, or not, and that is written down."""


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
    with ExitStack() as stack:
        if listener is None:
            # At once, and by us: uvicorn would end the process in its own way, after all the rest.
            listener = stack.enter_context(_bind(settings.host, settings.port))
        async with assemble(settings) as worker:

            def ready() -> None:
                settle()
                used = {"dialog": settings.dialog, "vad": worker.vad}
                default = settings.bot_for("")
                used |= {"stt": default.stt_provider, "tts": default.tts_provider}
                redis = "private" if settings.redis_url is None else "REDIS_URL"
                log.info("ready", url=settings.public_url, port=settings.port, redis=redis, **used)
                on_ready()

            await _serve(worker, Server(worker.app, ready), listener, settings.drain_s)


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


async def _serve(worker: Assembly, server: Server, listener: socket.socket, drain_s: float) -> None:
    drain = Drain(worker.calls, worker.stt.sessions, drain_s, server.stop_listening)
    try:
        with drain.signals():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in _works(worker)]
                serving = group.create_task(server.serve([listener]))
                draining = group.create_task(drain.run())
                if worker.dialing is not None:
                    dialling = group.create_task(worker.dialing.run())
                    tasks.append(group.create_task(_hold(worker.dialing, drain)))
                await asyncio.wait([serving, draining], return_when=asyncio.FIRST_COMPLETED)
                if worker.dialing is not None:
                    await _end_dialling(worker.dialing, dialling)
                server.should_exit = True
                await asyncio.wait([serving])
                await worker.calls.conclude()
                for task in (*tasks, draining):
                    task.cancel()
    finally:
        calls, sessions = await asyncio.gather(
            worker.store.flush(FLUSH_DEADLINE_S), worker.stt.flush(FLUSH_DEADLINE_S)
        )
        if not (calls and sessions):
            log.error("not everything was written: Redis was away at the end")
        await worker.listing.conclude()
        await worker.endings.conclude()
        await worker.liveness.stop()


async def _hold(dialing: Dialing, drain: Drain) -> None:
    """Let it dial nobody any more when the worker is to stop; all else goes on."""
    await drain.begun()
    dialing.hold()


async def _end_dialling(dialing: Dialing, dialling: asyncio.Task[None]) -> None:
    """Wait for what becomes of the calls that Twilio was asked for: some may have been placed."""
    dialing.stop()
    await asyncio.wait([dialling], timeout=DIALLED_DEADLINE_S)
    dialling.cancel()


def _commands(worker: Assembly) -> Handler:
    """Who carries out what other workers ask for."""

    async def carry_out(command: Command) -> None:
        of_session = command.kind in ("stt_hear", "stt_let_go")
        await (worker.stt if of_session else worker.calls).command(command)

    return carry_out


def _works(worker: Assembly) -> list[Coroutine[Any, Any, None]]:
    works = [
        worker.store.run(),
        worker.calls.run(),
        worker.liveness.run(),
        worker.engines.run(worker.metrics),
        worker.inbox.run(_commands(worker), worker.stt.wake),
        worker.usage.run(),
        worker.listing.run(),
        worker.endings.run(),
        *worker.stt.works(),
        give_back_after_calls(lambda: worker.calls.active + worker.stt.sessions.active),
    ]
    if worker.retention is not None:
        works.append(worker.retention.run())
    if worker.rest is not None:
        works.append(worker.rest.start())
    return works
