"""The engine of WebSockets, with a vendor that says what no stand-in would."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from providers.errors import (
    DeadlineError,
    InvalidResponseError,
    NetworkError,
    UnavailableError,
    UnsupportedError,
)
from providers.session import Session
from tests.virtual_time import virtual_time_on_sockets

from .conversation import now_s, talking
from .wire import GOODBYE, PONG, LineCodec, answering, deaf, text_frame, upgrade


@virtual_time_on_sockets
async def test_a_goodbye_is_the_end_though_the_connection_stays() -> None:
    goodbyes = iter([text_frame("one") + GOODBYE, text_frame("two")])

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(1)
        writer.write(next(goodbyes))
        await reader.read(-1)

    async with answering(vendor) as url, talking(url) as talk:
        began_s = now_s()
        while len(talk.owner.heard_all) < 2:
            await talk.news()
        assert talk.owner.heard_all == ["one", "two"]
        assert now_s() - began_s < 2.5


@virtual_time_on_sockets
async def test_what_no_codec_thought_of_is_an_error_as_any_other() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(0.1)
        writer.write(text_frame("odd"))
        await reader.read(-1)

    async with answering(vendor) as url, talking(url) as talk:
        error = await talk.failure()
        assert isinstance(error, InvalidResponseError)
        assert error.retryable
        assert talk.session.reconnections > 2


@pytest.mark.parametrize(
    ("goodbye", "said"),
    [
        (b"\x88\x0b\x0f\xa0bad audio", "bad audio"),
        (b"\x88\x00", "the connection was closed with no code"),
        (b"\x88\x02\x03\xf0", "the connection was closed with 1008"),
        (b"", "the connection was broken"),
    ],
)
@virtual_time_on_sockets
async def test_the_codec_knows_what_a_goodbye_means(goodbye: bytes, said: str) -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(0.1)
        writer.write(goodbye)

    async with answering(vendor) as url, talking(url) as talk:
        error = await talk.failure()
        assert error.reason == said
        heard = set(talk.owner.heard_all)
        assert heard == ({"closed without a code"} if goodbye == b"\x88\x00" else set())


@virtual_time_on_sockets
async def test_why_a_handshake_was_refused_stands_in_its_headers_and_body() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 402 Payment Required\r\nX-Why: no money\r\nContent-Length: 4\r\n\r\n"
        writer.write(head.encode() + b"left")
        await reader.read(-1)

    async with answering(vendor) as url, talking(url) as talk:
        assert (await talk.failure()).reason == "HTTP status 402 no money left"


@virtual_time_on_sockets
async def test_what_comes_with_the_handshake_counts() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader) + text_frame("no") + GOODBYE)

    async with answering(vendor) as url, talking(url) as talk:
        error = await talk.failure()
        assert (type(error), error.reason) == (UnavailableError, "it says no")


@virtual_time_on_sockets
async def test_a_message_may_come_in_pieces() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(0.1)
        writer.write(text_frame("one, ", fin=False) + b"\x89\x00")
        await asyncio.sleep(0.1)
        writer.write(text_frame("two, ", opcode=0, fin=False) + text_frame("three", opcode=0))
        writer.write(text_frame("\x01", opcode=2))
        await reader.read(-1)

    async with answering(vendor) as url, talking(url) as talk:
        while len(talk.owner.heard_all) < 2:
            await talk.news()
        assert talk.owner.heard_all == ["one, two, three", b"\x01"]


@virtual_time_on_sockets
async def test_a_vendor_that_never_answers_the_handshake() -> None:
    async def vendor(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with answering(vendor) as url, talking(url) as talk:
        began_s = now_s()
        assert isinstance(await talk.failure(), DeadlineError)
        assert now_s() - began_s == pytest.approx(3, abs=0.1)


@virtual_time_on_sockets
async def test_no_redirection_takes_the_key_elsewhere() -> None:
    came = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))

    async with answering(elsewhere) as other:

        async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {other}\r\n\r\n".encode())

        async with answering(vendor) as url, talking(url) as talk:
            assert "302" in (await talk.failure()).reason
    assert came == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "nonsense"])
@virtual_time_on_sockets
async def test_an_address_must_be_one_of_a_websocket(url: str) -> None:
    async with talking(url) as talk:
        assert isinstance(await talk.failure(), UnsupportedError)


@virtual_time_on_sockets
async def test_a_port_that_speaks_something_else() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")

    async with answering(vendor) as url, talking(url) as talk:
        assert isinstance(await talk.failure(), NetworkError)


@virtual_time_on_sockets
async def test_a_connection_that_has_held_is_mended_without_progress() -> None:
    """A vendor with nothing to say is no failure; one that leaves at once, each time, is one."""
    stays_s = iter([10.0, 8.0, 20.0, *[0.05] * 100])

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        stay_s = next(stays_s)
        while stay_s > 0:
            await asyncio.sleep(min(stay_s, 1.0))
            stay_s -= 1.0
            writer.write(PONG)

    async with answering(vendor) as url, talking(url) as talk:
        began_s = now_s()
        assert isinstance(await talk.failure(), NetworkError)
        assert 38 < now_s() - began_s < 41.5
        assert talk.session.reconnections > 5


@virtual_time_on_sockets
async def test_a_vendor_that_fails_a_while_after_each_opening_is_given_up() -> None:
    connections = 0

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(await upgrade(reader))
        await asyncio.sleep(1.2)
        writer.write(PONG + GOODBYE)

    async with answering(vendor) as url, talking(url) as talk:
        began_s = now_s()
        assert isinstance(await talk.failure(), NetworkError)
        assert now_s() - began_s < 12
        assert connections < 10


@virtual_time_on_sockets
async def test_a_vendor_is_told_that_somebody_is_there() -> None:
    heard = bytearray()

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        while data := await reader.read(100):
            heard.extend(data)
            writer.write(PONG)

    async with answering(vendor) as url, talking(url, keepalive_s=4.0) as talk:
        await talk.session.keep()
        await asyncio.sleep(20)
        assert talk.session.connected
    # Masked texts of ten bytes, at least one every four seconds.
    assert heard.count(b"\x81\x8a") >= 5


def fill(session: Session[LineCodec, object]) -> None:
    """Say as much as is taken."""
    while session.has_room:
        session.say(bytes(65_536))


@virtual_time_on_sockets
async def test_who_has_more_to_say_is_told_when_there_is_room() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await deaf(reader, writer)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        while await reader.read(1 << 20):
            writer.write(PONG)

    async with answering(vendor) as url, talking(url) as talk:
        await talk.session.keep()
        fill(talk.session)
        assert talk.owner.rooms == 0
        await asyncio.sleep(10)
        assert (talk.session.connected, talk.session.has_room) == (True, True)
        assert talk.owner.rooms == 1


@virtual_time_on_sockets
async def test_what_nobody_takes_has_a_deadline() -> None:
    async with answering(deaf) as url, talking(url) as talk:
        await talk.session.keep()
        fill(talk.session)
        began_s = now_s()
        talk.owner.news.clear()
        await talk.owner.news.wait()
        assert 5 < now_s() - began_s < 10
        assert not talk.session.connected


@virtual_time_on_sockets
async def test_a_connection_that_comes_after_the_close_is_dropped() -> None:
    left = asyncio.Event()

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = await upgrade(reader)
        await asyncio.sleep(2)
        writer.write(answer)
        await reader.read(-1)
        left.set()

    async with answering(vendor) as url, talking(url) as talk:
        keeping = asyncio.create_task(talk.session.keep())
        await asyncio.sleep(1)
        talk.session.close()
        await keeping
        assert not talk.session.connected
        async with asyncio.timeout(1):
            await left.wait()
