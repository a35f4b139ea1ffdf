"""OpenAI's own SDK has the stand-in speak as OpenAI does."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from media.audio import Encoding, encode
from media.files import read_wav
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones

from .standin import OpenAiStandIn

TEXT = "Hello, this is Parley."
PCMU = {"type": "audio/pcmu"}


async def said(client: AsyncOpenAI, **asked: Any) -> bytes:
    request: Any = {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "pcm"}
    async with client.audio.speech.with_streaming_response.create(**{**request, **asked}) as answer:
        return await answer.read()


async def test_the_sdk_speaks(client: AsyncOpenAI) -> None:
    assert await said(client) == encode(tones(TEXT, 24_000), Encoding.PCM16)
    fast = encode(tones(TEXT, 24_000, 2.0), Encoding.PCM16)
    assert await said(client, speed=2.0, voice={"id": "voice_1"}) == fast
    wav = read_wav(await said(client, response_format="wav"))
    assert wav.samples[:, 0].tobytes() == tones(TEXT, 24_000).tobytes()


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"voice": "nobody"}, "voice"),
        ({"model": "gpt-9"}, "model"),
        ({"model": "gpt-realtime-2.1-mini"}, "model"),
        ({"input": "x" * 4097}, "input"),
        ({"input": ""}, "input"),
        ({"speed": 5}, "speed"),
        ({"extra_body": {"pitch": 1}}, "pitch"),
    ],
)
async def test_the_sdk_is_told_what_is_wrong_with_a_text(
    client: AsyncOpenAI, asked: Any, param: str
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        await said(client, **asked)
    assert refused.value.param == param


async def configured(connection: AsyncRealtimeConnection, instructions: str = "Read.") -> None:
    assert (await connection.recv()).type == "session.created"
    output: Any = {"format": PCMU, "voice": "marin", "speed": 1.0}
    asked: Any = {"type": "realtime", "audio": {"output": output}, "instructions": instructions}
    await connection.session.update(session=asked)
    assert (await connection.recv()).type == "session.updated"


async def ask(connection: AsyncRealtimeConnection, text: str) -> None:
    content: Any = [{"type": "input_text", "text": text}]
    item: Any = {"type": "message", "role": "user", "content": content}
    await connection.response.create(response={"conversation": "none", "input": [item]})


async def heard(connection: AsyncRealtimeConnection) -> tuple[bytes, str | None]:
    """A response's audio, and how it ended."""
    audio = b""
    while True:
        event = await connection.recv()
        if event.type == "response.output_audio.delta":
            audio += base64.b64decode(event.delta)
        elif event.type == "response.done":
            return audio, event.response.status
        assert event.type != "error", event


def reading(client: AsyncOpenAI) -> Any:
    return client.realtime.connect(model="gpt-realtime-2.1-mini")


async def test_the_sdk_has_texts_read(client: AsyncOpenAI) -> None:
    async with reading(client) as connection:
        await configured(connection)
        for text in (TEXT, "Good bye."):
            await ask(connection, text)
            ulaw = encode(tones(text, 8_000), Encoding.ULAW)
            assert await heard(connection) == (ulaw, "completed")


async def test_a_model_that_is_not_told_to_read_chats(client: AsyncOpenAI) -> None:
    async with reading(client) as connection:
        await configured(connection, instructions="")
        await ask(connection, TEXT)
        audio, _ = await heard(connection)
        assert audio != encode(tones(TEXT, 8_000), Encoding.ULAW)


async def test_the_sdk_cancels_a_response(script: Script) -> None:
    async with (
        OpenAiStandIn(OracleHearing(script), pace=100) as standin,
        AsyncOpenAI(api_key=standin.api_key, base_url=standin.api_url) as client,
        reading(client) as connection,
    ):
        await configured(connection)
        await ask(connection, TEXT * 10)
        created = await connection.recv()
        assert created.type == "response.created"
        assert created.response.id is not None
        await connection.response.cancel(response_id=created.response.id)
        audio, status = await heard(connection)
        assert status == "cancelled"
        assert len(audio) < 8 * 60 * len(TEXT) * 5
        await ask(connection, "Hi")
        assert await heard(connection) == (encode(tones("Hi", 8_000), Encoding.ULAW), "completed")


async def test_a_voice_stays_once_it_has_spoken(client: AsyncOpenAI) -> None:
    async with reading(client) as connection:
        await configured(connection)
        await ask(connection, "Hi")
        await heard(connection)
        other: Any = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
        await connection.session.update(session=other)
        event = await connection.recv()
        assert event.type == "error"
        assert event.error.code == "cannot_update_voice"
        await connection.response.cancel(response_id="resp_1")
        event = await connection.recv()
        assert event.type == "error"
        assert event.error.code == "response_cancel_not_active"
