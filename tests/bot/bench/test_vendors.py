"""The light vendors, asked by the library that everybody uses."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.bench.calls.caller import CallerPhone
from bot.bench.calls.exchange import APOLOGY_BYTES, Exchange
from bot.bench.calls.line import Line, Seen
from bot.bench.calls.recordings import load_material
from bot.bench.calls.script import FRAME_BYTES, Material, reply_bytes
from bot.bench.calls.vendors import STT_PATH, TTS_PATH, serve_vendors
from bot.bench.calls.wheel import Wheel

CONFIG = {"model": "stt-rt-v5", "audio_format": "mulaw", "sample_rate": 8000, "num_channels": 1}
PIECE = 5 * FRAME_BYTES


@pytest.fixture(scope="module")
def material() -> Material:
    return load_material()


@pytest.fixture
def exchange(material: Material) -> Exchange:
    return Exchange(Line(material.track, Wheel(), Seen()))


@asynccontextmanager
async def vendor(exchange: Exchange, path: str) -> AsyncIterator[ClientConnection]:
    exchange.line.wheel.start()
    try:
        async with (
            asyncio.timeout(10),
            serve_vendors(exchange, b"voice" * 1_000) as port,
            connect(f"ws://127.0.0.1:{port}{path}", compression=None) as ws,
        ):
            yield ws
    finally:
        exchange.line.wheel.stop()


def a_phone(exchange: Exchange, number: int, calls: int) -> CallerPhone:
    """A phone that has just sent all its frames."""
    phone = CallerPhone(exchange.line, number, calls)
    phone.sent_s.extend([monotonic()] * 3_000)
    exchange.add(phone)
    return phone


async def said(ws: ClientConnection) -> dict[str, Any]:
    message = json.loads(await ws.recv())
    assert isinstance(message, dict)
    return message


def text(message: dict[str, Any]) -> str:
    return "".join(token["text"] for token in message["tokens"])


async def speak(ws: ClientConnection, phone: CallerPhone, pieces: int) -> None:
    """Send the phone's audio, 100 ms at a time."""
    await ws.send(phone.first + bytes(PIECE - FRAME_BYTES))
    for _ in range(pieces - 1):
        await ws.send(bytes(PIECE))


async def test_a_turn_is_recognized_by_its_position(exchange: Exchange) -> None:
    phone = a_phone(exchange, 1, 4)
    async with vendor(exchange, STT_PATH) as ws:
        await ws.send(json.dumps(CONFIG))
        await speak(ws, phone, 47)
        interims = [await said(ws) for _ in range(14)]
        end = await said(ws)
        await ws.send("")
        last = await said(ws)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
    assert {text(message) for message in interims} == {" call 1 turn 1"}
    assert [message["total_audio_proc_ms"] for message in interims] == list(range(300, 4_500, 300))
    assert not any(token["is_final"] for message in interims for token in message["tokens"])
    assert text(end) == " call 1 turn 1<end>"
    assert all(token["is_final"] for token in end["tokens"])
    assert end["tokens"][3]["end_ms"] == end["final_audio_proc_ms"] == 4_700
    assert last["finished"]
    assert exchange.line.seen.counts["ended"] == 1
    assert exchange.line.seen.late_in.within(0, monotonic()).size == 47
    assert exchange.unanswered(monotonic()) == 1
    (tally,) = exchange.tallies(monotonic())
    assert (tally.streams, tally.recognized, tally.sent, tally.turns) == (1, 235, 3_000, 1)
    assert not exchange.line.seen.counts["strange"]


async def test_a_second_recognizer_of_a_call_and_one_of_nobodys_are_counted(
    exchange: Exchange,
) -> None:
    phone = a_phone(exchange, 1, 4)
    for first in (phone.first, phone.first, bytes(FRAME_BYTES)):
        async with vendor(exchange, STT_PATH) as ws:
            await ws.send(json.dumps(CONFIG))
            for piece in (first[:100], first[100:], bytes(PIECE), bytes(PIECE)):
                await ws.send(piece)
            await (await ws.ping())
    assert phone.tally.streams == 2
    assert exchange.line.seen.counts["strange"] == 1


async def test_finalize_ends_a_turn_early_and_once(exchange: Exchange) -> None:
    phone = a_phone(exchange, 0, 4)
    async with vendor(exchange, STT_PATH) as ws:
        await ws.send(json.dumps(CONFIG))
        await speak(ws, phone, 3)
        assert text(await said(ws)) == " call 0 turn 0"
        for _ in range(2):
            await ws.send('{"type":"keepalive"}')
            await ws.send('{"type":"finalize"}')
        assert [text(await said(ws)) for _ in range(2)] == [" call 0 turn 0<fin>", "<fin>"]
        for _ in range(100):
            await ws.send(bytes(PIECE))
        assert text(await said(ws)) == " call 0 turn 1"


async def test_audio_of_another_kind_is_refused(exchange: Exchange) -> None:
    async with vendor(exchange, STT_PATH) as ws:
        await ws.send(json.dumps(CONFIG | {"audio_format": "pcm_s16le"}))
        assert (await said(ws))["error_code"] == 400


async def test_lateness_counts_from_the_last_frame_of_a_piece(exchange: Exchange) -> None:
    phone = a_phone(exchange, 0, 4)
    async with vendor(exchange, STT_PATH) as ws:
        await ws.send(json.dumps(CONFIG))
        await (await ws.ping())
        now_s = monotonic()
        # The first four frames were sent long ago, the fifth just now; the tenth 50 ms before.
        phone.sent_s[4], phone.sent_s[9] = now_s, now_s - 0.05
        await speak(ws, phone, 2)
        await (await ws.ping())
    late_ms = exchange.line.seen.late_in.within(0, monotonic()).tolist()
    passed_ms = (monotonic() - now_s) * 1000
    assert 0 <= late_ms[0] < passed_ms
    # The stream was not open 50 ms ago: nobody could have taken the piece then.
    assert 0 <= late_ms[1] < 50 + passed_ms


async def test_a_reply_is_spoken_faster_than_in_real_time(exchange: Exchange) -> None:
    phone = a_phone(exchange, 2, 4)
    exchange.turn_ended(2, 5)
    async with vendor(exchange, TTS_PATH) as ws:
        began_s = monotonic()
        await ws.send('{"stream_id":"a","model":"tts-rt-v2"}')
        await ws.send('{"stream_id":"a","text":"call 2 ","text_end":false}')
        await ws.send('{"stream_id":"a","text":"turn 5","text_end":true}')
        first = await said(ws)
        phone.heard(1_600, monotonic())
        took_ms = (monotonic() - began_s) * 1000
        assert first["stream_id"] == "a"
        assert len(b64decode(first["audio"], validate=True)) == 3_200
        await ws.send('{"stream_id":"a","cancel":true}')
        assert await said(ws) == {"stream_id": "a", "terminated": True}
    assert exchange.line.seen.counts == {"ended": 1, "asked": 1, "begun": 1}
    assert reply_bytes(5) == 33_600
    (response_ms,) = exchange.line.seen.responses.within(0, monotonic())
    assert 0 < response_ms < took_ms + 50
    assert exchange.unanswered(monotonic()) == 0


async def test_what_belongs_to_no_turn_is_spoken_too(exchange: Exchange) -> None:
    async with vendor(exchange, TTS_PATH) as ws:
        await ws.send('{"keep_alive":true}')
        await ws.send('{"stream_id":"b","model":"tts-rt-v2"}')
        await ws.send('{"stream_id":"b","text":"I am sorry.","text_end":true}')
        messages = [await said(ws) for _ in range(5)]
    audio = b"".join(b64decode(message["audio"]) for message in messages[:3])
    assert APOLOGY_BYTES <= len(audio) <= APOLOGY_BYTES + 2
    assert audio[:5] == b"voice"
    assert messages[3:] == [
        {"stream_id": "b", "audio_end": True},
        {"stream_id": "b", "terminated": True},
    ]
    assert exchange.line.seen.counts == {"strange": 1}


async def test_there_is_nothing_else(exchange: Exchange) -> None:
    with pytest.raises(ConnectionClosed):
        async with vendor(exchange, "/else") as ws:
            await ws.recv()
