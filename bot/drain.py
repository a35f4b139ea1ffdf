"""Stopping a worker without cutting a call.

uvicorn's own shutdown closes every WebSocket at once. So the signals are ours: first new calls go
elsewhere, while those in progress go on and `/twilio/next` and `/twilio/status` are still served;
at the deadline, or at a second signal, the calls that are left move to another worker; only then
does uvicorn stop.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

__all__ = ["Drain", "DrainingCalls"]

log = structlog.get_logger(__name__)

POLL_S = 0.1
MOVE_DEADLINE_S = 5.0
"""How long the last calls may take to move: Redis, or Twilio, has to acknowledge each."""
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


class Drain:
    """The end of a worker.

    Args:
        calls: what is to be brought to an end, or moved.
        deadline_s: how long calls may go on.
        stop_listening: called before the last calls are moved, so that they do not come back here.
    """

    def __init__(
        self, calls: DrainingCalls, deadline_s: float, stop_listening: Callable[[], None]
    ) -> None:
        self._calls = calls
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
                log.info("stopping at once", calls=self._calls.active)
                self._hurried.set()
            return
        self._begun_s = now_s
        log.info("stopping", calls=self._calls.active, deadline_s=self._deadline_s)
        self._calls.draining = True
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
        """Wait until the worker is to stop, then until no call needs it any more."""
        await self.begun()
        await self._wait(lambda: not self._calls.active, self._deadline_s)
        if self._calls.active:
            log.info("moving the calls that are left", calls=self._calls.active)
            self._stop_listening()
            try:
                async with asyncio.timeout(MOVE_DEADLINE_S):
                    await self._calls.move()
            except TimeoutError:
                log.error("not every call could be moved in time", calls=self._calls.active)
        else:
            # What their hang-ups and transfers come to is asked at `next`, a moment later.
            await self._wait(lambda: not self._calls.awaited, RETURN_DEADLINE_S)

    async def _wait(self, done: Callable[[], bool], deadline_s: float) -> None:
        deadline = self._loop.time() + deadline_s
        while not done() and (left := deadline - self._loop.time()) > 0:
            try:
                async with asyncio.timeout(min(POLL_S, left)):
                    await self._hurried.wait()
            except TimeoutError:
                continue
            return
