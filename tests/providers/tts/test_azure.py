from __future__ import annotations

import itertools
import struct
from typing import Any

import orjson
import pytest

from providers.azure_marks import Marks
from providers.azure_usp import read_usp
from providers.codec import Close, Failed, Frame
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)
from providers.tts.azure import AzureSynthesizer, AzureTtsCodec
from providers.tts.azure_ssml import document
from providers.tts.spoken import AudioEnd, ContextFailed, Spoken, Terminated
from providers.types import TtsOptions, WordPosition
from tests.providers.recorded import recorded

PLAIN = TtsOptions()
NOW = "2026-11-22T06:00:00.000Z"
FIRST = f"{1:032x}"


class Counted(Marks):
    """Ids that are numbers, while time stands still."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"{next(self._numbers):032x}"

    def now(self) -> str:
        return NOW


def vendor(**more: Any) -> AzureSynthesizer:
    return AzureSynthesizer(
        marks=Counted(), speech_key="the-key", speech_region="westeurope", **more
    )


def codec(**more: Any) -> AzureTtsCodec:
    return vendor(**more).codec(PLAIN)


def frames(name: str) -> list[Frame]:
    """What was recorded: text, or the headers and the audio of a binary message."""
    found = map(orjson.loads, recorded(name))
    return [one if isinstance(one, str) else binary(one["head"], one["audio"]) for one in found]


def binary(head: str, audio: str = "") -> bytes:
    return struct.pack(">H", len(head)) + head.encode() + bytes.fromhex(audio)


def metadata(body: str) -> str:
    return f"X-RequestId:{FIRST}\r\nPath:audio.metadata\r\n\r\n{body}"


def said(frame: Frame) -> tuple[str, str, Any]:
    """A message of ours: its path, its turn, its body."""
    message = read_usp("azure", frame)
    assert message.headers["x-timestamp"] == NOW
    is_json = message.headers["content-type"] == "application/json"
    return message.path, message.request_id, message.json("azure") if is_json else message.body


def test_a_conversation() -> None:
    one = codec()
    for context, text in (("c1", "Hi, you"), ("c2", "Oh"), ("c3", "…")):
        one.begin(context, text, PLAIN)
    *events, unsaid = [event for frame in frames("azure_tts") for event in one.decode(frame)]
    assert events == [
        Spoken("c1", b"\x7f~~\x7f", (WordPosition(0, 3, 50),)),
        Spoken("c1", b"\x00\x01", (WordPosition(4, 7, 437.5),)),
        AudioEnd("c1"),
        Terminated("c1"),
        Spoken("c2", b"\xff\xff"),
        # Told behind the audio that it is in.
        Spoken("c2", b"", (WordPosition(0, 2, 0),)),
        AudioEnd("c2"),
        Terminated("c2"),
    ]
    assert isinstance(unsaid, ContextFailed)
    assert unsaid.context == "c3"
    assert isinstance(unsaid.error, UnsupportedError)
    assert not unsaid.error.retryable


@pytest.mark.parametrize(
    "frame",
    [
        "no header",
        b"\x00",
        b"\xff\xffX",
        metadata("no JSON"),
        metadata("{}"),
        metadata('{"Metadata":7}'),
        metadata('{"Metadata":[7]}'),
        metadata('{"Metadata":[{"Type":"WordBoundary","Data":{}}]}'),
        metadata('{"Metadata":[{"Type":"WordBoundary","Data":{"text":7}}]}'),
    ],
)
def test_what_cannot_be_read_raises(frame: Frame) -> None:
    one = codec()
    one.begin("c1", "a", PLAIN)
    with pytest.raises(InvalidResponseError):
        one.decode(frame)


def test_what_is_not_known_is_no_event() -> None:
    one = codec()
    one.begin("c1", "a", PLAIN)
    assert one.decode(metadata('{"Metadata":[{"Type":"Viseme","Data":{}}]}')) == ()
    assert one.decode("Path:hello\r\n\r\n") == ()
    assert one.decode(f"X-RequestId:{FIRST}\r\nPath:audio\r\n\r\ntext") == ()


def test_how_to_connect() -> None:
    request = codec().request()
    assert request.url == (
        "wss://westeurope.tts.speech.microsoft.com/cognitiveservices/websocket/v1"
    )
    assert request.headers == {"Ocp-Apim-Subscription-Key": "the-key", "X-ConnectionId": FIRST}
    path, turn, config = said(codec().opening()[0])
    assert (path, turn, config["context"]["system"]["name"]) == ("speech.config", "", "Parley")
    assert codec().keepalive_s is None
    assert said(codec().keepalive())[0] == "speech.config"


def test_a_text_is_a_turn() -> None:
    one, options = codec(tts_style="cheerful"), TtsOptions(voice="x", speed=1.2)
    wanted, ssml = map(said, one.begin("c1", "Tom & Jerry", options))
    assert wanted[:2] == ("synthesis.context", FIRST)
    audio = wanted[2]["synthesis"]["audio"]
    assert audio["outputFormat"] == "raw-8khz-8bit-mono-mulaw"
    on = {name for name, is_on in audio["metadataOptions"].items() if is_on}
    assert on == {"wordBoundaryEnabled", "sessionEndEnabled"}
    assert "input" not in wanted[2]["synthesis"]
    style = vendor(tts_style="cheerful").style(options)
    assert ssml == ("ssml", FIRST, document(style, "Tom & Jerry", markup=False))
    again = one.begin("c2", "<break/>", TtsOptions(ssml=True))
    assert {said(frame)[1] for frame in again} == {f"{2:032x}"}
    assert "<break/>" in said(again[1])[2]
    assert one.cancel("c1") == ()


def test_a_text_may_be_given_as_it_is() -> None:
    one, options = codec(tts_input="text", tts_style="cheerful"), TtsOptions(pitch=-1)
    assert one.request().url.endswith("/cognitiveservices/websocket/v2")
    text = "This is a first sentence. And a second & last one.\x07"
    wanted, *pieces, end = map(said, one.begin("c1", text, options))
    assert wanted[2]["synthesis"]["input"] == {
        "bidirectionalStreamingMode": True,
        "voiceName": "en-US-JennyNeural",
        "language": "",
        "pitch": "-1st",
        "style": "cheerful",
    }
    first, second = "This is a first sentence. ", "And a second & last one. "
    turn = wanted[1]
    assert pieces == [("text.piece", turn, first), ("text.piece", turn, second)]
    assert end == ("text.end", turn, "")
    abroad = TtsOptions(voice="en-US-AvaMultilingualNeural", language="de")
    asked = said(one.begin("c2", text, abroad)[0])[2]["synthesis"]["input"]
    assert asked["language"] == "de-DE"
    assert "style" in asked


def test_which_texts_share_a_connection() -> None:
    plain = vendor()
    assert plain.route(TtsOptions(voice="x", ssml=True)) == plain.route(PLAIN)
    streamed = vendor(tts_input="text", tts_style="cheerful")
    assert streamed.route(TtsOptions(voice="x")) == streamed.route(PLAIN) != plain.route(PLAIN)
    for more in (TtsOptions(ssml=True), TtsOptions(style=0.5)):
        assert streamed.route(more) == plain.route(PLAIN)


def test_what_is_on_offer() -> None:
    assert vendor().capabilities.word_positions
    assert AzureSynthesizer(speech_key="k", speech_region="westeurope").max_contexts == 1
    with pytest.raises(UnsupportedError):
        vendor().check(TtsOptions(speed=3))


def test_refusals() -> None:
    one = codec()
    assert isinstance(one.refused(401, {}, b""), AuthenticationError)
    assert isinstance(vendor().refused(401, {}, b""), AuthenticationError)
    for reason in ("SSML parsing error", "[express-as] element is not allowed."):
        (failed,) = one.closed(Close(1007, reason))
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, ApiError)
    (failed,) = one.closed(Close(1007, "Unsupported voice x."))
    assert isinstance(failed.error, UnsupportedError)
    (failed,) = one.closed(Close(4429, "The request is throttled"))
    assert isinstance(failed.error, RateLimitError)
    (failed,) = one.closed(Close(1011))
    assert isinstance(failed.error, UnavailableError)
    assert one.closed(Close(1000, "bye")) == ()
