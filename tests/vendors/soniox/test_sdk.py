"""Soniox' own SDK finds in the stand-in what it finds at Soniox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from soniox import AsyncSonioxClient
from soniox.errors import SonioxRealtimeError
from soniox.types import RealtimeSTTConfig
from soniox.types.realtime import RealtimeEvent, RealtimeTTSConfig

from media.audio import Encoding, encode
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones

from .standin import SonioxStandIn
from .talking import CONFIG, KEY

TEXT = "Hello, this is Parley."
STT = RealtimeSTTConfig(
    **CONFIG,
    max_endpoint_delay_ms=700,
    context={"general": {"domain": "appointments"}, "terms": ["Parley"]},
    endpoint_sensitivity=0.5,
    client_reference_id="call-42",
)


def spoken(stream_id: str) -> RealtimeTTSConfig:
    return RealtimeTTSConfig(
        stream_id=stream_id,
        model="tts-rt-v2",
        language="en",
        voice="Adrian",
        audio_format="pcm_mulaw",
        sample_rate=8000,
    )


def ulaw(said: str) -> bytes:
    return encode(tones(said, 8000), Encoding.ULAW)


def client(standin: SonioxStandIn, key: str = KEY) -> AsyncSonioxClient:
    return AsyncSonioxClient(
        api_key=key,
        websocket_base_url=standin.stt_url,
        tts_websocket_base_url=standin.tts_url,
        api_base_url="http://127.0.0.1:9/v1",
        tts_api_base_url="http://127.0.0.1:9",
    )


def text(events: list[RealtimeEvent]) -> str:
    return "".join(token.text for event in events for token in event.tokens if token.is_final)


async def test_the_sdk_transcribes(standin: SonioxStandIn, script: Script) -> None:
    middle = script.words[1].end_ms * 8
    async with client(standin).realtime.stt.connect(config=STT) as session:
        await session.send_byte_chunk(script.audio[:middle])
        await session.keep_alive()
        await session.finalize()
        events: list[RealtimeEvent] = []
        while "<fin>" not in text(events):
            event = await session.receive_event()
            assert event is not None
            events.append(event)
        await session.send_byte_chunk(script.audio[middle:])
        await session.finish()
        events += [event async for event in session.receive_events()]
    assert text(events) == "Hello, this<fin> is Parley.<end> How may I help you today?<end>"
    assert events[-1].finished
    assert not any(event.error_code for event in events)
    (record,) = standin.stt
    assert record.key == "right"
    assert record.messages[1:] == [{"type": "keepalive"}, {"type": "finalize"}]
    assert standin.stt[0].complaints == []


async def test_the_sdk_is_kept_waiting(standin: SonioxStandIn, script: Script) -> None:
    async with client(standin).realtime.stt.connect(config=STT) as session:
        await session.pause()
        await session.send_byte_chunk(script.audio)  # which it drops while it pauses
        await session.resume()
        await session.send_byte_chunk(script.audio[:1600])
        await session.finish()
        events = [event async for event in session.receive_events()]
    assert text(events) == "<fin>"
    assert standin.stt[0].audio == script.audio[:1600]


async def test_the_sdk_speaks(standin: SonioxStandIn) -> None:
    async with client(standin).realtime.tts.connect(config=spoken("s1")) as session:
        await session.send_text_chunk(TEXT[:9])
        await session.keep_alive()
        await session.send_text_chunk(TEXT[9:])
        await session.finish()
        audio = b"".join([chunk async for chunk in session.receive_audio_chunks()])
    assert audio == ulaw(TEXT)
    assert session.last_message is not None
    assert session.last_message.terminated


async def test_the_sdk_cancels_one_stream_of_several(script: Script) -> None:
    async with (
        SonioxStandIn(OracleHearing(script), pace=100) as standin,
        client(standin).realtime.tts.connect_multi_stream() as connection,
    ):
        one = await connection.open_stream(config=spoken("one"))
        two = await connection.open_stream(config=spoken("two"))
        for stream in (one, two):
            await stream.send_text_chunk(TEXT * 20, text_end=True)
        assert await one.receive_event() is not None
        await one.cancel()
        async with asyncio.TaskGroup() as tasks:
            rest = tasks.create_task(_audio(one.receive_audio_chunks()))
            whole = tasks.create_task(_audio(two.receive_audio_chunks()))
        assert len(rest.result()) < len(whole.result()) // 2
        assert whole.result() == ulaw(TEXT * 20)
        again = await connection.open_stream(config=spoken("one"))
        await again.send_text_chunk("Hi", text_end=True)
        assert await _audio(again.receive_audio_chunks()) == encode(
            tones("Hi", 8000), Encoding.ULAW
        )


async def _audio(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_the_sdk_hears_of_errors(standin: SonioxStandIn) -> None:
    config = spoken("s1").model_copy(update={"voice": "Nobody"})
    async with client(standin).realtime.tts.connect(config=config) as session:
        with pytest.raises(SonioxRealtimeError, match="voice is not supported"):
            await session.receive_event()
    unknown = STT.model_copy(update={"model": "stt-rt-v3"})
    async with client(standin).realtime.stt.connect(config=unknown) as listening:
        (event,) = [event async for event in listening.receive_events()]
    assert event.error_code == 400


@pytest.mark.parametrize("answer", ["upgrade", "message"])
async def test_the_sdk_is_told_of_a_wrong_key(
    script: Script, answer: Literal["upgrade", "message"]
) -> None:
    async with SonioxStandIn(OracleHearing(script), wrong_key=answer) as standin:
        vendor = client(standin, "wrong").realtime
        if answer == "upgrade":
            with pytest.raises(SonioxRealtimeError):
                async with vendor.stt.connect(config=STT):
                    pass
            with pytest.raises(SonioxRealtimeError):
                async with vendor.tts.connect_multi_stream():
                    pass
        else:
            async with vendor.stt.connect(config=STT) as session:
                events = [event async for event in session.receive_events()]
            assert [event.error_code for event in events] == [401]
            async with vendor.tts.connect(config=spoken("s1")) as speaking:
                with pytest.raises(SonioxRealtimeError, match="401"):
                    await speaking.receive_event()
    assert {record.key for record in standin.stt + standin.tts} == {"wrong"}
