from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from tests.virtual_time import virtual_time, virtual_time_on_sockets


@virtual_time
async def test_an_hour_takes_no_time() -> None:
    loop = asyncio.get_running_loop()
    began, really = loop.time(), time.monotonic()
    await asyncio.sleep(3_600)
    assert loop.time() - began == pytest.approx(3_600)
    assert time.monotonic() - really < 5


@virtual_time
async def test_time_stands_still_while_a_thread_works() -> None:
    loop = asyncio.get_running_loop()
    began, go = loop.time(), threading.Event()
    working = asyncio.create_task(asyncio.to_thread(go.wait, 5))
    await asyncio.sleep(0)
    loop.call_soon(go.set)
    async with asyncio.timeout(1):
        assert await working
    assert loop.time() - began < 0.1


@virtual_time
async def test_what_will_never_happen_is_told() -> None:
    with pytest.raises(AssertionError, match="left behind"):
        await _leave_a_task()


async def _leave_a_task() -> None:
    from tests.virtual_time import _alone

    async def nothing() -> None:
        task.append(asyncio.create_task(asyncio.sleep(5)))

    task: list[asyncio.Task[None]] = []
    here = asyncio.current_task()
    assert here is not None
    try:
        await _alone(nothing())
    finally:
        task[0].cancel()
        await asyncio.wait(task)


def test_a_wait_without_end_is_an_error() -> None:
    @virtual_time
    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="never happen"):
        forever()


def test_time_stands_still_while_a_library_works_in_a_thread_of_its_own() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    def work() -> None:
        sum(range(1_000_000))  # it does not sleep meanwhile
        theirs.send(b"done")

    @virtual_time_on_sockets
    async def hears_of_it() -> None:
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=work)
        thread.start()
        began = loop.time()
        async with asyncio.timeout(1):
            assert await loop.sock_recv(ours, 10) == b"done"
        assert loop.time() - began < 0.1
        thread.join()

    with ours, theirs:
        hears_of_it()
