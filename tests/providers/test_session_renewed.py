"""A connection that grows old is replaced, and a question of the vendor's answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

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
        talk.session.began_anew()
        assert not talk.session.expiring
        await asyncio.sleep(61)
        assert talk.session.expiring
        talk.session.renew()
        assert not talk.session.connected
        await talk.session.keep()
        assert (talk.session.connected, talk.session.reconnections) == (True, 1)
        assert not talk.session.expiring


@asynccontextmanager
async def quiet(*lasts_s: float) -> AsyncIterator[str]:
    """A vendor that answers pings alone, and whose connections break after so long."""
    left_s = iter(lasts_s)

    async def serve_one(connection: ServerConnection) -> None:
        after_s = next(left_s)
        asyncio.get_running_loop().call_later(after_s, connection.transport.abort)
        await connection.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("lasts_s", [2.0, 3.5, 4.0, 6.0])
@virtual_time_on_sockets
async def test_a_break_some_time_after_a_renewal_is_a_new_trouble(lasts_s: float) -> None:
    async with quiet(100, lasts_s, 100) as url, talking(url) as talk:
        await talk.session.keep()
        await asyncio.sleep(2)
        talk.session.renew()
        await talk.session.keep()
        await talk.news()
        assert not talk.session.connected
        await talk.session.keep()
        assert talk.session.reconnections == 2


@pytest.mark.parametrize("lasts_s", [2.0, 3.5, 4.0, 6.0])
@virtual_time_on_sockets
async def test_a_break_some_time_after_a_break_is_a_new_trouble(lasts_s: float) -> None:
    """Though the vendor has nothing to say."""
    async with quiet(2, lasts_s, 100) as url, talking(url) as talk:
        for _ in range(2):
            await talk.session.keep()
            await talk.news()
            assert not talk.session.connected
        await talk.session.keep()
        assert talk.session.reconnections == 2


@virtual_time_on_sockets
async def test_a_connection_may_last_for_ever() -> None:
    async with answering(greets) as url, talking(url) as talk:
        await talk.session.keep()
        await asyncio.sleep(1_000)
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
