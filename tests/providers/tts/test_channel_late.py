"""Synthesis by a vendor that is late with a text, or cuts it off, while others get theirs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from providers.errors import DeadlineError, UnavailableError
from providers.tts.soniox import SonioxSynthesizer
from providers.tts.synthesis import StreamingTts
from providers.types import TtsOptions
from tests.virtual_time import virtual_time_on_sockets

PIECE = bytes(800)
WHOLE = 10
"""A text has so many pieces."""


class Stream:
    """A text that the vendor was asked for: the `time`th time, from 1."""

    def __init__(self, connection: ServerConnection, stream_id: str, text: str, time: int) -> None:
        self._connection = connection
        self._id = stream_id
        self.text = text
        self.time = time

    async def say(self, **fields: Any) -> None:
        with suppress(ConnectionClosed):
            await self._connection.send(orjson.dumps({"stream_id": self._id, **fields}).decode())

    async def speak(self, pieces: int = WHOLE, every_s: float = 0.3) -> None:
        for _ in range(pieces):
            await self.say(audio=base64.b64encode(PIECE).decode())
            await asyncio.sleep(every_s)

    async def end(self) -> None:
        await self.say(audio_end=True)
        await self.say(terminated=True)


Habit = Callable[[Stream], Awaitable[None]]


class Vendor:
    """Speaks each text as `habit` does.

    Attributes:
        asked: the texts that were asked for.
        cancelled: how many were cancelled.
        connections: how many there were.
        at_once: how many of them at a time, at most.
    """

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self.asked: list[str] = []
        self.cancelled = 0
        self.connections = 0
        self.at_once = 0
        self._open = 0

    async def serve(self, connection: ServerConnection) -> None:
        """One connection."""
        self.connections += 1
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        streams: dict[str, asyncio.Task[None]] = {}
        async for frame in connection:
            message = orjson.loads(frame)
            name = message.get("stream_id")
            if message.get("cancel"):
                self.cancelled += 1
            elif "text" in message:
                self.asked.append(message["text"])
                time = self.asked.count(message["text"])
                stream = Stream(connection, name, message["text"], time)
                streams[name] = asyncio.ensure_future(self._habit(stream))
        for task in streams.values():
            task.cancel()
        self._open -= 1


@asynccontextmanager
async def speaking(habit: Habit) -> AsyncIterator[tuple[StreamingTts, Vendor]]:
    vendor = Vendor(habit)
    async with serve(vendor.serve, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        tts = StreamingTts(SonioxSynthesizer(api_key="k", tts_url=url))
        await tts.start()
        try:
            yield tts, vendor
        finally:
            await tts.aclose()


async def said(tts: StreamingTts, text: str) -> int:
    """How many pieces of audio a text has."""
    async with asyncio.timeout(60), aclosing(tts.synthesize(text, TtsOptions())) as chunks:
        return len(b"".join([chunk.audio async for chunk in chunks])) // len(PIECE)


@virtual_time_on_sockets
async def test_a_text_that_is_late_among_others_is_asked_for_again() -> None:
    async def habit(stream: Stream) -> None:
        if stream.text == "late" and stream.time == 1:
            await asyncio.sleep(60)
        await stream.speak()
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        spoken = await asyncio.gather(*(said(tts, text) for text in ("quick", "late")))
        assert spoken == [WHOLE, WHOLE]
        assert vendor.asked == ["quick", "late", "late"]
        assert (vendor.cancelled, vendor.connections) == (1, 1)


@virtual_time_on_sockets
async def test_a_text_that_is_late_twice_among_others_is_given_up_alone() -> None:
    async def habit(stream: Stream) -> None:
        if stream.text == "late":
            await asyncio.sleep(60)
        await stream.speak(every_s=0.6)
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        results = await asyncio.gather(
            said(tts, "quick"), said(tts, "late"), return_exceptions=True
        )
        assert results[0] == WHOLE
        assert isinstance(results[1], DeadlineError)
        assert (vendor.asked.count("late"), vendor.connections) == (2, 1)


@virtual_time_on_sockets
async def test_what_comes_of_a_cancelled_text_is_no_sign_that_others_get_theirs() -> None:
    async def habit(stream: Stream) -> None:
        if stream.text == "late" and stream.time == 1:
            await asyncio.sleep(60)
        await stream.speak()
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        chunks = tts.synthesize("cancelled", TtsOptions())
        await anext(chunks)
        await chunks.aclose()
        # The vendor goes on with it; as nothing else comes, the connection may be at fault.
        assert await said(tts, "late") == WHOLE
        assert vendor.connections == 2


@virtual_time_on_sockets
async def test_a_pause_in_a_text_is_no_loss() -> None:
    async def habit(stream: Stream) -> None:
        await stream.speak(5, every_s=0.0)
        await asyncio.sleep(3.5)
        await stream.speak(5, every_s=0.0)
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        assert await said(tts, "pausing") == WHOLE
        assert (vendor.asked, vendor.connections) == (["pausing"], 1)


@virtual_time_on_sockets
async def test_a_text_that_has_not_begun_drops_no_connection_in_anothers_pause() -> None:
    async def habit(stream: Stream) -> None:
        if stream.text == "waiting":
            await asyncio.sleep(3.0)
        await stream.speak(5, every_s=0.0)
        await asyncio.sleep(3.5 if stream.text == "pausing" else 0.0)
        await stream.speak(5, every_s=0.0)
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        pausing = asyncio.create_task(said(tts, "pausing"))
        await asyncio.sleep(0.5)
        assert await said(tts, "waiting") == WHOLE
        assert await pausing == WHOLE
        assert (vendor.asked, vendor.connections) == (["pausing", "waiting"], 1)


@virtual_time_on_sockets
async def test_a_text_that_is_cut_off_is_asked_for_again() -> None:
    async def habit(stream: Stream) -> None:
        await stream.speak(4 if stream.time == 1 else WHOLE, every_s=0.0)
        if stream.time > 1:
            await stream.say(audio_end=True)
        await stream.say(terminated=True)

    async with speaking(habit) as (tts, vendor):
        assert await said(tts, "cut off") == WHOLE
        assert (len(vendor.asked), vendor.connections) == (2, 1)


@virtual_time_on_sockets
async def test_a_text_that_is_cut_off_twice_is_not_passed_off_as_whole() -> None:
    async def habit(stream: Stream) -> None:
        await stream.speak(4, every_s=0.0)
        await stream.say(terminated=True)

    async with speaking(habit) as (tts, vendor):
        with pytest.raises(UnavailableError, match="before its end"):
            await said(tts, "cut off")
        assert len(vendor.asked) == 2


@virtual_time_on_sockets
async def test_a_text_that_is_late_on_a_full_connection_is_asked_for_on_another() -> None:
    async def habit(stream: Stream) -> None:
        if stream.text == "late" and stream.time == 1:
            await asyncio.sleep(60)
        await stream.speak()
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        texts = [f"text {number}" for number in range(SonioxSynthesizer.max_contexts - 1)]
        assert set(await asyncio.gather(*(said(tts, text) for text in [*texts, "late"]))) == {WHOLE}
        # What is cancelled takes its place until the vendor says that it is over.
        assert (vendor.asked.count("late"), vendor.cancelled, vendor.connections) == (2, 1, 2)


@virtual_time_on_sockets
async def test_a_connection_with_texts_that_do_not_end_takes_no_others() -> None:
    async def habit(stream: Stream) -> None:
        await stream.speak(1)
        if stream.text.startswith("text"):
            await asyncio.sleep(15)
        await stream.end()

    async with speaking(habit) as (tts, vendor):
        streams = [tts.synthesize(f"text {n}", TtsOptions()) for n in range(2)]
        for chunks in streams:
            await anext(chunks)
            await chunks.aclose()
        assert (await said(tts, "soon"), vendor.connections) == (1, 1)
        await asyncio.sleep(11)
        assert (await said(tts, "later"), vendor.connections) == (1, 2)
        # There may be no more connections allowed: the one that is of no use is left first.
        assert (vendor.cancelled, vendor.at_once) == (2, 1)
