from __future__ import annotations

from typing import Any

import orjson
import pytest

from media.audio import ULAW_8K
from providers.codec import Close, Failed
from providers.errors import (
    InvalidResponseError,
    QuotaError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.tts.cartesia import CartesiaSynthesizer, CartesiaTtsCodec
from providers.tts.cartesia_voices import PAGE
from providers.tts.spoken import AudioEnd, ContextFailed, Spoken, Terminated
from providers.types import TtsOptions, Voice, WordPosition
from tests.providers.recorded import recorded

VOICE_ID = "a0e99841-438c-4a64-b679-ae501e7d6091"


def vendor(**account: str) -> CartesiaSynthesizer:
    return CartesiaSynthesizer(api_key="the-key", **account)


def codec_of(**account: str) -> CartesiaTtsCodec:
    return vendor(**account).codec(TtsOptions())


def begun(options: TtsOptions, **account: str) -> dict[str, Any]:
    """How a context begins."""
    (frame,) = codec_of(**account).begin("c1", "Hello.", options)
    message: dict[str, Any] = orjson.loads(frame)
    return message


def test_a_conversation() -> None:
    codec = codec_of()
    codec.begin("c1", "Hello, world!", TtsOptions())
    codec.begin("c2", "And more.", TtsOptions())
    heard = [event for message in recorded("cartesia_tts") for event in codec.decode(message)]
    *spoken, failed = heard
    assert spoken == [
        Spoken("c1", b"", (WordPosition(0, 6, 0.0), WordPosition(7, 13, 500.0))),
        Spoken("c1", b"\x7f\x7f\x7f\x7f"),
        Spoken("c1", b"\xff\xff"),
        AudioEnd("c1"),
        Terminated("c1"),
    ]
    assert isinstance(failed, ContextFailed)
    assert isinstance(failed.error, UnsupportedError)
    # What comes of one that is over has no words any more.
    assert codec.decode(recorded("cartesia_tts")[0]) == []


def test_how_a_text_begins() -> None:
    request = codec_of().request()
    assert request.url == "wss://api.cartesia.ai/tts/websocket"
    assert request.headers["Authorization"] == "Bearer the-key"
    assert codec_of().opening() == ()
    assert begun(TtsOptions()) == {
        "context_id": "c1",
        "model_id": "sonic-3.5",
        "transcript": "Hello.",
        "voice": {"mode": "id", "id": VOICE_ID},
        "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8_000},
        "language": "en",
        "continue": False,
        "add_timestamps": True,
    }
    options = TtsOptions(
        language="nb-NO",
        voice="v",
        model="sonic-3",
        speed=1.2,
        volume=0.5,
        pronunciations=("d",),
    )
    told = begun(options, tts_model="sonic-latest", voice_id="w")
    assert (told["language"], told["voice"]["id"], told["model_id"]) == ("no", "v", "sonic-3")
    assert told["generation_config"] == {"speed": 1.2, "volume": 0.5}
    assert told["pronunciation_dict_id"] == "d"
    usual = begun(TtsOptions(), tts_model="sonic-latest", voice_id="w")
    assert (usual["voice"]["id"], usual["model_id"]) == ("w", "sonic-latest")


@pytest.mark.parametrize("rest", ["", ',"word_timestamps":null'])
def test_words_may_have_no_times(rest: str) -> None:
    codec = codec_of()
    codec.begin("c1", "Hello.", TtsOptions())
    assert codec.decode(f'{{"type":"timestamps","context_id":"c1"{rest}}}') == []


def test_a_text_is_cancelled() -> None:
    assert codec_of().cancel("c1") == ['{"context_id":"c1","cancel":true}']
    codec = codec_of()
    codec.begin("c1", "Hello.", TtsOptions())
    codec.cancel("c1")
    # Of its words nobody wants to know any more.
    words = '{"words":["Hello."],"start":[0.1],"end":[0.5]}'
    assert (
        codec.decode(f'{{"type":"timestamps","context_id":"c1","word_timestamps":{words}}}') == []
    )
    assert codec_of().keepalive() == '{"context_id":"none","cancel":true}'


@pytest.mark.parametrize(
    "options",
    [
        TtsOptions(speed=0.59),
        TtsOptions(speed=1.51),
        TtsOptions(volume=0.4),
        TtsOptions(volume=2.1),
        TtsOptions(pronunciations=("a", "b")),
    ],
)
def test_what_is_not_on_offer(options: TtsOptions) -> None:
    with pytest.raises(UnsupportedError):
        vendor().check(options)


def test_what_is_on_offer() -> None:
    for options in (TtsOptions(speed=0.6), TtsOptions(volume=2.0), TtsOptions(language="fil")):
        vendor().check(options)
    with pytest.raises(UnsupportedLanguageError):
        vendor().check(TtsOptions(language="tlh"))
    assert vendor().route(TtsOptions(voice="a")) == vendor().route(TtsOptions(voice="b"))
    assert (vendor().format, vendor().voices()) == (ULAW_8K, ())
    assert isinstance(vendor().refused(402, {}, b""), QuotaError)
    assert isinstance(codec_of().refused(402, {}, b""), QuotaError)


def test_what_goes_wrong() -> None:
    codec = codec_of()
    (failed,) = codec.decode('{"type":"error","status_code":402,"message":"no credits"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, QuotaError)
    assert codec.closed(Close(1000)) == ()
    assert codec.decode('{"type":"something"}') == []
    assert codec.decode('{"type":"something","context_id":"c1"}') == []


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"type":"chunk","context_id":7,"data":""}',
        '{"type":"chunk","context_id":"c1"}',
        '{"type":"chunk","context_id":"c1","data":"no base64!"}',
        '{"type":"chunk","context_id":"c1","data":7}',
        '{"type":"timestamps","context_id":"c1","word_timestamps":[]}',
        '{"type":"timestamps","context_id":"c1","word_timestamps":{"words":["a"],"start":["b"]}}',
        '{"type":"timestamps","context_id":"c1","word_timestamps":{"words":["a"],"start":[]}}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    codec = codec_of()
    codec.begin("c1", "a", TtsOptions())
    with pytest.raises(InvalidResponseError):
        codec.decode(message)


def test_voices_are_listed() -> None:
    pages = vendor().voice_pages
    request = pages.request(None)
    assert (request.method, request.url) == ("GET", "https://api.cartesia.ai/voices?limit=100")
    assert request.headers["cartesia-version"]
    assert pages.request("v1").url.endswith("?limit=100&starting_after=v1")
    full = {
        "id": "v1",
        "name": "Sarah",
        "language": "en",
        "locales": [{"locale": "fr-FR"}, {"locale": "en-GB", "is_native": True}],
        "gender": "feminine",
        "tagline": "warm",
        "accent": "london",
    }
    plain = {"id": "v2", "language": "de"}
    voices, more = pages.read(orjson.dumps({"data": [full, plain]}))
    assert voices == [
        Voice("v1", "Sarah", "en-GB", "feminine", "warm", accent="london", provider="cartesia"),
        Voice("v2", "v2", "de", provider="cartesia"),
    ]
    assert more is None
    page = [{**plain, "id": f"v{n}"} for n in range(PAGE)]
    assert pages.read(orjson.dumps({"data": page}))[1] == f"v{PAGE - 1}"


@pytest.mark.parametrize("page", [b"{}", b'{"data":7}', b'{"data":[7]}', b'{"data":[{}]}'])
def test_what_is_no_list_of_voices(page: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        vendor().voice_pages.read(page)
