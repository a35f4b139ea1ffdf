"""Sessions whose two channels are two speakers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from media.audio import PCM16_16K
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, service_of


@virtual_time_on_sockets
async def test_a_channel_that_was_understood_further_is_not_told_twice() -> None:
    engine = Recognizer(utterances=False)
    split = SessionRequest(channels=2, stereo="split")
    both = b"".join(LOUD[at : at + 2] * 2 for at in range(0, len(LOUD), 2))
    async with service_of(engine) as service:
        session = await service.sessions.open(split, ANYBODY, door="stream")
        await session.send(both)
        await asyncio.sleep(1)
        engine.streams[0].hear("one", final=True, end_ms=800)
        await asyncio.sleep(0.1)
        session.fail(Fault("slow_reader", "it does not read"))
        await service.sessions.leave(session)
        again = await service.sessions.resume(replace(split, session_id=session.id), ANYBODY)
        assert again.from_ms == 0
        await again.send(both)
        await again.let_go()
        first, second = (bytes(stream.audio) for stream in engine.streams[2:])
        told = PCM16_16K.byte_count(800)
        assert (first, second) == (bytes(told) + LOUD[told:], LOUD)


@virtual_time_on_sockets
async def test_what_was_said_in_one_channel_ends_by_its_own_clock() -> None:
    engine = Recognizer(utterances=False)
    async with service_of(engine) as service:
        split = SessionRequest(channels=2, stereo="split")
        session = await service.sessions.open(split, ANYBODY, door="stream")
        await session.send(b"".join(LOUD[at : at + 2] + bytes(2) for at in range(0, len(LOUD), 2)))
        await asyncio.sleep(1)
        # Neither recognizer tells when it was said, and one of them says nothing.
        engine.texts += ["one", None]
        session.finalize()
        await asyncio.sleep(0.1)
        engine.streams[0].hear("two", final=True)
        await asyncio.sleep(0.1)
        said = [orjson.loads(message) for message in session.take_all()][1:]
        assert [message["text"] for message in said] == ["one", "two"]
        assert said[1]["end_ms"] > 500
