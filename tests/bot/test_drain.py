"""Stopping: who is waited for, and for how long."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bot.drain import MOVE_DEADLINE_S, RETURN_DEADLINE_S, SESSIONS_DEADLINE_S, Drain
from tests.virtual_time import virtual_time


class Calls:
    """So many calls, which take so long to move."""

    def __init__(self, active: int = 0, awaited: int = 0, move_s: float = 0.0) -> None:
        self.active = active
        self.awaited = awaited
        self.move_s = move_s
        self.draining = False
        self.moved_at_s: float | None = None

    async def move(self) -> None:
        self.moved_at_s = asyncio.get_running_loop().time()
        await asyncio.sleep(self.move_s)
        self.active = 0


class Sessions:
    """So many sessions, which take so long to be left."""

    def __init__(self, active: int = 0, drain_s: float = 0.0) -> None:
        self.active = active
        self.drain_s = drain_s
        self.draining = False
        self.drained = False

    async def drain(self) -> None:
        await asyncio.sleep(self.drain_s)
        self.active = 0
        self.drained = True


class Stopping:
    """A drain in progress, and what it did."""

    def __init__(self, calls: Calls, sessions: Sessions, deadline_s: float) -> None:
        self.listening = True
        self.calls = calls
        self.drain = Drain(calls, sessions, deadline_s, self._stop_listening)
        self.began_s = asyncio.get_running_loop().time()
        self.running = asyncio.create_task(self.drain.run())

    def _stop_listening(self) -> None:
        self.listening = False

    async def took_s(self) -> float:
        await self.running
        return round(asyncio.get_running_loop().time() - self.began_s, 1)


@contextmanager
def stopping(
    calls: Calls, sessions: Sessions | None = None, deadline_s: float = 30.0
) -> Iterator[Stopping]:
    scene = Stopping(calls, sessions or Sessions(), deadline_s)
    yield scene
    assert scene.running.done()


@virtual_time
async def test_it_waits_to_be_told() -> None:
    with stopping(Calls()) as scene:
        await asyncio.sleep(100)
        assert not scene.calls.draining
        assert not scene.running.done()
        scene.drain.begin()
        assert scene.calls.draining
        assert await scene.took_s() == 100


@virtual_time
async def test_calls_that_end_in_time_are_not_moved() -> None:
    calls = Calls(active=2)
    with stopping(calls) as scene:
        scene.drain.begin()
        await asyncio.sleep(10)
        assert not scene.running.done()
        calls.active = 0
        assert await scene.took_s() < 10.3
    assert calls.moved_at_s is None
    assert scene.listening


@virtual_time
async def test_what_comes_after_a_stream_is_answered_still() -> None:
    calls = Calls(awaited=1)
    with stopping(calls) as scene:
        scene.drain.begin()
        await asyncio.sleep(1)
        assert not scene.running.done()
        calls.awaited = 0
        assert await scene.took_s() < 1.3


@virtual_time
async def test_a_call_that_does_not_come_back_is_not_waited_for_long() -> None:
    with stopping(Calls(awaited=1)) as scene:
        scene.drain.begin()
        assert await scene.took_s() == RETURN_DEADLINE_S


@virtual_time
async def test_calls_move_at_the_deadline_when_nobody_can_come_in_any_more() -> None:
    calls = Calls(active=2, move_s=0.5)
    with stopping(calls) as scene:
        scene.drain.begin()
        await asyncio.sleep(29)
        assert scene.listening
        assert await scene.took_s() == 30.5
    assert calls.moved_at_s is not None
    assert not scene.listening


@virtual_time
async def test_a_move_that_takes_too_long_is_given_up() -> None:
    with stopping(Calls(active=1, move_s=100)) as scene:
        scene.drain.begin()
        assert await scene.took_s() == 30 + MOVE_DEADLINE_S


@virtual_time
async def test_the_second_time_nobody_is_waited_for() -> None:
    calls = Calls(active=1)
    with stopping(calls) as scene:
        scene.drain.begin()
        await asyncio.sleep(0.5)
        scene.drain.begin()  # the same Ctrl-C, by way of the supervisor
        await asyncio.sleep(1)
        assert not scene.running.done()
        scene.drain.begin()
        assert await scene.took_s() == 1.5
    assert calls.moved_at_s is not None


@virtual_time
async def test_sessions_may_end_and_no_other_is_begun() -> None:
    sessions = Sessions(active=1)
    with stopping(Calls(), sessions) as scene:
        scene.drain.begin()
        assert sessions.draining
        await asyncio.sleep(10)
        assert not scene.running.done()
        sessions.active = 0
        assert await scene.took_s() < 10.3
    # Those that have lost their client are still to be left.
    assert sessions.drained
    assert scene.listening


@virtual_time
async def test_sessions_move_at_the_deadline_beside_calls() -> None:
    calls, sessions = Calls(active=1, move_s=1.0), Sessions(active=2, drain_s=3.0)
    with stopping(calls, sessions) as scene:
        scene.drain.begin()
        assert await scene.took_s() == 33
    assert (calls.active, sessions.drained, scene.listening) == (0, True, False)


@virtual_time
async def test_sessions_that_cannot_be_left_are_given_up() -> None:
    sessions = Sessions(active=1, drain_s=100)
    with stopping(Calls(), sessions) as scene:
        scene.drain.begin()
        assert await scene.took_s() == 30 + SESSIONS_DEADLINE_S


async def test_signals_begin_it() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        calls = Calls()
        drain = Drain(calls, Sessions(), 30.0, lambda: None)
        with drain.signals():
            os.kill(os.getpid(), number)
            await drain.run()
        assert calls.draining
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # it is Python's again
        raise AssertionError
