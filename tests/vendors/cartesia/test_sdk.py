"""Cartesia's own SDK finds in the stand-in what it finds at Cartesia."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cartesia import AsyncCartesia
from cartesia.types import Voice
from cartesia.types.stt import (
    STTAutoFinalizeConnected,
    STTAutoFinalizeTurnEagerEnd,
    STTAutoFinalizeTurnEnd,
    STTAutoFinalizeTurnResume,
    STTAutoFinalizeTurnStart,
    STTAutoFinalizeTurnUpdate,
    STTManualFinalizeDoneResponse,
    STTManualFinalizeFlushDoneResponse,
    STTManualFinalizeTranscriptResponse,
)
from cartesia.types.stt_error_response import STTErrorResponse
from cartesia.types.websocket_response import Chunk, Done, Error, FlushDone, Timestamps
from websockets.exceptions import InvalidStatus

from media.audio import ULAW_8K, encode
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.record import Record
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .offer import VOICES
from .standin import CartesiaStandIn

MANUAL: dict[str, Any] = {
    "transcript": STTManualFinalizeTranscriptResponse,
    "flush_done": STTManualFinalizeFlushDoneResponse,
    "done": STTManualFinalizeDoneResponse,
    "error": STTErrorResponse,
}
TURNS: dict[str, Any] = {
    "connected": STTAutoFinalizeConnected,
    "turn.start": STTAutoFinalizeTurnStart,
    "turn.update": STTAutoFinalizeTurnUpdate,
    "turn.eager_end": STTAutoFinalizeTurnEagerEnd,
    "turn.resume": STTAutoFinalizeTurnResume,
    "turn.end": STTAutoFinalizeTurnEnd,
    "error": STTErrorResponse,
}
SONIC: dict[str, Any] = {
    "chunk": Chunk,
    "flush_done": FlushDone,
    "done": Done,
    "timestamps": Timestamps,
    "error": Error,
}
INK: dict[str, Any] = {"encoding": "pcm_mulaw", "sample_rate": 8_000}
HOW: dict[str, Any] = {
    "model_id": "sonic-3.5",
    "voice": {"mode": "id", "id": next(iter(VOICES))},
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8_000},
    "language": "en",
}
PIECE_MS = 100


@asynccontextmanager
async def client(
    standin: CartesiaStandIn, key: str = "stand-in-key"
) -> AsyncIterator[AsyncCartesia]:
    async with (
        httpx.AsyncClient(verify=False) as http,
        AsyncCartesia(
            api_key=key,
            base_url=standin.base_url,
            websocket_base_url=standin.ws_url,
            http_client=http,
            max_retries=0,
        ) as vendor,
    ):
        yield vendor


async def speak(connection: Any, audio: bytes) -> None:
    size = ULAW_8K.byte_count(PIECE_MS)
    for at in range(0, len(audio), size):
        await connection.send_raw(audio[at : at + size])
        await asyncio.sleep(PIECE_MS / 1000)


def check_messages(record: Record, known: dict[str, Any]) -> list[Json]:
    """All that was said has the shape of the SDK's own types, which the SDK does not see to."""
    answers = list(record.answers)
    assert answers
    for answer in answers:
        # Of the times of words Cartesia's page has another shape than these types.
        told = {name: value for name, value in answer.items() if name != "words"}
        known[answer["type"]].model_validate(told)
    return answers


@virtual_time_on_sockets
async def test_the_sdk_finalizes(script: Script) -> None:
    middle = ULAW_8K.byte_count(script.words[1].end_ms + 20)
    async with CartesiaStandIn(OracleHearing(script)) as standin:
        async with (
            client(standin) as vendor,
            vendor.stt.manual_finalize.websocket(
                model="ink-2", keyterm=["Parley", "help you"], **INK
            ) as connection,
        ):
            await speak(connection, script.audio[:middle])
            await connection.send("finalize")
            messages: list[Any] = []
            while not messages or messages[-1].type != "flush_done":
                messages.append(await connection.recv())
            await speak(connection, script.audio[middle:])
            await connection.send("close")
            messages += [message async for message in connection]
        (record,) = standin.records["stt"]
    check_messages(record, MANUAL)
    finals = [m.text for m in messages if m.type == "transcript" and m.is_final]
    assert finals[0] == "Hello, this"
    # As they are, without a space between them.
    assert "".join(finals) == script.text
    assert messages[-1].type == "done"
    assert record.query["keyterm"] == ["Parley", "help you"]
    assert record.texts == ["finalize", "close"]


@virtual_time_on_sockets
async def test_the_sdk_hears_turns(script: Script) -> None:
    async with CartesiaStandIn(OracleHearing(script)) as standin:
        async with (
            client(standin) as vendor,
            vendor.stt.auto_finalize.websocket(
                model="ink-2", turn_end_timeout_ms=5_000, **INK
            ) as connection,
        ):
            await speak(connection, script.audio)
            await connection.send({"type": "close"})
            messages: list[Any] = [message async for message in connection]
        (record,) = standin.records["turns"]
    check_messages(record, TURNS)
    kinds = [message.type for message in messages if message.type != "turn.update"]
    assert kinds == [
        "connected",
        *("turn.start", "turn.eager_end", "turn.end"),
        *("turn.start", "turn.eager_end", "turn.end"),
    ]
    ends = [message.transcript for message in messages if message.type == "turn.end"]
    assert "".join(ends) == script.text


@virtual_time_on_sockets
async def test_the_sdk_shortens_a_turn(script: Script) -> None:
    """Where the model would not end it for long, silence does, as soon as it is told to."""
    first = ULAW_8K.byte_count(script.words[3].end_ms + 100)
    async with CartesiaStandIn(OracleHearing(script)) as standin:
        async with (
            client(standin) as vendor,
            vendor.stt.auto_finalize.websocket(
                model="ink-2", turn_end_threshold=0.05, **INK
            ) as connection,
        ):
            await speak(connection, script.audio[:first])
            await connection.send({"type": "config", "turn": {"end_timeout_ms": 640}})
            await speak(connection, script.audio[first:])
            await connection.send({"type": "config", "turn": {"end_threshold": 0.5}})
            assert [message.type async for message in connection][-1] == "error"
        (record,) = standin.records["turns"]
    # Which must be below the eager one.
    answers = check_messages(record, TURNS)
    assert (answers[-1]["type"], answers[-1]["status_code"]) == ("error", 400)
    assert [a["transcript"] for a in answers if a["type"] == "turn.end"] == [
        "Hello, this is Parley.",
        " How may I help you?",
    ]


@virtual_time_on_sockets
async def test_the_sdk_is_told_that_audio_comes_too_fast(script: Script) -> None:
    async with CartesiaStandIn(OracleHearing(script)) as standin:
        async with (
            client(standin) as vendor,
            vendor.stt.manual_finalize.websocket(model="ink-2", **INK) as connection,
        ):
            for at in range(0, 16_000, 4_000):
                await connection.send_raw(script.audio[at : at + 4_000])
            messages = [message async for message in connection]
        assert [message.type for message in messages] == ["error"]


async def test_the_sdk_speaks(standin: CartesiaStandIn) -> None:
    async with client(standin) as vendor, vendor.tts.websocket_connect() as connection:
        spoken = connection.context(add_timestamps=True, **HOW)
        await spoken.push("Hello, ")
        await spoken.push("world!", flush=True)
        await spoken.no_more_inputs()
        messages: list[Any] = [message async for message in spoken.receive()]
    (record,) = standin.records["tts"]
    check_messages(record, SONIC)
    audio = b"".join(message.audio for message in messages if message.type == "chunk")
    assert audio == encode(tones("Hello, world!", 8_000), ULAW_8K.encoding)
    words = [m.word_timestamps for m in messages if m.type == "timestamps"]
    assert [word for told in words for word in told.words] == ["Hello,", "world!"]
    assert [round(start, 2) for told in words for start in told.start] == [0.0, 0.42]
    assert {message.type for message in messages} >= {"chunk", "timestamps", "flush_done", "done"}


async def test_the_sdk_has_texts_beside_one_another(standin: CartesiaStandIn) -> None:
    async with client(standin) as vendor, vendor.tts.websocket_connect() as connection:
        long: Any = {"context_id": "a", "transcript": "x" * 200, "continue": True, **HOW}
        short: Any = {"context_id": "b", "transcript": "Yes.", **HOW}
        await connection.send(long)
        await connection.send(short)
        await connection.send({"context_id": "a", "cancel": True})
        done: set[str] = set()
        while done != {"a", "b"}:
            message = await connection.recv()
            if message.type == "done":
                done.add(str(message.context_id))
        await connection.send(short)
        error: Any = await connection.recv()
    assert (error.type, error.context_id, error.status_code) == ("error", "b", 400)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"model_id": "sonic-0"}, "model_not_found"),
        ({"voice": {"mode": "id", "id": "nobody"}}, "voice_not_found"),
        ({"language": "xx"}, "language_not_found"),
        ({"generation_config": {"speed": 1.6}}, "invalid_request"),
        ({"output_format": {**HOW["output_format"], "container": "wav"}}, "invalid_request"),
    ],
)
async def test_the_sdk_is_told_what_is_wrong(
    standin: CartesiaStandIn, wrong: Json, code: str
) -> None:
    message: Any = {"context_id": "c1", "transcript": "Yes.", **HOW, **wrong}
    async with client(standin) as vendor, vendor.tts.websocket_connect() as connection:
        await connection.send(message)
        error: Any = await connection.recv()
    assert (error.type, error.context_id, error.error_code) == ("error", "c1", code)
    check_messages(standin.records["tts"][0], SONIC)


async def test_the_sdk_lists_voices(standin: CartesiaStandIn) -> None:
    async with client(standin) as vendor:
        voices = [voice async for voice in vendor.voices.list(limit=2)]
    assert [voice.id for voice in voices] == list(VOICES)
    assert all(isinstance(voice, Voice) for voice in voices)
    Voice.model_validate(voices[0].model_dump())


async def test_the_sdk_is_refused_with_a_wrong_key(standin: CartesiaStandIn) -> None:
    async with client(standin, "wrong") as vendor:
        with pytest.raises(InvalidStatus) as refused:
            async with vendor.tts.websocket_connect():
                pass
    assert refused.value.response.status_code == 401
