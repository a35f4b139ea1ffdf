"""The stand-in for `/v1/speak` is as strict as Deepgram, on a WebSocket and over HTTP."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest
from websockets.exceptions import InvalidStatus

from media.audio import Encoding, encode
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import Talk
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .standin import DeepgramStandIn
from .talk import AURA, KEY, connected

PATH = "/v1/speak"
FLUSH, CLEAR, CLOSE = {"type": "Flush"}, {"type": "Clear"}, {"type": "Close"}


def speak(text: str) -> Json:
    return {"type": "Speak", "text": text}


def ulaw(text: str) -> bytes:
    return encode(tones(text, 8000), Encoding.ULAW)


async def heard(talk: Talk, until: str) -> tuple[bytes, list[Json]]:
    """The audio until a message of a type, and the messages."""
    audio, messages = b"", list[Json]()
    async with asyncio.timeout(5):
        while not messages or messages[-1]["type"] != until:
            frame = await talk.socket.recv()
            if isinstance(frame, bytes):
                audio += frame
            else:
                messages.append(orjson.loads(frame))
    return audio, messages


async def test_a_text_is_spoken_when_it_is_flushed(standin: DeepgramStandIn) -> None:
    async with connected(standin, PATH, AURA, speak("One. Tw"), speak("o three.")) as talk:
        # A sentence that is whole is not waited with.
        audio = b""
        metadata = await talk.hear()
        while audio != ulaw("One. "):
            frame = await talk.socket.recv()
            assert isinstance(frame, bytes)
            audio += frame
        await talk.say(FLUSH)
        rest, messages = await heard(talk, "Flushed")
        assert rest == ulaw("Two three.")
        await talk.say(speak("Four"), CLOSE)
        last, more = await heard(talk, "Flushed")
        assert last == ulaw("Four")
    assert (metadata["type"], metadata["model_name"]) == ("Metadata", "aura-2-thalia-en")
    assert [message["sequence_id"] for message in messages + more] == [0, 1]


@virtual_time_on_sockets
async def test_what_is_cleared_is_not_spoken(script: Script) -> None:
    async with (
        DeepgramStandIn(OracleHearing(script), pace=1.0) as standin,
        connected(standin, PATH, AURA, speak("One two three four."), speak("Five"), FLUSH) as talk,
    ):
        await asyncio.sleep(0.3)
        await talk.say(CLEAR)
        audio, messages = await heard(talk, "Cleared")
        assert 0 < len(audio) < len(ulaw("One two three four."))
        assert ulaw("One two three four.").startswith(audio)
        assert [message["type"] for message in messages] == ["Metadata", "Cleared"]
        await talk.say(speak("Six"), FLUSH)
        audio, messages = await heard(talk, "Flushed")
        assert audio == ulaw("Six")


@virtual_time_on_sockets
async def test_only_so_many_texts_are_flushed_in_a_minute(script: Script) -> None:
    async with (
        DeepgramStandIn(OracleHearing(script)) as standin,
        connected(standin, PATH, AURA) as talk,
    ):
        for _ in range(20):
            await talk.say(speak("a"), FLUSH)
            await heard(talk, "Flushed")
        await talk.say(speak("b"), FLUSH)
        audio, _ = await heard(talk, "Warning")
        assert audio == b""
        await asyncio.sleep(60)
        # It has kept the text.
        await talk.say(speak("c"), FLUSH)
        audio, _ = await heard(talk, "Flushed")
        assert audio == ulaw("bc")


@virtual_time_on_sockets
async def test_a_connection_lasts_an_hour(script: Script) -> None:
    async with (
        DeepgramStandIn(OracleHearing(script)) as standin,
        connected(standin, PATH, AURA) as talk,
    ):
        await talk.hear()
        await asyncio.sleep(3_601)
        assert await talk.rest() == []
        assert (talk.close_code, talk.socket.close_reason) == (1011, "NET-0003")


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ("nonsense", 1003, "MESSAGE-0000"),
        ('{"type":"Say","text":"a"}', 1003, "MESSAGE-0000"),
        ('{"type":"Speak"}', 1003, "MESSAGE-0000"),
        ('{"type":"Flush","text":"a"}', 1003, "MESSAGE-0000"),
        (b"\x00", 1008, "DATA-0000"),
        (orjson.dumps(speak("a" * 2_001)).decode(), 1009, "BIG-0000"),
    ],
)
async def test_what_is_no_message_closes(
    standin: DeepgramStandIn, wrong: str | bytes, code: int, reason: str
) -> None:
    async with connected(standin, PATH, AURA, wrong) as talk:
        await talk.rest()
        assert (talk.close_code, talk.socket.close_reason) == (code, reason)


async def test_an_error_on_command(script: Script) -> None:
    faults = {"tts": [Fault("error", "audio", 100, code=503)]}
    async with (
        DeepgramStandIn(OracleHearing(script), faults=faults) as standin,
        connected(standin, PATH, AURA, speak("One two."), FLUSH) as talk,
    ):
        with pytest.raises(Exception, match="1011"):
            await heard(talk, "Flushed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"container": "none"},
        {"encoding": "mp3"},
        {"sample_rate": "24000"},
        {"sample_rate": "8001"},
        {"speed": "1.6"},
        {"model": "aura-2-viktoria-de", "speed": "1.1"},
        {"model": "aura-2-nobody-en"},
        {"voice": "aura-2-thalia-en"},
    ],
)
async def test_what_cannot_be_asked(standin: DeepgramStandIn, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connected(standin, PATH, {**AURA, **wrong}):
            pass
    assert refused.value.response.status_code == 400


async def test_over_http_a_text_comes_in_a_container_unless_none_is_wanted(
    standin: DeepgramStandIn,
) -> None:
    async with httpx.AsyncClient(base_url=standin.base_url, headers=KEY, verify=False) as http:
        body = {"text": "One. Two"}
        wav = await http.post(PATH, params=AURA, json=body)
        raw = await http.post(PATH, params={**AURA, "container": "none"}, json=body)
        assert raw.content == ulaw("One. Two")
        assert raw.headers["content-type"] == "audio/mulaw;rate=8000"
        assert raw.headers["dg-char-count"] == "8"
        assert wav.content[:4] + wav.content[8:16] == b"RIFFWAVEfmt "
        assert wav.content.endswith(b"data\xff\xff\xff\xff" + raw.content)
        for params, wrong, status in [
            (AURA, {"text": ""}, 400),
            (AURA, {"text": "a", "voice": "b"}, 400),
            (AURA, {"text": "a" * 2_001}, 413),
            ({**AURA, "container": "ogg"}, {"text": "a"}, 400),
            ({**AURA, "format": "mulaw"}, {"text": "a"}, 400),
        ]:
            refused = await http.post(PATH, params=params, json=wrong)
            assert refused.status_code == status
            assert refused.json().keys() == {"err_code", "err_msg", "request_id"}
