"""How strict the synthesis connections are."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest

from media.audio import Encoding, encode
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import Talk, talking
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .offer import DEFAULT_VOICE
from .standin import ElevenLabsStandIn

QUERY = {"model_id": "eleven_flash_v2_5", "output_format": "ulaw_8000", "sync_alignment": "true"}


@asynccontextmanager
async def connection(
    standin: ElevenLabsStandIn,
    *first: Json | str | bytes,
    voice: str = DEFAULT_VOICE,
    single: bool = False,
    **query: str,
) -> AsyncIterator[Talk]:
    path = f"/v1/text-to-speech/{voice}/{'' if single else 'multi-'}stream-input"
    url = f"{standin.ws_url}{path}?{urlencode({**QUERY, **query})}"
    async with talking(url, *first, headers={"xi-api-key": standin.api_key}) as talk:
        yield talk


def begin(context: str, **more: object) -> Json:
    return {"text": " ", "context_id": context, **more}


def text(context: str, said: str) -> Json:
    return {"text": said, "context_id": context, "flush": True}


def close(context: str) -> Json:
    return {"context_id": context, "close_context": True}


def audio(messages: Iterable[Json], context: str | None = None) -> bytes:
    pieces = [m["audio"] for m in messages if m.get("audio") and m.get("contextId") == context]
    return b"".join(map(base64.b64decode, pieces))


def ulaw(said: str) -> bytes:
    return encode(tones(said, 8_000), Encoding.ULAW)


async def until_final(talk: Talk, context: str) -> list[Json]:
    messages = [await talk.hear()]
    while not (messages[-1]["isFinal"] and messages[-1]["contextId"] == context):
        messages.append(await talk.hear())
    return messages


async def test_contexts_speak_side_by_side(standin: ElevenLabsStandIn) -> None:
    texts = [begin("a"), begin("b"), text("a", "One two. "), text("b", "Three. ")]
    async with connection(standin, *texts) as talk:
        messages = [await talk.hear(), await talk.hear()]
        assert {message["contextId"] for message in messages} == {"a", "b"}
        await talk.say(close("a"), close("b"))
        messages += await until_final(talk, "a")
        assert audio(messages, "a") == ulaw("One two.")
        timed = [m["alignment"] for m in messages if m["contextId"] == "a" and m["audio"]]
        assert "".join(c for alignment in timed for c in alignment["chars"]) == "One two."
        assert standin.records["tts"][0].complaints == []


async def test_without_a_close_there_is_no_end(standin: ElevenLabsStandIn) -> None:
    async with connection(standin, begin("a"), text("a", "Hi. "), begin("b")) as talk:
        assert (await talk.hear())["contextId"] == "a"
        await talk.say({"close_socket": True})
        messages = await talk.rest()
        assert {m["contextId"] for m in messages if m["isFinal"]} == {"a", "b"}
        assert talk.close_code == 1000


async def test_a_context_that_is_closed_too_soon_says_nothing(standin: ElevenLabsStandIn) -> None:
    async with connection(standin, begin("a"), text("a", "Hi. "), close("a")) as talk:
        assert audio(await until_final(talk, "a"), "a") == b""


async def test_odd_messages_are_noted(standin: ElevenLabsStandIn) -> None:
    odd: list[Json] = [{"text": "", "context_id": "a"}, text("b", "Hi"), close("c")]
    async with connection(standin, *odd) as talk:
        await until_final(talk, "c")
        begins = "which begins it"
        assert [begins in c for c in standin.records["tts"][0].complaints] == [
            *(True, True, False, True),
        ]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([b"\xff"], "binary"),
        (["no JSON"], "JSON"),
        ([begin("a", colour="red")], "colour"),
        ([begin("a"), begin("a", voice_settings={})], "first message"),
        ([begin("a", voice_settings={"speed": 1.3})], "speed"),
        ([begin("a"), text("a", "x" * 5_001 + " ")], "too long"),
        ([begin(name) for name in "abcdef"], "Maximum simultaneous contexts"),
        ([begin("a"), text("a", "Hi. "), close("a"), close("a")], "closing"),
    ],
)
async def test_what_cannot_be_said(
    standin: ElevenLabsStandIn, messages: list[Json | str | bytes], words: str
) -> None:
    async with connection(standin, *messages) as talk:
        *_, error = await talk.rest()
        assert words in error["message"]
        assert (error["code"], talk.close_code) == (1008, 1008)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"voice": "nobody"}, "voice_not_found"),
        ({"model_id": "eleven_v9"}, "model_not_found"),
        ({"model_id": "eleven_v3"}, "unsupported_model"),
        ({"model_id": "eleven_multilingual_v2", "language_code": "de"}, "unsupported_language"),
        ({"language_code": "tlh"}, "unsupported_language"),
        ({"output_format": "ulaw_16000"}, "invalid_parameters"),
        ({"inactivity_timeout": "181"}, "invalid_parameters"),
        ({"sample_rate": "8000"}, "invalid_parameters"),
    ],
)
@pytest.mark.parametrize("single", [False, True])
async def test_what_cannot_be_asked_for(
    standin: ElevenLabsStandIn, query: dict[str, str], kind: str, single: bool
) -> None:
    async with connection(standin, single=single, **query) as talk:
        (error,) = await talk.rest()
        assert (error["error"], talk.close_code) == (kind, 1008)


@virtual_time_on_sockets
async def test_a_context_that_is_quiet_is_closed_and_then_the_connection(script: Script) -> None:
    async with (
        ElevenLabsStandIn(OracleHearing(script)) as standin,
        connection(standin, begin("a"), begin("b"), inactivity_timeout="10") as talk,
    ):
        messages = await talk.rest()
        assert [m.get("contextId") for m in messages] == ["a", "b", None]
        assert (messages[-1]["error"], talk.close_code) == ("input_timeout_exceeded", 1008)


async def test_one_text_in_pieces(standin: ElevenLabsStandIn) -> None:
    pieces: list[Json] = [
        {"text": " "},
        {"text": "Hello ", "flush": True},
        {"text": "there. "},
        {"text": ""},
    ]
    async with connection(standin, *pieces, single=True) as talk:
        messages = await talk.rest()
        assert audio(messages) == ulaw("Hello") + ulaw("there.")
        assert (messages[-1], talk.close_code) == ({"audio": None, "isFinal": True}, 1000)


@pytest.mark.parametrize(
    "messages",
    [
        [{"text": "Hi "}],
        [{"text": " "}, {"text": "Hi ", "voice_settings": {}}],
        [{"text": " "}, {"text": "x" * 5_001}],
        [{"text": " "}, {"flush": True}],
    ],
)
async def test_what_cannot_be_said_of_one_text(
    standin: ElevenLabsStandIn, messages: list[Json]
) -> None:
    async with connection(standin, *messages, single=True) as talk:
        (error,) = await talk.rest()
        assert (error["code"], talk.close_code) == (1008, 1008)


@virtual_time_on_sockets
async def test_one_text_that_does_not_come(script: Script) -> None:
    async with (
        ElevenLabsStandIn(OracleHearing(script)) as standin,
        connection(standin, {"text": " "}, single=True, inactivity_timeout="10") as talk,
    ):
        (error,) = await talk.rest()
        assert error["error"] == "input_timeout_exceeded"
