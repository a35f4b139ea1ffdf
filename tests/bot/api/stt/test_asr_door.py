"""`/ws/asr-stream` on real sockets, with clients as there are of other services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from bot.api.stt.asr_door import CONFIGURE_S
from bot.api.stt.faults import Fault
from media.audio import PCM16_16K
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .described import Described
from .served import LOUD, QUIET, Client, Service, serving

ENGLISH = {"language_code": "en-US"}
PIECE = PCM16_16K.byte_count(250)
DESCRIBED = Described("asrStream")


@asynccontextmanager
async def asr(
    engine: Recognizer | None = None, **limits: Any
) -> AsyncIterator[tuple[Service, Client]]:
    async with serving(engine, **limits) as service, service.client(path="/ws/asr-stream") as one:
        yield service, one


async def configure(client: Client, config: dict[str, Any]) -> dict[str, Any]:
    await client.websocket.send(orjson.dumps(config).decode())
    return await hear(client)


async def hear(client: Client) -> dict[str, Any]:
    """The next message, which is one that is described."""
    async with asyncio.timeout(100):
        return DESCRIBED.check(await client.websocket.recv())


async def speak(client: Client, audio: bytes) -> float:
    """Send audio as fast as it is spoken; gives when (the loop's time) the last of it was sent."""
    for at in range(0, len(audio), PIECE):
        await asyncio.sleep(0.25)
        await client.send(audio[at : at + PIECE])
    return now_s()


def now_s() -> float:
    return asyncio.get_running_loop().time()


@virtual_time_on_sockets
async def test_a_client_that_only_waits_gets_complete() -> None:
    async with asr(Recognizer(texts=["good morning", "bye"])) as (_, client):
        ready = await configure(client, ENGLISH)
        assert (ready["type"], ready["status"], ready["language_code"]) == (
            "metadata", "ready", "en-US",
        )  # fmt: skip
        assert (ready["sample_rate_hertz"], ready["encoding"]) == (16_000, "pcm_s16le")
        # Of the last word nobody hears that it is over: the service must find that out.
        last_s = await speak(client, LOUD + QUIET + LOUD)
        assert await hear(client) == {
            "type": "transcript", "text": "good morning", "is_final": True, "confidence": 0.9,
        }  # fmt: skip
        assert (await hear(client))["text"] == "bye"
        assert await hear(client) == {"type": "complete"}
        assert now_s() - last_s == pytest.approx(3.1, abs=0.1)
        assert await client.closed() == (1000, "client")


@virtual_time_on_sockets
async def test_pauses_below_the_limit_end_nothing() -> None:
    async with asr(stt_end_s=3.0) as (_, client):
        await configure(client, ENGLISH)
        for _ in range(3):
            await client.send(QUIET[:640])
            await asyncio.sleep(2.9)
        last_s = now_s()
        assert await hear(client) == {"type": "complete"}
        assert now_s() - last_s == pytest.approx(0.1, abs=0.05)


@virtual_time_on_sockets
async def test_only_audio_counts_as_audio() -> None:
    async with asr(stt_end_s=1.0) as (_, client):
        await configure(client, ENGLISH)
        await client.send(QUIET[:640])
        began_s = now_s()
        for _ in range(4):
            await client.say("keepalive")
            await asyncio.sleep(0.24)
        assert await hear(client) == {"type": "complete"}
        assert now_s() - began_s == pytest.approx(1.0, abs=0.1)


@virtual_time_on_sockets
async def test_without_any_audio_it_ends_when_it_was_idle_for_long() -> None:
    async with asr(stt_idle_s=60) as (service, client):
        await configure(client, ENGLISH)
        await asyncio.sleep(55)
        assert service.sessions.active == 1
        error = await hear(client)
        assert (error["type"], error["code"]) == ("error", "idle")
        assert "60 s" in error["detail"]
        assert (await client.closed())[0] == 1008


@virtual_time_on_sockets
async def test_a_client_that_never_configures_is_not_waited_for() -> None:
    async with asr() as (service, client):
        began_s = now_s()
        assert (await hear(client))["code"] == "idle"
        assert now_s() - began_s == pytest.approx(CONFIGURE_S, abs=1)
        assert service.sessions.tally.begun["asr"] == 0


async def test_a_client_that_has_not_configured_yet_has_a_place_already() -> None:
    async with asr(stt_max_sessions=1) as (service, client):
        async with service.client(path="/ws/asr-stream") as another:
            assert (await hear(another))["code"] == "too_many_sessions"
        async with service.client() as another:
            assert (await another.hear())["code"] == "too_many_sessions"
        assert service.sessions.active == 0
        assert (await configure(client, ENGLISH))["type"] == "metadata"


@pytest.mark.parametrize("end", [b"", '{"type": "end"}'])
async def test_a_client_may_say_that_it_has_ended(end: bytes | str) -> None:
    async with asr(Recognizer(texts=["hello"], delay_s=0.2)) as (_, client):
        await configure(client, ENGLISH)
        await client.send(LOUD)
        await client.websocket.send(end)
        assert (await hear(client))["text"] == "hello"
        assert await hear(client) == {"type": "complete"}
        assert await client.closed() == (1000, "client")


async def test_interim_texts_and_what_is_not_said_here() -> None:
    async with asr(Recognizer(utterances=False)) as (service, client):
        await configure(client, ENGLISH)
        stream = service.engine.current
        stream.hear("good")
        assert await hear(client) == {
            "type": "transcript", "text": "good", "is_final": False, "confidence": None,
        }  # fmt: skip
        await client.say("finalize")
        await client.say("keepalive")
        stream.hear("good morning", final=True, end_ms=900)
        assert (await hear(client))["is_final"] is True


async def test_the_defaults_are_the_settings() -> None:
    limits = {
        "default_language_code": "fr-FR",
        "default_sample_rate_hertz": 8_000,
        "streaming_interim_results": False,
        "enable_automatic_punctuation": False,
    }
    async with asr(Recognizer(utterances=False), **limits) as (service, client):
        ready = await configure(client, {})
        assert (ready["language_code"], ready["sample_rate_hertz"]) == ("fr-FR", 8_000)
        stream = service.engine.current
        assert (stream.options.interim_results, stream.options.punctuation) == (False, False)
        stream.hear("bon")
        stream.hear("bonjour", final=True)
        assert (await hear(client))["text"] == "bonjour"


async def test_arabic_and_16_khz_when_nobody_says_otherwise() -> None:
    async with asr() as (_, client):
        error = await configure(client, {})
        assert (error["code"], error["allowed"]) == ("unsupported_language", ["en-US", "fr-FR"])
        assert await client.closed() == (1008, "unsupported_language")


@pytest.mark.parametrize(
    ("first", "code", "close"),
    [
        ("{", "bad_message", 1007),
        ("[]", "bad_message", 1007),
        (LOUD, "bad_message", 1007),
        (b"", "bad_message", 1007),
        ('{"type": "end"}', "bad_message", 1007),
        ('{"language_code": "en-US", "encoding": "MP4"}', "bad_encoding", 1008),
        ('{"language_code": "en-US", "sample_rate_hertz": 7}', "bad_sample_rate", 1008),
        ('{"language_code": "Klingonese"}', "bad_language", 1008),
    ],
)
async def test_what_is_no_configuration_is_refused(
    first: bytes | str, code: str, close: int
) -> None:
    async with asr() as (service, client):
        await client.websocket.send(first)
        error = await hear(client)
        assert (error["type"], error["code"]) == ("error", code)
        assert error["allowed"]
        if code == "bad_message":
            assert error["allowed"][0]["language_code"] == "en-US"
        assert error["detail"]
        assert await client.closed() == (close, code)
        assert service.sessions.active == 0


async def test_a_wrong_message_harms_no_session() -> None:
    async with asr(Recognizer(texts=["hello"])) as (_, client):
        await configure(client, ENGLISH)
        for wrong in ("{", '{"type": "config", "language_code": "fr-FR"}'):
            await client.websocket.send(wrong)
            error = await hear(client)
            assert error["code"] == "bad_message"
            assert {"type": "end"} in error["allowed"]
            assert {"type": "config"} not in error["allowed"]
        await client.send(LOUD, QUIET)
        assert (await hear(client))["text"] == "hello"


async def test_who_may_not_is_told_why() -> None:
    async with serving() as service:
        service.gate.refusal = Fault("unauthorized", "the key is missing")
        async with service.client(path="/ws/asr-stream", origin="https://example.com") as client:
            error = await hear(client)
            assert (error["type"], error["detail"]) == ("error", "the key is missing")
            assert await client.closed() == (1008, "unauthorized")


async def test_a_client_that_leaves_before_it_configures_leaves_nothing() -> None:
    async with asr() as (service, client):
        await client.websocket.close()
        assert service.sessions.tally.begun["asr"] == 0


async def test_a_configurations_type_may_be_anything() -> None:
    async with asr() as (_, client):
        assert (await configure(client, {"type": ["config"], **ENGLISH}))["status"] == "ready"
