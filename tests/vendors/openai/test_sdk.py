"""OpenAI's own SDK finds in the stand-in what it finds at OpenAI."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from media.audio import AudioFormat, Encoding
from media.files import wav_header
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .standin import OpenAiStandIn

TEXT = "Hello, this is Parley."
PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
PCMU = {"type": "audio/pcmu"}


def session(model: str = "gpt-live-transcribe", **heard: Any) -> Any:
    transcription = {"model": model, "language": "en"}
    asked = {"format": PCMU, "transcription": transcription, "turn_detection": None, **heard}
    return {"type": "transcription", "audio": {"input": asked}}


async def configure(connection: AsyncRealtimeConnection, asked: Any) -> None:
    assert (await connection.recv()).type == "session.created"
    await connection.session.update(session=asked)
    assert (await connection.recv()).type == "session.updated"


async def commit(connection: AsyncRealtimeConnection, audio: bytes) -> tuple[str, str]:
    """The pieces of an item, and its whole text."""
    await connection.input_audio_buffer.append(audio=base64.b64encode(audio).decode())
    await connection.input_audio_buffer.commit()
    pieces = ""
    while True:
        event = await connection.recv()
        if event.type == "conversation.item.input_audio_transcription.delta":
            pieces += event.delta or ""
        elif event.type == "conversation.item.input_audio_transcription.completed":
            return pieces.strip(), event.transcript
        else:
            assert event.type in ("input_audio_buffer.committed", "conversation.item.added"), event


def transcribing(client: AsyncOpenAI) -> Any:
    return client.realtime.connect(extra_query={"intent": "transcription"})


@pytest.mark.parametrize(
    ("audio_format", "heard"),
    [
        (AudioFormat(Encoding.ULAW, 8_000), {}),
        (PCM16_24K, {"format": {"type": "audio/pcm", "rate": 24_000}}),
    ],
)
async def test_the_sdk_transcribes(
    client: AsyncOpenAI, script: Script, audio_format: AudioFormat, heard: Any
) -> None:
    audio = script.audio_in(audio_format)
    middle = audio_format.byte_count(script.words[3].end_ms + 200)
    async with transcribing(client) as connection:
        await configure(connection, session(**heard))
        first = await commit(connection, audio[:middle])
        second = await commit(connection, audio[middle:])
    assert first == (TEXT, TEXT)
    assert second == ("How may I help you today?",) * 2


@pytest.mark.parametrize(
    "heard", [{"format": {"type": "audio/pcma"}}, {"format": {"type": "audio/pcm"}}]
)
async def test_a_wrong_codec_or_rate_is_not_understood(
    client: AsyncOpenAI, script: Script, heard: Any
) -> None:
    async with transcribing(client) as connection:
        await configure(connection, session(**heard))
        assert await commit(connection, script.audio) == ("", "")


async def test_another_recording_is_not_understood(client: AsyncOpenAI) -> None:
    other = computed_script(["Somebody else is speaking here."])
    async with transcribing(client) as connection:
        await configure(connection, session())
        assert await commit(connection, other.audio) == ("", "")


async def test_what_is_wrong_in_a_session_leaves_it_open(
    client: AsyncOpenAI, script: Script
) -> None:
    async with transcribing(client) as connection:
        assert (await connection.recv()).type == "session.created"

        async def refused(asked: Any) -> str | None:
            await connection.session.update(session=asked)
            event = await connection.recv()
            assert event.type == "error", event
            param: str | None = event.error.param
            return param

        assert await refused(session("gpt-9")) == "session.audio.input.transcription.model"
        vad = {"type": "server_vad"}
        assert await refused(session(turn_detection=vad)) == "session.audio.input.turn_detection"
        assert await refused({"type": "realtime"}) == "session.type"
        assert await refused({**session(), "speed": 2}) == "session.speed"
        await connection.input_audio_buffer.append(audio="AAAA")
        assert (await connection.recv()).type == "error"
        await connection.session.update(session=session())
        assert (await connection.recv()).type == "session.updated"
        await connection.input_audio_buffer.commit(event_id="mine")
        event = await connection.recv()
        assert event.type == "error"
        assert (event.error.code, event.error.event_id) == (
            "input_audio_buffer_commit_empty",
            "mine",
        )
        assert (await commit(connection, script.audio))[1].startswith(TEXT)


async def test_the_sdk_sees_items_that_fail(client: AsyncOpenAI, standin: OpenAiStandIn) -> None:
    standin.misbehave(Fault("error", "finish", code=500), service="transcription")
    async with transcribing(client) as connection:
        await configure(connection, session())
        audio = base64.b64encode(bytes(8_000)).decode()
        await connection.input_audio_buffer.append(audio=audio)
        await connection.input_audio_buffer.commit()
        kinds = [(await connection.recv()).type for _ in range(3)]
        assert kinds[-1] == "conversation.item.input_audio_transcription.failed"


async def test_a_model_in_the_address_makes_it_a_conversation(client: AsyncOpenAI) -> None:
    async with client.realtime.connect(
        model="gpt-realtime-2.1-mini", extra_query={"intent": "transcription"}
    ) as connection:
        assert (await connection.recv()).type == "session.created"
        await connection.session.update(session=session())
        event = await connection.recv()
        assert event.type == "error"
        assert event.error.param == "session.type"


@pytest.mark.parametrize("query", [{}, {"model": "gpt-9"}])
async def test_the_sdk_is_told_of_a_wrong_address(client: AsyncOpenAI, query: Any) -> None:
    with pytest.raises(Exception, match="HTTP 40"):
        async with client.realtime.connect(extra_query=query, max_retries=0):
            pass


def wav(script: Script, audio_format: AudioFormat) -> bytes:
    audio = script.audio_in(audio_format)
    return wav_header(len(audio), audio_format.sample_rate_hz, 1) + audio


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000])
async def test_the_sdk_has_files_transcribed(
    client: AsyncOpenAI, script: Script, rate_hz: int
) -> None:
    file = ("call.wav", wav(script, AudioFormat(Encoding.PCM16, rate_hz)))
    answer = await client.audio.transcriptions.create(
        file=file, model="gpt-transcribe", languages=["en", "de"], keywords=["Parley"]
    )
    assert answer.text == script.text
    assert answer.languages is not None
    assert [language.code for language in answer.languages] == ["en"]


async def test_the_sdk_has_words_timed_and_speakers_told_apart(
    client: AsyncOpenAI, script: Script
) -> None:
    file = ("call.wav", wav(script, AudioFormat(Encoding.PCM16, 16_000)))
    timed = await client.audio.transcriptions.create(
        file=file,
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert timed.words is not None
    assert [(word.word, round(word.start * 1000)) for word in timed.words] == [
        (word.text, word.start_ms) for word in script.words
    ]
    parted = await client.audio.transcriptions.create(
        file=file,
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        chunking_strategy="auto",
    )
    assert [segment.speaker for segment in parted.segments] == ["A"]


async def test_a_file_at_a_wrong_rate_is_not_understood(
    client: AsyncOpenAI, script: Script
) -> None:
    audio = script.audio_in(AudioFormat(Encoding.PCM16, 16_000))
    file = ("call.wav", wav_header(len(audio), 8_000, 1) + audio)
    answer = await client.audio.transcriptions.create(file=file, model="gpt-transcribe")
    assert answer.text == ""


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model": "gpt-9"}, "model"),
        ({"model": "gpt-live-transcribe"}, "model"),
        ({"language": "english"}, "language"),
        ({"response_format": "verbose_json"}, "response_format"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"model": "whisper-1", "languages": ["en"]}, "languages"),
        ({"file": ("call.ulaw", b"x")}, "file"),
        ({"file": ("call.mp3", b"x")}, "file"),
        ({"extra_body": {"tempo": "1"}}, "tempo"),
    ],
)
async def test_the_sdk_is_told_what_is_wrong_with_a_file(
    client: AsyncOpenAI, script: Script, asked: Any, param: str
) -> None:
    file = ("call.wav", wav(script, AudioFormat(Encoding.PCM16, 8_000)))
    with pytest.raises(openai.APIStatusError) as refused:
        await client.audio.transcriptions.create(
            **{"file": file, "model": "gpt-transcribe", **asked}
        )
    assert refused.value.status_code in (400, 404)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault("denied"), openai.AuthenticationError, None),
        (Fault("limited", retry_after_s=0.2), openai.RateLimitError, "rate_limit_exceeded"),
        (Fault("quota"), openai.RateLimitError, "insufficient_quota"),
        (Fault("busy"), openai.InternalServerError, None),
    ],
)
async def test_the_sdk_knows_the_errors(
    client: AsyncOpenAI,
    standin: OpenAiStandIn,
    fault: Fault,
    kind: type[openai.APIStatusError],
    code: str | None,
) -> None:
    standin.misbehave(fault, service="models")
    with pytest.raises(kind) as refused:
        await client.models.list()
    if code is not None:
        assert refused.value.code == code
    if fault.kind == "limited":
        assert refused.value.response.headers["retry-after-ms"] == "200"
    assert (await client.models.list()).data


async def test_the_sdk_with_a_wrong_key(standin: OpenAiStandIn) -> None:
    async with AsyncOpenAI(api_key="wrong", base_url=standin.api_url, max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()
        with pytest.raises(Exception, match="HTTP 401"):
            async with client.realtime.connect(
                extra_query={"intent": "transcription"}, max_retries=0
            ):
                pass
    assert [record.key for records in standin.records.values() for record in records] == [
        "wrong",
        "wrong",
    ]
