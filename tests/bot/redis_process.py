"""What tests do to a private redis-server: ask it, find its process, stop it, wait for it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bot.store import Store


def ask(url: str, *words: str) -> bytes:
    """The first line of the server's answer to one inline command."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(url.removeprefix("unix://"))
        client.sendall(" ".join(words).encode() + b"\r\n")
        return client.makefile("rb").readline().strip()


def server_pid(url: str) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(url.removeprefix("unix://"))
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[:4], sys.byteorder)


async def gone(pid: int) -> None:
    """Wait until process `pid` has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        async with asyncio.timeout(10):
            await asyncio.to_thread(_wait_readable, handle)
    finally:
        os.close(handle)


def _wait_readable(handle: int) -> None:
    assert select.select([handle], [], [], 10)[0]


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Inside, the server at `url` hangs: it takes connections and answers nothing."""
    pid = server_pid(url)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def impatient(*stores: Store, deadline_s: float = 0.05) -> Iterator[None]:
    """Inside, the stores wait only so long for an answer: Redis does not give any.

    Outside, where Redis is well, a store that gives up so soon makes a busy machine look like an
    outage.
    """
    before_s = [store._link._deadline_s for store in stores]
    for store in stores:
        store._link._deadline_s = deadline_s
    try:
        yield
    finally:
        for store, patience_s in zip(stores, before_s, strict=True):
            store._link._deadline_s = patience_s
