from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import ULAW_8K
from providers.codec import Close, Failed
from providers.errors import (
    ApiError,
    InvalidResponseError,
    MissingKeyError,
    RateLimitError,
    UnavailableError,
)
from providers.tts.deepgram import DeepgramSynthesizer, DeepgramTtsCodec
from providers.tts.deepgram_http import DeepgramHttpSynthesizer
from providers.tts.spoken import AudioEnd, Spoken, Terminated
from providers.types import TtsOptions

OPTIONS = TtsOptions()
FLUSHED, CLEARED = '{"type":"Flushed","sequence_id":0}', '{"type":"Cleared","sequence_id":0}'


def codec_of(options: TtsOptions = OPTIONS) -> DeepgramTtsCodec:
    return DeepgramSynthesizer(api_key="the-key").codec(options)


def types(frames: object) -> list[str]:
    return [orjson.loads(frame)["type"] for frame in frames]  # type: ignore[attr-defined]


def test_a_key_is_needed() -> None:
    with pytest.raises(MissingKeyError):
        DeepgramSynthesizer()


def test_what_stands_in_the_url() -> None:
    request = codec_of(TtsOptions(voice="aura-2-zeus-en", speed=1.2)).request()
    url = urlsplit(request.url)
    assert (url.scheme, url.netloc, url.path) == ("wss", "api.deepgram.com", "/v1/speak")
    assert parse_qs(url.query) == {
        "model": ["aura-2-zeus-en"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
        "speed": ["1.2"],
    }
    assert request.headers == {"Authorization": "Token the-key"}


def test_a_connection_has_one_voice() -> None:
    vendor = DeepgramSynthesizer(api_key="k")
    routes = {
        vendor.route(options)
        for options in [
            OPTIONS,
            TtsOptions(language="en-GB"),
            TtsOptions(voice="aura-2-thalia-en"),
            TtsOptions(speed=1.1),
            TtsOptions(language="de"),
        ]
    }
    assert len(routes) == 3
    assert vendor.format == ULAW_8K
    assert (vendor.max_contexts, vendor.texts_per_min) == (1, 18)


def test_one_text_after_the_other() -> None:
    codec = codec_of()
    assert list(codec.opening()) == []
    assert codec.decode('{"type":"Metadata","request_id":"r"}') == ()
    assert codec.decode(b"\x01") == ()
    for context in ("c1", "c2"):
        frames = codec.begin(context, "Hello.", OPTIONS)
        assert orjson.loads(frames[0]) == {"type": "Speak", "text": "Hello."}
        assert types(frames) == ["Speak", "Flush"]
        assert codec.decode(b"\x01\x02") == [Spoken(context, b"\x01\x02")]
        assert codec.decode(FLUSHED) == [AudioEnd(context), Terminated(context)]
    assert codec.decode(FLUSHED) == ()
    assert types([codec.keepalive()]) == ["Flush"]


@pytest.mark.parametrize("flushed_too", [True, False])
def test_what_was_cleared_is_no_ones(flushed_too: bool) -> None:
    codec = codec_of()
    codec.begin("c1", "Hello.", OPTIONS)
    assert types(codec.cancel("c1")) == ["Clear"]
    assert codec.cancel("c1") == ()
    assert codec.decode(b"\x01") == ()
    assert codec.decode(CLEARED) == [Terminated("c1")]
    assert codec.decode(CLEARED) == ()
    codec.begin("c2", "Well?", OPTIONS)
    if flushed_too:
        # Of the first text, as it comes without a sound.
        assert codec.decode(FLUSHED) == ()
    assert codec.decode(b"\x02") == [Spoken("c2", b"\x02")]
    assert codec.decode(FLUSHED) == [AudioEnd("c2"), Terminated("c2")]


def test_what_goes_wrong() -> None:
    codec = codec_of()
    with pytest.raises(InvalidResponseError):
        codec.decode("no JSON")
    assert codec.decode('{"type":"Warning","code":"ODD","description":"odd"}') == ()
    for message, kind in [
        ('{"type":"Warning","code":"W","description":"No more Flush messages"}', UnavailableError),
        ('{"type":"Error","code":"DATA-0001","description":"odd"}', ApiError),
    ]:
        (failed,) = codec.decode(message)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, kind)
    (failed,) = codec.closed(Close(1011, "NET-0003"))
    assert isinstance(failed, Failed)
    assert failed.error.retryable
    assert isinstance(codec.refused(429, {}, b""), RateLimitError)


def test_a_text_is_one_request() -> None:
    vendor = DeepgramHttpSynthesizer(api_key="the-key", base_url="http://127.0.0.1:9")
    request = vendor.request("Hello.", OPTIONS)
    url = urlsplit(request.url)
    assert (request.method, url.path) == ("POST", "/v1/speak")
    assert parse_qs(url.query)["container"] == ["none"]
    assert orjson.loads(request.body) == {"text": "Hello."}
    assert request.headers["Authorization"] == "Token the-key"
    assert vendor.reader()(b"\x01") == b"\x01"
    warm_up = vendor.warm_up()
    assert (warm_up.method, urlsplit(warm_up.url).path) == ("GET", "/v1/auth/token")
