"""How strict the synthesis connections and requests are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
import pytest
from websockets.exceptions import ConnectionClosedError

from media.audio import Encoding, encode
from providers.tls import tls_context
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import DEADLINE_S, Talk, talking
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import AzureStandIn
from .voices import DEFAULT_VOICE

ID, OTHER_ID = "1" * 32, "2" * 32
ULAW = "raw-8khz-8bit-mono-mulaw"


def message(path: str, body: Json | str, turn: str = ID, kind: str = "application/json") -> str:
    plain = body if isinstance(body, str) else orjson.dumps(body).decode()
    head = f"Path:{path}\r\nX-Timestamp:2026-11-22T06:00:00.000Z\r\nContent-Type:{kind}\r\n"
    return f"{head}X-RequestId:{turn}\r\n\r\n{plain}"


def context(output: str = ULAW, turn: str = ID, **more: Any) -> str:
    audio = {"outputFormat": output, "metadataOptions": {"wordBoundaryEnabled": True}}
    return message("synthesis.context", {"synthesis": {"audio": audio, **more}}, turn)


def speak(inner: str, head: str = 'version="1.0" xml:lang="en-US"') -> str:
    return f'<speak {head} xmlns="http://www.w3.org/2001/10/synthesis">{inner}</speak>'


def jenny(inner: str) -> str:
    return speak(f'<voice name="{DEFAULT_VOICE}">{inner}</voice>')


def ssml(document: str, turn: str = ID, kind: str = "application/ssml+xml") -> str:
    return message("ssml", document, turn, kind)


def piece(text: str, path: str = "text.piece") -> str:
    return message(path, text, kind="text/plain")


def spoken_as(**more: Any) -> str:
    streamed = {"bidirectionalStreamingMode": True, "voiceName": DEFAULT_VOICE, **more}
    return context(input=streamed)


CONFIG = message("speech.config", {"context": {}})
SPOKEN = [CONFIG, context(), ssml(jenny("Hi, you"))]


@asynccontextmanager
async def connection(
    standin: AzureStandIn, *first: str | bytes, version: str = "v1"
) -> AsyncIterator[Talk]:
    url = f"{standin.ws_url}/tts/cognitiveservices/websocket/{version}"
    headers = {"Ocp-Apim-Subscription-Key": standin.api_key}
    async with talking(url, *first, headers=headers) as talk:
        yield talk


async def turn(talk: Talk) -> tuple[list[str], bytes]:
    """The paths of a turn's messages, and its audio."""
    paths, audio = [""], b""
    while paths[-1] != "turn.end":
        frame = await talk.socket.recv()
        if isinstance(frame, bytes):
            audio += frame[2 + int.from_bytes(frame[:2], "big") :]
        head = frame.encode() if isinstance(frame, str) else frame
        paths.append(head.partition(b"Path:")[2].split(b"\r\n")[0].decode())
    return paths[1:], audio


async def reason(talk: Talk) -> str:
    """Why it is closed."""
    with suppress(ConnectionClosedError):
        async for _ in talk.socket:
            pass
    return f"{talk.socket.close_code} {talk.socket.close_reason}"


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


async def test_a_turn(standin: AzureStandIn) -> None:
    async with connection(standin, *SPOKEN) as talk:
        paths, audio = await turn(talk)
        assert audio == ulaw("Hi, you")
        assert paths[:3] == ["turn.start", "response", "audio.metadata"]
        assert set(paths[3:-1]) == {"audio", "audio.metadata"}
        await talk.say(message("telemetry", {}), context(turn=OTHER_ID))
        await talk.say(ssml(jenny("More"), OTHER_ID))
        assert (await turn(talk))[1] == ulaw("More")


async def test_a_text_in_pieces(standin: AzureStandIn) -> None:
    first = CONFIG, spoken_as(rate="1", volume="50", pitch="+1st"), piece("One "), piece("two.")
    async with connection(standin, *first, piece("", "text.end"), version="v2") as talk:
        assert (await turn(talk))[1] == ulaw("One two.")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([context()], "not speech.config"),
        ([CONFIG, ssml(jenny("Hi"))], "without synthesis.context"),
        ([CONFIG, context("ulaw_8000")], "output format"),
        ([CONFIG, context("riff-8khz-8bit-mono-mulaw")], "not simulated"),
        ([CONFIG, context(colour="red")], "colour"),
        ([CONFIG, spoken_as()], "input"),
        ([CONFIG, context(), ssml(jenny("Hi"), OTHER_ID)], "was due"),
        ([CONFIG, context(), ssml(jenny("Hi"), kind="text/plain")], "ssml+xml"),
        ([CONFIG, context(), ssml(jenny("x" * 70_000))], "too long"),
        ([CONFIG, context(), ssml(jenny("Tom & Jerry"))], "well-formed"),
    ],
)
async def test_what_cannot_be_said(
    standin: AzureStandIn, messages: list[str | bytes], words: str
) -> None:
    async with connection(standin, *messages) as talk:
        closed = await reason(talk)
    assert closed.startswith("1007 ")
    assert words in closed


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("<speak/>", "root"),
        (speak("Hi"), "outside"),
        (speak("", head='version="1.0"'), "xml:lang"),
        (speak(""), "no voice"),
        (speak('<voice name="en-US-NobodyNeural">Hi</voice>'), "Unsupported voice"),
        (jenny("<shout>Hi</shout>"), "[shout] element is not allowed"),
    ],
)
async def test_what_is_no_ssml_of_azure_s(standin: AzureStandIn, document: str, words: str) -> None:
    assert await asked(standin, document) == (400, {})  # by HTTP it does not say why
    async with connection(standin, CONFIG, context(), ssml(document)) as talk:
        assert words in await reason(talk)


MSTTS = 'xmlns:m="http://www.w3.org/2001/mstts"'


@pytest.mark.parametrize(
    ("inner", "complaint", "speed"),
    [
        ('<prosody rate="3">Hi</prosody>', "prosody with rate 3", 2.0),
        ('<prosody rate="-60%">Hi</prosody>', "prosody with rate -60%", 0.5),
        ('<prosody rate="quick">Hi</prosody>', "prosody with rate quick", 1.0),
        ('<prosody pitch="2">Hi</prosody>', "prosody with pitch 2", 1.0),
        ('<prosody volume="101">Hi</prosody>', "prosody with volume 101", 1.0),
        ('<prosody colour="red">Hi</prosody>', "prosody with colour red", 1.0),
        (f"<m:express-as {MSTTS}>Hi</m:express-as>", f"{DEFAULT_VOICE} has no style ", 1.0),
        (
            f'<m:express-as {MSTTS} style="sad">Hi</m:express-as>',
            f"{DEFAULT_VOICE} has no style sad",
            1.0,
        ),
        (
            f'<m:express-as {MSTTS} style="chat" styledegree="2.1">Hi</m:express-as>',
            "styledegree 2.1",
            1.0,
        ),
    ],
)
async def test_what_is_ignored_or_limited(
    standin: AzureStandIn, inner: str, complaint: str, speed: float
) -> None:
    assert await asked(standin, jenny(inner)) == (200, {"audio": ulaw("Hi", speed)})
    assert standin.records["tts-http"][0].complaints == [complaint]


async def test_what_is_not_heard(standin: AzureStandIn) -> None:
    silence = f'<m:silence {MSTTS} type="Leading" value="200ms"/>'
    viseme = f'<m:viseme {MSTTS} type="redlips_front"/>'
    assert await asked(standin, jenny(f"{silence}{viseme}Hi")) == (200, {"audio": ulaw("Hi")})


async def test_what_is_ignored_in_pieces(standin: AzureStandIn) -> None:
    first = CONFIG, spoken_as(style="sad", rate="9"), piece("Hi"), piece("", "text.end")
    async with connection(standin, *first, version="v2") as talk:
        assert (await turn(talk))[1] == ulaw("Hi", 2.0)
    assert len(standin.records["tts"][0].complaints) == 2


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([CONFIG, context()], "input"),
        ([CONFIG, spoken_as(voiceName="x"), piece("Hi")], "Unsupported voice"),
        ([CONFIG, spoken_as(), ssml(jenny("Hi"))], "was due"),
        ([CONFIG, spoken_as(), message("text.piece", "Hi")], "not text/plain"),
    ],
)
async def test_what_cannot_be_said_in_pieces(
    standin: AzureStandIn, messages: list[str | bytes], words: str
) -> None:
    async with connection(standin, *messages, version="v2") as talk:
        assert words in await reason(talk)


async def asked(standin: AzureStandIn, document: str, **headers: str) -> tuple[int, Json]:
    """The answer to a request."""
    usual = {
        "Ocp-Apim-Subscription-Key": standin.api_key,
        "Content-Type": "application/ssml+xml",
        "X-Microsoft-OutputFormat": ULAW,
        "User-Agent": "test",
    }
    async with httpx.AsyncClient(timeout=DEADLINE_S, verify=tls_context()) as client:
        answer = await client.post(
            f"{standin.base_url}/tts/cognitiveservices/v1",
            content=document.encode(),
            headers={**usual, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )
    if answer.status_code == 200:
        return 200, {"audio": answer.content}
    return answer.status_code, orjson.loads(answer.content or b"{}")


async def test_a_request(standin: AzureStandIn) -> None:
    two = speak(
        f'<voice name="{DEFAULT_VOICE}">One.</voice>'
        '<voice name="de-DE-KatjaNeural"><prosody rate="default" pitch="high">Zwei.'
        "</prosody></voice>"
    )
    assert await asked(standin, two) == (200, {"audio": ulaw("One.") + ulaw("Zwei.")})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Ocp_Apim_Subscription_Key": "wrong"}, 401),
        ({"Content_Type": "text/plain"}, 415),
        ({"X_Microsoft_OutputFormat": "ulaw"}, 400),
        ({"User_Agent": ""}, 400),
    ],
)
async def test_a_request_that_is_wrong(
    standin: AzureStandIn, headers: dict[str, str], status: int
) -> None:
    assert (await asked(standin, jenny("Hi"), **headers))[0] == status


@virtual_time_on_sockets
@pytest.mark.parametrize(
    ("limits", "words"), [(Limits(idle_s=5.0), "idle"), (Limits(connection_s=5.0), "open")]
)
async def test_a_connection_does_not_last(script: Script, limits: Limits, words: str) -> None:
    async with (
        AzureStandIn(OracleHearing(script), limits=limits) as standin,
        connection(standin, *SPOKEN) as talk,
    ):
        await turn(talk)
        assert f"1000 The connection was {words}" in await reason(talk)
