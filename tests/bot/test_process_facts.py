"""What is seen of a process from outside."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from .process_facts import facts_of, happens, total


def test_what_a_process_opens_is_seen(tmp_path: Path) -> None:
    before = facts_of(os.getpid())
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)), (tmp_path / "x").open("w"):
        wait = threading.Event()
        thread = threading.Thread(target=wait.wait)
        thread.start()
        during = facts_of(os.getpid())
        wait.set()
        thread.join()
    assert during.handles - before.handles == Counter(unix=2, tcp=1, file=1)
    assert during.threads == before.threads + 1
    assert facts_of(os.getpid()).handles == before.handles
    assert before.rss_kb > 10_000


def test_a_process_that_is_not_there() -> None:
    with pytest.raises(OSError, match="No such file"):
        facts_of(2**22 + 1)


async def test_what_does_not_happen_is_given_up() -> None:
    assert await happens(lambda: True, 0.0)
    assert not await happens(lambda: False, 0.05)


def test_samples_are_added_up_by_label() -> None:
    counts = Counter(
        {("calls", frozenset({("by", "bot")})): 2, ("calls", frozenset({("by", "caller")})): 3}
    )
    assert total(counts, "calls") == 5
    assert total(counts, "calls", by="bot") == 2
    assert total(counts, "turns") == 0
