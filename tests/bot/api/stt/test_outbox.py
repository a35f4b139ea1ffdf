"""What waits for a client: in order, bounded, nothing outdated."""

from __future__ import annotations

import asyncio

import pytest

from bot.api.stt import outbox as outbox_module
from bot.api.stt.outbox import Outbox
from tests.virtual_time import virtual_time


def test_interims_give_way_to_what_comes_later_of_their_channel() -> None:
    outbox = Outbox()
    outbox.put(b"started")
    outbox.put_interim(b"a", 0)
    outbox.put_interim(b"x", 1)
    outbox.put_interim(b"a b", 0)
    outbox.outdate(0)
    outbox.put(b"A B")
    assert outbox.take_all() == [b"started", b"x", b"A B"]
    outbox.outdate(1)  # it was taken
    assert outbox.take_all() == []


@virtual_time
async def test_who_waits_gets_what_comes_and_then_the_end() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(1)
    outbox.put(b"one")
    outbox.put(b"two")
    outbox.close()
    outbox.put(b"too late")
    assert [await waiting, await outbox.next(), await outbox.next()] == [b"one", b"two", None]


@pytest.mark.parametrize(("messages", "size"), [(3, 1), (100, 300)])
async def test_there_is_room_for_so_much(
    monkeypatch: pytest.MonkeyPatch, messages: int, size: int
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_MESSAGES", messages)
    monkeypatch.setattr(outbox_module, "MOST_BYTES", 1_000)
    outbox = Outbox()
    for _ in range(100):  # what is outdated takes no room
        outbox.put_interim(bytes(size), 0)
    outbox.outdate(0)
    for _ in range(3):
        outbox.put(bytes(size))
        assert not outbox.overflowed
    outbox.put(bytes(size))
    assert outbox.overflowed
    assert await outbox.next() is None


@virtual_time
async def test_who_has_more_waits_for_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MOST_MESSAGES", 4)
    outbox = Outbox()
    for message in (b"a", b"b", b"c"):
        outbox.put(message)
    waiting = asyncio.create_task(outbox.half_empty())
    await asyncio.sleep(1)
    assert not waiting.done()
    assert await outbox.next() == b"a"
    await asyncio.sleep(1)
    assert waiting.done()
    outbox.put(b"d")
    waiting = asyncio.create_task(outbox.half_empty())
    await asyncio.sleep(1)
    assert not waiting.done()
    outbox.close()
    await waiting
