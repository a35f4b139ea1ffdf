"""How strict a stream of Scribe is."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import Talk, talking
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import ElevenLabsStandIn

QUERY = {
    "model_id": "scribe_v2_realtime",
    "audio_format": "ulaw_8000",
    "include_timestamps": "true",
}


def chunk(audio: bytes = b"", *, commit: bool = False, **more: object) -> Json:
    return {
        "message_type": "input_audio_chunk",
        "audio_base_64": base64.b64encode(audio).decode(),
        "commit": commit,
        "sample_rate": 8_000,
        **more,
    }


@asynccontextmanager
async def stream(standin: ElevenLabsStandIn, *first: Json, **query: str) -> AsyncIterator[Talk]:
    url = f"{standin.ws_url}/v1/speech-to-text/realtime?{urlencode({**QUERY, **query})}"
    async with talking(url, *first, headers={"xi-api-key": standin.api_key}) as talk:
        yield talk


async def test_a_commit_is_answered_twice(standin: ElevenLabsStandIn, script: Script) -> None:
    async with stream(standin, chunk(script.audio), chunk(commit=True)) as talk:
        started = await talk.hear()
        assert (started["message_type"], started["config"]["sample_rate"]) == (
            "session_started",
            8_000,
        )
        while (message := await talk.hear())["message_type"] == "partial_transcript":
            assert script.text.startswith(message["text"])
        assert message == {"message_type": "committed_transcript", "text": script.text}
        timed = await talk.hear()
        assert timed["text"] == "".join(word["text"] for word in timed["words"])
        assert timed["words"][0]["start"] == script.words[0].start_ms / 1000


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (b"\xff" * 160, "input_error"),
        ("no JSON", "input_error"),
        ({"message_type": "commit"}, "input_error"),
        ({**chunk(), "audio_base_64": "?"}, "input_error"),
        (chunk(sample_rate=16_000), "input_error"),
        (chunk(colour="red"), "input_error"),
        (chunk(b"\xff" * 80_160), "chunk_size_exceeded"),
    ],
)
async def test_what_is_no_chunk(
    standin: ElevenLabsStandIn, wrong: Json | str | bytes, kind: str
) -> None:
    async with stream(standin) as talk:
        await talk.say(wrong)
        *_, error = await talk.rest()
        assert (error["message_type"], talk.close_code) == (kind, 1008)


async def test_context_is_for_the_first_chunk(standin: ElevenLabsStandIn) -> None:
    told = chunk(b"\xff" * 800, previous_text="Hello")
    untold = chunk(b"\xff" * 800, previous_text=None)
    async with stream(standin, told, untold, told) as talk:
        *_, error = await talk.rest()
        assert error["message_type"] == "invalid_request"


@pytest.mark.parametrize(
    "query",
    [
        {"model_id": "scribe_v1"},
        {"audio_format": "alaw_8000"},
        {"commit_strategy": "never"},
        {"language_code": "en-US"},
        {"keyterms": "x" * 21},
        {"vad_silence_threshold_secs": "0.2"},
        {"filter_background_audio": "true"},
        {"sample_rate": "8000"},
    ],
)
async def test_what_cannot_be_asked_for(standin: ElevenLabsStandIn, query: dict[str, str]) -> None:
    async with stream(standin, **query) as talk:
        (error,) = await talk.rest()
        assert (error["message_type"], talk.close_code) == ("invalid_request", 1008)


async def test_a_commit_needs_audio(standin: ElevenLabsStandIn, script: Script) -> None:
    async with stream(standin, chunk(script.audio[:2_392]), chunk(commit=True)) as talk:
        await talk.hear()
        throttled = await talk.hear()
        assert throttled["message_type"] == "commit_throttled"
        # What was not committed is kept.
        await talk.say(chunk(script.audio[2_392:], commit=True))
        while (message := await talk.hear())["message_type"] == "partial_transcript":
            pass
        assert message["text"] == script.text


async def test_what_is_too_much_is_committed_or_the_end(script: Script) -> None:
    limits = Limits(auto_commit_ms=1_000, session_ms=3_000)
    async with (
        ElevenLabsStandIn(OracleHearing(script), limits=limits) as standin,
        stream(standin, *(chunk(script.audio[at:][:800]) for at in range(0, 25_600, 800))) as talk,
    ):
        messages = await talk.rest()
        kinds = [message["message_type"] for message in messages]
        assert kinds.count("committed_transcript") == 3
        assert kinds[-1] == "session_time_limit_exceeded"


@virtual_time_on_sockets
async def test_a_stream_without_audio_is_closed(script: Script) -> None:
    async with ElevenLabsStandIn(OracleHearing(script)) as standin, stream(standin) as talk:
        assert [message["message_type"] for message in await talk.rest()] == ["session_started"]
        assert talk.close_code == 1000
