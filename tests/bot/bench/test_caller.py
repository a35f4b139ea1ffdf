"""A light caller: what it plays, which marks it echoes, and what it sees of replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bot.bench.calls.caller import CallerPhone
from bot.bench.calls.line import Line, Seen
from bot.bench.calls.recordings import load_material
from bot.bench.calls.sockets import connect
from bot.bench.calls.tally import Tally
from bot.bench.calls.wheel import Wheel
from media.audio import ULAW_8K
from media.messages import Connected, Mark, Media, SendClear, SendMark, SendMedia, Start, Stop
from media.twilio import parse, render


@pytest.fixture(scope="module")
def line() -> Line:
    return Line(load_material().track, Wheel(), Seen())


@pytest.fixture
async def phone(line: Line) -> CallerPhone:
    return CallerPhone(Line(line.track, Wheel(), Seen()), 1, 4)


@dataclass
class Worker:
    """The other end of a phone's stream."""

    phone: CallerPhone
    ws: ServerConnection

    async def send(self, *commands: SendMedia | SendMark | SendClear) -> None:
        for command in commands:
            await self.ws.send(render(command, self.phone.stream_sid))

    async def next(self, kind: type[Any]) -> Any:
        """The next event of a kind."""
        while True:
            event = parse(await self.ws.recv())
            if isinstance(event, kind):
                return event


@asynccontextmanager
async def streaming(phone: CallerPhone) -> AsyncIterator[Worker]:
    """The phone's stream, to a server."""
    opened: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def take(ws: ServerConnection) -> None:
        opened.set_result(ws)
        await ws.wait_closed()

    async with asyncio.timeout(10), serve(take, "127.0.0.1", 0) as server:
        await connect(phone, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {})
        phone.line.wheel.start()
        phone.begin("AC" + "1" * 32, "CA" + "2" * 32, {"token": "t"})
        try:
            yield Worker(phone, await opened)
        finally:
            phone.line.wheel.stop()
            phone.abort()


async def test_a_stream_is_twilios(phone: CallerPhone) -> None:
    async with streaming(phone) as worker:
        assert isinstance(parse(await worker.ws.recv()), Connected)
        start = await worker.next(Start)
        assert (start.account_sid, start.call_sid) == ("AC" + "1" * 32, "CA" + "2" * 32)
        assert start.parameters == {"token": "t"}
        media: list[Media] = [await worker.next(Media) for _ in range(3)]
        phone.stop()
        stop = await worker.next(Stop)
    assert [(m.sequence, m.chunk, m.timestamp_ms) for m in media] == [
        (2, 1, 0),
        (3, 2, 20),
        (4, 3, 40),
    ]
    assert media[0].payload == phone.first
    assert all(len(m.payload) == 160 for m in media)
    assert stop.sequence == 5 + len(phone.sent_s) - 3


async def test_two_phones_have_not_the_same_first_frame(line: Line) -> None:
    phones = [CallerPhone(line, number, 4) for number in range(4)]
    assert len({phone.first for phone in phones}) == 4
    assert [phone.offset for phone in phones] == [0, 500, 1_000, 1_500]


async def test_a_mark_is_echoed_when_the_audio_before_it_was_played(phone: CallerPhone) -> None:
    async with streaming(phone) as worker:
        began_s = monotonic()
        await worker.send(SendMark("at once"), SendMedia(ULAW_8K.silence(60)), SendMark("played"))
        assert (await worker.next(Mark)).name == "at once"
        assert (await worker.next(Mark)).name == "played"
        assert monotonic() - began_s >= 0.060


async def test_a_clear_returns_every_mark_at_once(phone: CallerPhone) -> None:
    async with streaming(phone) as worker:
        await worker.send(SendMedia(ULAW_8K.silence(60_000)), SendMark("a"), SendMark("b"))
        await worker.send(SendClear(), SendMark("c"))
        assert [(await worker.next(Mark)).name for _ in range(3)] == ["a", "b", "c"]
    assert phone.line.seen.counts["barged"] == 1


async def test_how_a_reply_was_heard(phone: CallerPhone) -> None:
    """The first piece comes 4 ms after the vendor sent it; then one is late by 50 ms."""
    seen = phone.line.seen
    phone.expect(4_800, response_ms=3.0)
    phone.piece_sent(9.996)
    phone.piece_sent(9.999)
    phone.heard(1_600, 10.0)
    phone.heard(1_600, 10.21)  # 10 ms late
    phone.heard(800, 10.46)  # 50 ms late
    phone.heard(800, 10.5)
    phone.expect(1_600, response_ms=None)
    phone.heard(1_600, 15.0)
    assert seen.responses.within(0, 20).tolist() == [pytest.approx(7.0)]
    assert seen.gaps_out.within(0, 20).tolist() == [pytest.approx(50.0)]
    assert seen.counts == {"begun": 2, "again": 1}


async def test_what_is_counted_of_a_call(phone: CallerPhone) -> None:
    """A reply that begins, one wanted again that is cut off first, one that is waited for."""
    phone.expect(1_600, response_ms=1.0)
    phone.heard(1_600, 10.0)
    phone.expect(1_600, response_ms=None)
    phone.cleared(10.1)
    phone.expect(1_600, response_ms=1.0)
    phone.sent_s.append(10.2)
    assert phone.count(before_s=0.0) == Tally(500, sent=1, barged=1, again=1, unheard=1)
    assert phone.count(before_s=monotonic() + 1).unheard == 2


async def test_a_reply_that_never_begins(phone: CallerPhone) -> None:
    phone.expect(1_600, response_ms=1.0)
    phone.expect(1_600, response_ms=1.0)
    assert phone.tally.unheard == 1


async def test_between_two_replies_there_is_no_gap(phone: CallerPhone) -> None:
    phone.expect(1_600, response_ms=1.0)
    phone.piece_sent(10.0)
    phone.heard(1_600, 10.0)
    phone.expect(1_600, response_ms=1.0)
    phone.piece_sent(15.0)
    phone.heard(1_600, 15.0)
    assert not phone.line.seen.gaps_out.within(0, 20).size
    assert phone.line.seen.counts == {"begun": 2}


async def test_a_reply_that_does_not_come_to_its_end(phone: CallerPhone) -> None:
    phone.expect(8_000, response_ms=1.0)
    phone.piece_sent(10.0)
    phone.heard(1_600, 10.0)
    phone.expect(8_000, response_ms=1.0)
    assert phone.line.seen.counts["unfinished"] == 1


async def test_what_was_spoken_over_need_not_come_to_its_end(phone: CallerPhone) -> None:
    phone.expect(8_000, response_ms=1.0)
    phone.piece_sent(10.0)
    phone.heard(1_600, 10.0)
    phone.cleared(10.1)
    phone.expect(8_000, response_ms=1.0)
    assert phone.line.seen.counts == {"begun": 1, "barged": 1}
