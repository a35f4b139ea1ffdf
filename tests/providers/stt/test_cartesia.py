from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from media.audio import PCM16_8K, ULAW_8K
from providers.codec import Close, Failed
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    UnavailableError,
    UnsupportedLanguageError,
)
from providers.stt.cartesia import CartesiaRecognizer, CartesiaSttCodec
from providers.stt.heard import Finalized, Finished, Heard, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
ULAW = SttOptions(audio=ULAW_8K)


def codec_of(options: SttOptions = ULAW, **account: str) -> CartesiaSttCodec:
    return CartesiaRecognizer(api_key="the-key", **account).codec(options)


def query(options: SttOptions, **account: str) -> dict[str, list[str]]:
    url = urlsplit(codec_of(options, **account).request().url)
    assert (url.scheme, url.netloc, url.path) == ("wss", "api.cartesia.ai", "/stt/websocket")
    return parse_qs(url.query)


def test_a_conversation() -> None:
    codec = codec_of()
    assert codec.audio(SECOND) == SECOND
    messages = iter(recorded("cartesia_stt"))
    assert codec.decode(next(messages)) == [
        Heard(
            interim=[
                Token(" How", 0, 500, language="en"),
                Token(" are", 500, 1_000, language="en"),
            ]
        )
    ]
    codec.audio(SECOND)
    assert codec.finalize() == "finalize"
    interim = codec.decode(next(messages))[0]
    assert isinstance(interim, Heard)
    assert [token.text for token in interim.interim] == [" How", " are", " you", " do"]
    codec.audio(2 * SECOND)
    codec.decode(next(messages))
    # What is said of a word in two transcripts is one word.
    final, answer = codec.decode(next(messages))
    assert isinstance(final, Heard)
    assert [(token.text, token.start_ms, token.end_ms) for token in final.final] == [
        (" How", 0, 500),
        (" are", 500, 1_000),
        (" you", 1_000, 1_500),
        (" doing?", 1_500, 2_000),
    ]
    assert answer == Finalized(all_heard=True)
    assert codec.closing() == "close"
    rest = [event for message in messages for event in codec.decode(message)]
    assert rest == [
        Heard(interim=[Token(" Fine.", 3_100, 3_400, language="en")]),
        Heard(final=[Token(" Fine.", 3_100, 3_400, language="en")]),
        Finished(),
    ]


def test_what_is_in_the_handshake() -> None:
    request = codec_of().request()
    assert request.headers["Authorization"] == "Bearer the-key"
    assert codec_of().opening() == ()
    assert query(ULAW) == {
        "model": ["ink-2"],
        "encoding": ["pcm_mulaw"],
        "sample_rate": ["8000"],
        "language": ["en"],
    }
    options = SttOptions(
        language="nb-NO",
        audio=PCM16_8K,
        key_terms=("Parley", " a bill ", "x" * 1_201, ""),
        phrases=("Parley", "y" * 1_188),
    )
    assert query(options) == {
        "model": ["ink-whisper"],
        "encoding": ["pcm_s16le"],
        "sample_rate": ["8000"],
        "language": ["no"],
        "keyterm": ["Parley", "a bill", "y" * 1_188],
    }
    many = SttOptions(audio=ULAW_8K, key_terms=tuple(f"t{n}" for n in range(101)))
    assert len(query(many)["keyterm"]) == 100
    assert query(ULAW, stt_model="ink-3")["model"] == ["ink-3"]
    named = SttOptions(audio=ULAW_8K, model="ink-4")
    assert query(named, stt_model="ink-3")["model"] == ["ink-4"]


def test_what_is_honoured() -> None:
    vendor = CartesiaRecognizer(api_key="k")
    with pytest.raises(UnsupportedLanguageError):
        vendor.codec(SttOptions(language="tlh"))
    assert "key_terms" in vendor.honours(ULAW)
    assert "key_terms" not in vendor.honours(SttOptions(key_terms=("x" * 1_201,)))


def test_nothing_is_finalized_twice() -> None:
    codec = codec_of()
    assert codec.finalize() is None
    codec.audio(SECOND)
    assert (codec.finalize(), codec.finalize()) == ("finalize", "finalize")
    assert codec.decode('{"type":"flush_done"}') == [Heard(final=[]), Finalized(all_heard=True)]
    codec.decode('{"type":"flush_done"}')
    assert codec.finalize() is None
    # One that nobody asked for answers nothing.
    assert codec.decode('{"type":"flush_done"}') == []
    assert codec.unanswered() == ()


def test_silence_that_keeps_it_open_is_no_part_of_the_stream() -> None:
    codec = codec_of()
    assert codec.keepalive() == ULAW_8K.silence(100)
    codec.audio(SECOND)
    message = '{"type":"transcript","is_final":false,"text":"a","words":[{"start":0.2,"end":0.5}]}'
    assert codec.decode(message) == [Heard(interim=[Token(" a", 100, 400)])]


def test_times_come_in_either_way() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    words = '[{"words":["a","b"],"start":[0.1,0.3],"end":[0.2,0.4]}]'
    message = f'{{"type":"transcript","is_final":false,"text":"a b","words":{words}}}'
    assert codec.decode(message) == [Heard(interim=[Token(" a", 100, 200), Token(" b", 300, 400)])]


def test_what_goes_wrong() -> None:
    codec = codec_of()
    (failed,) = codec.decode('{"type":"error","status_code":401,"message":"no"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AuthenticationError)
    assert codec.closed(Close(1000)) == ()
    assert isinstance(codec.refused(503, {}, b""), UnavailableError)


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"type":"transcript"}',
        '{"type":"transcript","is_final":true,"text":7}',
        '{"type":"transcript","is_final":true,"text":"a","words":[7]}',
        '{"type":"transcript","is_final":true,"text":"a","words":[{"start":"b","end":1}]}',
        '{"type":"transcript","is_final":true,"text":"a","words":[{"start":[1],"end":[]}]}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)
