"""Recognition with a vendor that ends the stream in a way of its own."""

from __future__ import annotations

import asyncio

from media.audio import ULAW_8K
from providers.types import Transcript
from tests.providers.wire import GOODBYE, answering, text_frame, upgrade
from tests.virtual_time import virtual_time_on_sockets

from .streaming import unheard

WORD = '{"tokens":[{"text":" yes","start_ms":100,"end_ms":200,"is_final":true}]}'
FINISHED = '{"tokens":[],"finished":true}'


@virtual_time_on_sockets
async def test_an_end_that_nobody_asked_for_is_a_loss() -> None:
    connections = 0

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(await upgrade(reader))
        while len(await reader.read(10_000)) < 1_000:
            pass
        writer.write(text_frame(FINISHED if connections == 1 else WORD))
        await reader.read(10_000)
        writer.write(text_frame(FINISHED) + GOODBYE)

    async with answering(vendor) as url, unheard(url) as stream:
        # It comes while the stream's end waits, as all does, until there is a connection.
        stream.send(ULAW_8K.silence(500))
        assert getattr(await anext(stream), "text", "") == "yes"
        await stream.finish()
        events = [event async for event in stream]
        assert [getattr(event, "text", "") for event in events] == ["yes"]
        assert (connections, stream.reconnections) == (2, 1)


@virtual_time_on_sockets
async def test_what_was_asked_for_is_given_at_the_latest_at_the_end() -> None:
    """This vendor forgets to say that it has finalized."""

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader) + text_frame(WORD))
        await asyncio.sleep(1)
        writer.write(text_frame(FINISHED) + GOODBYE)

    async with answering(vendor) as url, unheard(url) as stream:
        stream.send(ULAW_8K.silence(500))
        stream.finalize()
        stream.finalize()
        await stream.finish()
        events = [event async for event in stream]
        finals = [event for event in events if isinstance(event, Transcript) and event.final]
        assert [transcript.text for transcript in finals] == ["yes", ""]
