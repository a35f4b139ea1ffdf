"""The synthesis connection, as its documentation has it."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from media.audio import ULAW_8K, Encoding, encode
from tests.vendors.speech.faults import GARBAGE, Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import EspeakVoice, tones

from .limits import Limits
from .standin import SonioxStandIn
from .talking import KEY, Talk, talking

CONFIG: Json = {
    "stream_id": "s1",
    "model": "tts-rt-v2",
    "language": "en",
    "voice": "Adrian",
    "audio_format": "pcm_mulaw",
    "sample_rate": 8000,
}
TEXT = "Hello, this is Parley."


def text(said: str, *, end: bool = True, stream_id: str = "s1") -> Json:
    return {"stream_id": stream_id, "text": said, "text_end": end}


CANCEL: Json = {"stream_id": "s1", "cancel": True}


async def stream(talk: Talk, stream_id: str = "s1") -> list[Json]:
    """A stream's messages, until it is terminated; nothing else may come."""
    messages = [await talk.hear()]
    while not messages[-1].get("terminated"):
        messages.append(await talk.hear())
    assert {message["stream_id"] for message in messages} == {stream_id}
    return messages


def audio(messages: list[Json]) -> bytes:
    return b"".join(base64.b64decode(message.get("audio", "")) for message in messages)


def errors(messages: list[Json]) -> list[tuple[int, str]]:
    return [(m["error_code"], m["error_type"]) for m in messages if "error_code" in m]


def ulaw(said: str) -> bytes:
    return encode(tones(said, 8000), Encoding.ULAW)


@pytest_asyncio.fixture
async def talk(standin: SonioxStandIn) -> AsyncIterator[Talk]:
    async with talking(standin.tts_url) as talk:
        yield talk


async def test_a_text_is_spoken(talk: Talk, standin: SonioxStandIn) -> None:
    await talk.say(CONFIG, text(TEXT[:9], end=False), text(TEXT[9:]))
    *chunks, last, terminated = await stream(talk)
    assert audio([*chunks, last]) == ulaw(TEXT)
    assert [chunk["audio_end"] for chunk in chunks] == [False] * len(chunks)
    assert (last["audio_end"], terminated) == (True, {"stream_id": "s1", "terminated": True})
    (record,) = standin.tts
    assert record.messages == [CONFIG, text(TEXT[:9], end=False), text(TEXT[9:])]


async def test_the_end_may_come_when_all_is_spoken(talk: Talk) -> None:
    await talk.say(CONFIG, text("Hi", end=False))
    assert (await talk.hear())["audio_end"] is False
    await talk.say(text(""))
    assert await stream(talk) == [
        {"stream_id": "s1", "audio_end": True},
        {"stream_id": "s1", "terminated": True},
    ]


async def test_what_is_left_of_a_text_sounds_as_in_the_whole(talk: Talk) -> None:
    await talk.say(CONFIG, text(TEXT[7:]))
    rest = audio(await stream(talk))
    assert ulaw(TEXT).endswith(rest)
    assert len(rest) == ULAW_8K.byte_count(60) * len(TEXT[7:])


@pytest.mark.parametrize(
    ("audio_format", "sample_rate", "encoding"),
    [
        ("pcm_s16le", 24_000, Encoding.PCM16),
        ("pcm_alaw", 16_000, Encoding.ALAW),
        ("pcm_mulaw", 8_000, Encoding.ULAW),
    ],
)
async def test_it_speaks_in_several_formats(
    talk: Talk, audio_format: str, sample_rate: int, encoding: Encoding
) -> None:
    more = {"audio_format": audio_format, "sample_rate": sample_rate, "speed": 0.8}
    await talk.say({**CONFIG, **more}, text(TEXT))
    assert audio(await stream(talk)) == encode(tones(TEXT, sample_rate, 0.8), encoding)


async def test_characters_have_their_times(talk: Talk) -> None:
    await talk.say({**CONFIG, "return_timestamps": True}, text(TEXT[:5], end=False))
    await talk.say(text(TEXT[5:]))
    messages = await stream(talk)
    stamps = [message["timestamps"] for message in messages if "audio" in message]
    starts, ends = (
        [time_s for stamp in stamps for time_s in stamp[f"character_{edge}_times_seconds"]]
        for edge in ("start", "end")
    )
    assert said(messages) == TEXT
    assert starts == [round(0.06 * n, 3) for n in range(len(TEXT))]
    assert ends == [round(0.06 * (n + 1), 3) for n in range(len(TEXT))]


async def test_streams_share_a_connection(talk: Talk) -> None:
    names = [f"s{n}" for n in range(1, 6)]
    await talk.say(*({**CONFIG, "stream_id": name} for name in names))
    await talk.say({**CONFIG, "stream_id": "s6"})
    assert errors(await stream(talk, "s6")) == [(429, "limit_exceeded")]
    await talk.say(*(text(TEXT * 4, stream_id=name) for name in names))
    messages: list[Json] = []
    while sum(message.get("terminated", False) for message in messages) < len(names):
        messages.append(await talk.hear())
    for name in names:
        assert audio([m for m in messages if m["stream_id"] == name]) == ulaw(TEXT * 4)
    changes = sum(one["stream_id"] != two["stream_id"] for one, two in itertools.pairwise(messages))
    assert changes > 2 * len(names)


async def test_a_stream_is_canceled(script: Script) -> None:
    async with (
        SonioxStandIn(OracleHearing(script), pace=50) as standin,
        talking(standin.tts_url, CONFIG, text(TEXT * 80)) as talk,
    ):
        await talk.hear()
        await talk.say(CANCEL)
        *late, last = await stream(talk)
        assert last == {"stream_id": "s1", "terminated": True}
        assert all(not message["audio_end"] for message in late)
        assert len(audio(late)) < len(ulaw(TEXT * 40))
        # Now it is over, and its name free.
        await talk.say(CANCEL)
        assert errors([await talk.hear()]) == [(400, "invalid_stream_state")]
        await talk.say(CONFIG, CANCEL)
        assert await stream(talk) == [last]


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": "tts-rt-v1"},
        {"language": None},
        {"language": "en-US"},
        {"voice": None},
        {"voice": "adrian"},
        {"audio_format": "mulaw"},
        {"audio_format": "mp3"},
        {"sample_rate": None},
        {"sample_rate": 11_025},
        {"bitrate": 1},
        {"speed": 0.69},
        {"speed": 1.31},
        {"return_timestamps": "yes"},
        {"client_reference_id": "x" * 257},
        {"format": "pcm_mulaw"},
    ],
)
async def test_a_config_is_judged(talk: Talk, change: dict[str, Any]) -> None:
    config = {k: v for k, v in {**CONFIG, **change}.items() if v is not None}
    await talk.say(config)
    assert errors(await stream(talk)) == [(400, "invalid_request")]
    # Others are not concerned.
    await talk.say(CONFIG, text("Hi"))
    assert audio(await stream(talk)) == ulaw("Hi")


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([text(TEXT, end=False), text("x" * 5_000)], (400, "invalid_request")),
        ([text("ä" * 2_501)], (400, "invalid_request")),
        ([text(TEXT), text("more")], (400, "invalid_stream_state")),
        ([{"stream_id": "s1", "text": None}], (400, "invalid_request")),
        ([{"stream_id": "s1", "text_end": True}], (400, "invalid_request")),
        ([{"stream_id": "s1", "cancel": False}], (400, "invalid_request")),
        ([text("x" * 2_100)], (413, "max_audio_duration_reached")),
    ],
)
async def test_a_stream_ends_with_an_error(
    talk: Talk, messages: list[Json], error: tuple[int, str]
) -> None:
    await talk.say(CONFIG, *messages)
    heard = await stream(talk)
    assert errors(heard) == [error]
    assert "error_code" in heard[-2]
    assert {"error_message", "request_id", "more_info"} < heard[-2].keys()
    await talk.say(CONFIG, text("Hi"))
    assert audio(await stream(talk)) == ulaw("Hi")


async def test_messages_need_a_stream(talk: Talk) -> None:
    for message in (text("Hi"), CANCEL):
        await talk.say(message)
        assert errors([await talk.hear()]) == [(400, "invalid_stream_state")]
    await talk.say(CONFIG, CONFIG)
    assert errors([await talk.hear()]) == [(400, "invalid_stream_state")]
    await talk.say(text("Hi"))
    assert audio(await stream(talk)) == ulaw("Hi")


@pytest.mark.parametrize(
    "frame",
    [
        b"Hi",
        "",
        "[]",
        {"type": "keepalive"},
        {"keep_alive": False},
        {"keep_alive": True, "stream_id": ""},
        {"text": "Hi", "text_end": True},
        {**CONFIG, "stream_id": ""},
        {**CONFIG, "api_key": KEY},
    ],
)
async def test_some_errors_are_the_connections(
    talk: Talk, standin: SonioxStandIn, frame: Json | str | bytes
) -> None:
    await talk.say({**CONFIG, "stream_id": "other"}, frame)
    *_, error = await talk.rest()
    assert (error["error_code"], error["error_type"]) == (400, "invalid_request")
    assert "stream_id" not in error
    assert talk.close_code == 1000
    assert KEY not in str(standin.tts)


async def test_keys_are_asked_for(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script), config_key=True) as standin:
        with pytest.raises(InvalidStatus):
            async with talking(standin.tts_url, key="wrong"):
                pass
        async with talking(standin.tts_url, {**CONFIG, "api_key": KEY}, key=None) as talk:
            await talk.say(text("Hi"))
            assert audio(await stream(talk)) == ulaw("Hi")
        async with talking(standin.tts_url, CONFIG, key=None) as talk:
            assert errors(await talk.rest()) == [(401, "unauthenticated")]


async def test_waiting_has_limits(script: Script) -> None:
    limits = Limits(tts_text_s=0.02, tts_idle_s=0.25, tts_at_once=1)
    async with (
        SonioxStandIn(OracleHearing(script), limits=limits) as standin,
        talking(standin.tts_url, CONFIG, text("Hi", end=False)) as talk,
    ):
        async with talking(standin.tts_url) as other:
            assert errors(await other.rest()) == [(429, "limit_exceeded")]
        assert errors(await stream(talk)) == [(408, "request_timeout")]
        await talk.say({"keep_alive": True})
        (error,) = await talk.rest()
        assert (error["error_code"], error.get("stream_id")) == (408, None)


@pytest.mark.parametrize("scope", ["stream", "connection"])
async def test_an_error_in_the_midst(standin: SonioxStandIn, scope: Any) -> None:
    standin.misbehave(Fault("error", at_ms=240, scope=scope), service="tts")
    async with talking(standin.tts_url, CONFIG, text(TEXT)) as talk:
        if scope == "stream":
            heard = await stream(talk)
            await talk.say(CONFIG, text("Hi"))
            assert audio(await stream(talk)) == ulaw("Hi")
        else:
            heard = await talk.rest()
            assert heard[-1].get("stream_id") is None
    assert errors(heard) == [(503, "service_unavailable")]
    assert audio(heard) == ulaw(TEXT[:4])


@pytest.mark.parametrize(
    ("fault", "close_code", "spoken"),
    [
        (Fault("close", "open"), 1000, ""),
        (Fault("reset"), 1006, ""),
        (Fault("close", "finish", code=1011), 1011, TEXT[:20]),
        (Fault("reset", "finish"), 1006, TEXT[:20]),
    ],
)
async def test_the_connection_is_lost(
    standin: SonioxStandIn, fault: Fault, close_code: int, spoken: str
) -> None:
    standin.misbehave(fault, service="tts")
    async with talking(standin.tts_url) as talk:
        try:
            await talk.say(CONFIG, text(TEXT))
        except ConnectionClosed:
            assert fault.when == "open"
        await talk.rest()
        assert talk.close_code == close_code
    assert audio(list(standin.tts[0].answers)) == ulaw(spoken)


@pytest.mark.parametrize("kind", ["stall", "deaf"])
async def test_nothing_more_is_said(standin: SonioxStandIn, kind: Any) -> None:
    standin.misbehave(Fault(kind, at_ms=120), service="tts")
    async with talking(standin.tts_url, CONFIG, text(TEXT)) as talk:
        assert audio([await talk.hear()]) == ulaw(TEXT[:2])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await talk.socket.recv()
        talk.socket.transport.abort()


async def test_nonsense_is_said_in_between(standin: SonioxStandIn) -> None:
    standin.misbehave(Fault("garbage", at_ms=120, garbage="binary"), service="tts")
    async with talking(standin.tts_url, CONFIG, text(TEXT[:4])) as talk:
        await talk.hear()
        assert await talk.socket.recv() == GARBAGE["binary"]
        assert audio(await stream(talk)) == ulaw(TEXT[2:4])


async def test_a_voice_speaks_whole_sentences(script: Script) -> None:
    pytest.importorskip("espeakng_loader")
    async with (
        SonioxStandIn(OracleHearing(script), voice=EspeakVoice()) as standin,
        talking(standin.tts_url, {**CONFIG, "return_timestamps": True}) as talk,
    ):
        await talk.say(text("Hello there. How", end=False))
        messages = [await talk.hear()]
        while said(messages) != "Hello there. ":
            messages.append(await talk.hear())
        await talk.say(text(" are you?"))
        messages += await stream(talk)
    assert said(messages) == "Hello there. How are you?"
    assert 1_000 < ULAW_8K.duration_ms(len(audio(messages))) < 3_000


def said(messages: list[Json]) -> str:
    """The characters that have been given a time."""
    stamps = [message["timestamps"] for message in messages if "timestamps" in message]
    return "".join(character for stamp in stamps for character in stamp["characters"])
