"""Stopping a worker without cutting a call, or a session of the speech-to-text service.

uvicorn's own shutdown closes every WebSocket at once. So the signals are ours: first new calls and
sessions go elsewhere, while those in progress go on and `/twilio/next` and `/twilio/status` are
still served; at the deadline, or at a second signal, what is left moves to another worker; only
then does uvicorn stop.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

__all__ = ["Drain", "DrainingCalls", "DrainingSessions"]

log = structlog.get_logger(__name__)

POLL_S = 0.1
MOVE_DEADLINE_S = 5.0
"""How long the last calls may take to move: Redis, or Twilio, has to acknowledge each."""
SESSIONS_DEADLINE_S = 9.0
"""How long sessions may take to be left in order: what came is understood, and told."""
RETURN_DEADLINE_S = 2.0
"""How long a call whose stream has ended here may take to come back to `/twilio/next`."""

AGAIN_S = 1.0
"""A second signal counts from then on: Ctrl-C reaches a supervised worker twice, once by way of its
supervisor."""


class DrainingCalls(Protocol):
    """The calls of a worker that is to stop.

    Attributes:
        draining: whether it takes no new call; set here.
    """

    draining: bool

    @property
    def active(self) -> int:
        """Calls that have a stream here, or are about to."""

    @property
    def awaited(self) -> int:
        """Calls whose stream has ended here, and of which Twilio has not been back yet."""

    async def move(self) -> None:
        """Close every stream so that its call goes on at another worker."""


class DrainingSessions(Protocol):
    """The sessions of a worker that is to stop.

    Attributes:
        draining: whether it begins no new one; set here.
    """

    draining: bool

    @property
    def active(self) -> int:
        """Sessions that go on here."""

    async def drain(self) -> None:
        """Leave every session so that it can go on at another worker."""


class Drain:
    """The end of a worker.

    Args:
        calls, sessions: what is to be brought to an end, or moved.
        deadline_s: how long they may go on.
        stop_listening: called before the last of them are moved, so that they do not come back.
    """

    def __init__(
        self,
        calls: DrainingCalls,
        sessions: DrainingSessions,
        deadline_s: float,
        stop_listening: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._stop_listening = stop_listening
        self._loop = asyncio.get_running_loop()
        self._begun_s = 0.0
        self._begun = asyncio.Event()
        self._hurried = asyncio.Event()

    def begin(self) -> None:
        """Stop; said again: without waiting for calls to end."""
        now_s = self._loop.time()
        if self._begun.is_set():
            if now_s - self._begun_s >= AGAIN_S:
                log.info("stopping at once", **self._left())
                self._hurried.set()
            return
        self._begun_s = now_s
        log.info("stopping", deadline_s=self._deadline_s, **self._left())
        self._calls.draining = self._sessions.draining = True
        self._begun.set()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Begin at SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.begin)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.remove_signal_handler(number)

    async def begun(self) -> None:
        """Wait until the worker is to stop."""
        await self._begun.wait()

    async def run(self) -> None:
        """Wait until the worker is to stop, then until nobody needs it any more."""
        await self.begun()
        await self._wait(lambda: not any(self._left().values()), self._deadline_s)
        if any(self._left().values()):
            log.info("moving what is left", **self._left())
            self._stop_listening()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._move(self._calls.move(), MOVE_DEADLINE_S))
                group.create_task(self._move(self._sessions.drain(), SESSIONS_DEADLINE_S))
        else:
            # What their hang-ups and transfers come to is asked at `next`, a moment later.
            await self._wait(lambda: not self._calls.awaited, RETURN_DEADLINE_S)
            await self._move(self._sessions.drain(), SESSIONS_DEADLINE_S)

    def _left(self) -> dict[str, int]:
        return {"calls": self._calls.active, "sessions": self._sessions.active}

    async def _move(self, moving: Coroutine[None, None, None], deadline_s: float) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                await moving
        except TimeoutError:
            log.error("not everything could be moved in time", **self._left())

    async def _wait(self, done: Callable[[], bool], deadline_s: float) -> None:
        deadline = self._loop.time() + deadline_s
        while not done() and (left := deadline - self._loop.time()) > 0:
            try:
                async with asyncio.timeout(min(POLL_S, left)):
                    await self._hurried.wait()
            except TimeoutError:
                continue
            return
