"""AssemblyAI's own SDK finds in the stand-in what it finds at AssemblyAI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from assemblyai.streaming.v3 import (
    AsyncStreamingClient,
    Encoding,
    SpeechModel,
    StreamingClientOptions,
    StreamingEvents,
    StreamingParameters,
)
from assemblyai.streaming.v3.models import (
    BeginEvent,
    ErrorEvent,
    HeartbeatEvent,
    StreamingError,
    TerminationEvent,
    TurnEvent,
)

from media.audio import ULAW_8K
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.record import Record
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import AssemblyAiStandIn

MESSAGES: dict[str, Any] = {
    "Begin": BeginEvent,
    "Turn": TurnEvent,
    "Heartbeat": HeartbeatEvent,
    "Termination": TerminationEvent,
    "Error": ErrorEvent,
}
PIECE_MS = 100


class Heard:
    """What an SDK's client was told."""

    def __init__(self) -> None:
        self.turns: list[TurnEvent] = []
        self.others: list[object] = []
        self.errors: list[StreamingError] = []


@asynccontextmanager
async def session(
    standin: AssemblyAiStandIn, key: str = "stand-in-key", **how: Any
) -> AsyncIterator[tuple[AsyncStreamingClient, Heard]]:
    """A session of the SDK's."""
    client = AsyncStreamingClient(StreamingClientOptions(api_host=standin.ws_url, api_key=key))
    heard = Heard()
    client.on(StreamingEvents.Turn, lambda _, turn: heard.turns.append(turn))
    client.on(StreamingEvents.Error, lambda _, error: heard.errors.append(error))
    for event in (StreamingEvents.Begin, StreamingEvents.Heartbeat, StreamingEvents.Termination):
        client.on(event, lambda _, told: heard.others.append(told))
    asked: dict[str, Any] = {
        "sample_rate": 8_000,
        "encoding": Encoding.pcm_mulaw,
        "speech_model": SpeechModel.universal_streaming_english,
        "format_turns": True,
        **how,
    }
    try:
        await client.connect(StreamingParameters(**asked))
        yield client, heard
    finally:
        await client.disconnect(terminate=True)


async def speak(client: AsyncStreamingClient, audio: bytes) -> None:
    size = ULAW_8K.byte_count(PIECE_MS)
    for at in range(0, len(audio), size):
        await client.stream(audio[at : at + size])
        await asyncio.sleep(PIECE_MS / 1000)


def check_messages(record: Record) -> None:
    """All that was said has the shape of the SDK's own types."""
    answers = list(record.answers)
    assert answers
    for answer in answers:
        MESSAGES[answer["type"]].model_validate(answer)


@virtual_time_on_sockets
async def test_the_sdk_hears_turns(script: Script) -> None:
    async with AssemblyAiStandIn(OracleHearing(script)) as standin:
        async with session(
            standin, session_heartbeat=True, keyterms_prompt=["Parley", "help you"]
        ) as (client, heard):
            await speak(client, script.audio)
        (record,) = standin.records["stt"]
    assert heard.errors == []
    ends = [turn for turn in heard.turns if turn.end_of_turn]
    assert [(turn.turn_order, turn.turn_is_formatted, turn.transcript) for turn in ends] == [
        (0, False, "hello this is parley"),
        (0, True, "Hello, this is Parley."),
        (1, False, "how may i help you"),
        (1, True, "How may I help you?"),
    ]
    times = [(word.start, word.end) for turn in ends[1::2] for word in turn.words]
    assert times == [(word.start_ms, word.end_ms) for word in script.words]
    # Words that are final do not change, and the text is made of them.
    for turn in heard.turns:
        final = [word.text for word in turn.words if word.word_is_final]
        assert turn.transcript == " ".join(final)
    assert {type(told) for told in heard.others} == {BeginEvent, HeartbeatEvent, TerminationEvent}
    check_messages(record)
    # As the SDK writes them.
    assert record.query["format_turns"] == ["True"]
    assert record.messages == [{"type": "Terminate"}]


@virtual_time_on_sockets
async def test_the_sdk_ends_a_turn(script: Script) -> None:
    # In whole messages, and in the middle of the third word.
    middle = ULAW_8K.byte_count(script.words[1].end_ms // PIECE_MS * PIECE_MS + PIECE_MS)
    async with AssemblyAiStandIn(OracleHearing(script)) as standin:
        async with session(standin, format_turns=False) as (client, heard):
            await client.force_endpoint()  # of no turn, which nothing answers
            await speak(client, script.audio[:middle])
            await client.keep_alive()
            await client.force_endpoint()
            await asyncio.sleep(1)
            ends = [turn.transcript for turn in heard.turns if turn.end_of_turn]
        assert ends == ["hello this"]
        (record,) = standin.records["stt"]
    check_messages(record)
    kinds = [message["type"] for message in record.messages]
    assert kinds == ["ForceEndpoint", "KeepAlive", "ForceEndpoint", "Terminate"]


@virtual_time_on_sockets
async def test_the_sdk_is_told_what_is_wrong(script: Script) -> None:
    async with AssemblyAiStandIn(OracleHearing(script)) as standin:
        async with session(standin, key="wrong") as (_, heard):
            pass
        assert [error.code for error in heard.errors] == [401]
        for audio, reason in (
            (script.audio[:160], "Input duration violation: 20 ms"),
            (script.audio[:8_080], "Input duration violation: 1010 ms"),
        ):
            async with session(standin) as (client, heard):
                await client.stream(audio)
                await asyncio.sleep(1)
            assert [error.code for error in heard.errors] == [3007]
            assert reason in str(heard.errors[0])
        async with session(standin) as (client, heard):
            for at in range(0, 16_000, 8_000):
                await client.stream(script.audio[at : at + 8_000])
            await asyncio.sleep(1)
        assert "Audio Transmission Rate Exceeded" in str(heard.errors[0])
        for record in standin.records["stt"][1:]:
            check_messages(record)


@virtual_time_on_sockets
async def test_a_session_does_not_last_for_ever(script: Script) -> None:
    limits = Limits(session_s=60.0)
    async with AssemblyAiStandIn(OracleHearing(script), limits=limits) as standin:
        async with session(standin) as (_, heard):
            await asyncio.sleep(61)
        assert [error.code for error in heard.errors] == [3008]
        async with session(standin, inactivity_timeout=5) as (_, heard):
            await asyncio.sleep(6)
        assert [error.code for error in heard.errors] == [3005]


@pytest.mark.parametrize(
    "how",
    [
        {"keyterms_prompt": ["x" * 51]},
        {"keyterms_prompt": ["x"] * 101},
        {"language_codes": ["es"]},
        {"max_turn_silence": 100},
    ],
)
async def test_what_cannot_be_asked(standin: AssemblyAiStandIn, how: dict[str, Any]) -> None:
    async with session(standin, **how) as (_, heard):
        pass
    assert [error.code for error in heard.errors] == [400]
