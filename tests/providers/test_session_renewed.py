"""A connection that grows old is replaced, and a question of the vendor's answered."""

from __future__ import annotations

import asyncio

from tests.virtual_time import virtual_time_on_sockets

from .conversation import Conversation, talking
from .wire import PONG, answering, text_frame, upgrade


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says that it is there, and so again and again."""
    writer.write(await upgrade(reader) + text_frame("hello"))
    while await reader.read(100):
        writer.write(PONG)


def lasting(talk: Conversation, lasts_s: float) -> Conversation:
    talk.session.codec.lasts_s = lasts_s
    return talk


@virtual_time_on_sockets
async def test_an_old_connection_is_known_and_replaced() -> None:
    async with answering(greets) as url, talking(url) as talk:
        assert not lasting(talk, 60.0).session.expiring
        await talk.session.keep()
        await asyncio.sleep(59)
        assert not talk.session.expiring
        await asyncio.sleep(2)
        assert talk.session.expiring
        talk.session.renew()
        assert not talk.session.connected
        await talk.session.keep()
        assert (talk.session.connected, talk.session.reconnections) == (True, 1)
        assert not talk.session.expiring


@virtual_time_on_sockets
async def test_a_connection_may_last_for_ever() -> None:
    async with answering(greets) as url, talking(url) as talk:
        await talk.session.keep()
        await asyncio.sleep(10_000)
        assert not talk.session.expiring


@virtual_time_on_sockets
async def test_a_question_is_answered_at_once() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(0.1)
        writer.write(text_frame("who?"))
        heard.set_result(await reader.readexactly(6 + len("it's me")))

    async with answering(vendor) as url, talking(url) as talk:
        await talk.session.keep()
        # A client's frame: its size, and its text under a mask.
        assert (await heard)[:2] == bytes([0x81, 0x80 | len("it's me")])
    assert talk.owner.heard_all == []
