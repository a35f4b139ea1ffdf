from __future__ import annotations

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K
from providers.codec import Close, Failed
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    MissingKeyError,
    UnavailableError,
    UnsupportedError,
)
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Token
from providers.stt.soniox import MAX_CONTEXT_CHARACTERS, SonioxRecognizer, SonioxSttCodec
from providers.types import SttOptions
from tests.providers.recorded import recorded


def codec_of(options: SttOptions | None = None, **account: str) -> SonioxSttCodec:
    return SonioxRecognizer(api_key="the-key", **account).codec(options or SttOptions())


def heard(name: str) -> list[HeardEvent | Failed]:
    codec = codec_of()
    return [event for message in recorded(name) for event in codec.decode(message)]


def test_a_conversation() -> None:
    assert heard("soniox_stt") == [
        Heard([], [], 360),
        Heard([], [Token("Hel", 420, 540, 0.71)], 600),
        Heard([Token("Hel", 420, 540, 0.97)], [Token("lo", 540, 660, 0.95)], 840),
        Heard([Token("lo", 540, 660, 0.99), Token(" there", 720, 960, 0.93, "1", "en")]),
        Endpoint(),
        Heard([], [], 1680),
        # Nothing for the message that is not known; a token without times is where it stands.
        Heard([Token(" Yes", 0, 0)]),
        Finalized(),
        Heard([], [Token(" so", 2100, 2220, 0.5)], 2280),
        Heard([], [], 2280),
        Finished(),
    ]


def test_an_error_instead_of_tokens() -> None:
    understood, failed = heard("soniox_stt_error")
    assert understood == Heard([Token("Hel", 420, 540, 0.97)], [], 840)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    assert failed.error.code == "service_unavailable"


def test_a_conversation_that_breaks_off() -> None:
    (event,) = heard("soniox_stt_abrupt")
    assert isinstance(event, Heard)
    assert [token.text for token in event.final] == ["Good", " mor"]


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"tokens":"none"}',
        '{"tokens":7}',
        '{"tokens":[7]}',
        '{"tokens":[{}]}',
        '{"tokens":[{"text":7,"is_final":true}]}',
        '{"tokens":[{"text":"a"}]}',
        '{"tokens":[{"text":"a","is_final":true,"start_ms":"soon"}]}',
        '{"tokens":[{"text":"a","is_final":true,"start_ms":null}]}',
        '{"tokens":[{"text":"a","is_final":true,"confidence":[]}]}',
        '{"tokens":[],"total_audio_proc_ms":[]}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_what_is_said_first() -> None:
    options = SttOptions(language="nb-NO", audio=ULAW_8K, phrases=("Parley",))
    (config,) = codec_of(options, stt_model="stt-rt-v9").opening()
    assert orjson.loads(config) == {
        "model": "stt-rt-v9",
        "audio_format": "mulaw",
        "sample_rate": 8000,
        "num_channels": 1,
        "language_hints": ["no"],
        "enable_endpoint_detection": True,
        "max_endpoint_delay_ms": 700,
        "context": {"terms": ["Parley"]},
    }
    (plain,) = codec_of(SttOptions(audio=PCM16_16K)).opening()
    config = orjson.loads(plain)
    assert (config["audio_format"], config["sample_rate"]) == ("pcm_s16le", 16000)
    assert "context" not in config


def test_only_so_many_phrases_fit() -> None:
    phrases = tuple(f"{number:0100}" for number in range(MAX_CONTEXT_CHARACTERS // 100 + 1))
    (config,) = codec_of(SttOptions(phrases=phrases)).opening()
    assert orjson.loads(config)["context"]["terms"] == list(phrases[:-1])


def test_what_is_said_later() -> None:
    codec = codec_of()
    assert codec.audio(b"\x01\x02") == b"\x01\x02"
    assert orjson.loads(codec.finalize()) == {"type": "finalize"}
    assert orjson.loads(codec.keepalive()) == {"type": "keepalive"}
    assert codec.closing() == ""
    assert codec.unanswered() == ()
    assert codec.closed(Close(1000)) == ()


def test_the_key_goes_in_the_handshake_alone() -> None:
    codec = codec_of()
    request = codec.request()
    assert request.url == "wss://stt-rt.soniox.com/transcribe-websocket"
    assert request.headers == {"Authorization": "Bearer the-key"}
    assert "the-key" not in str(codec.opening())
    assert codec_of(stt_url="ws://127.0.0.1:1/x").request().url == "ws://127.0.0.1:1/x"
    assert isinstance(codec.refused(401, {}, b""), AuthenticationError)


def test_what_is_not_on_offer() -> None:
    with pytest.raises(UnsupportedError, match="tlh"):
        codec_of(SttOptions(language="tlh"))
    with pytest.raises(MissingKeyError):
        SonioxRecognizer()


def test_what_else_can_be_asked_for() -> None:
    options = SttOptions(
        language="en-GB",
        languages=("de", "en-US"),
        model="stt-rt-v4",
        diarization=True,
        endpointing_ms=1500,
        key_terms=("Parley",),
        phrases=("yes",),
    )
    (message,) = codec_of(options).opening()
    config = orjson.loads(message)
    assert config["model"] == "stt-rt-v4"
    assert config["language_hints"] == ["en", "de"]
    assert config["enable_language_identification"]
    assert config["enable_speaker_diarization"]
    assert config["max_endpoint_delay_ms"] == 1500
    assert config["context"] == {"terms": ["Parley", "yes"]}


def test_the_language_may_be_found_out() -> None:
    (message,) = codec_of(SttOptions(language="auto", endpointing=False)).opening()
    config = orjson.loads(message)
    assert "language_hints" not in config
    assert config["enable_language_identification"]
    assert "enable_endpoint_detection" not in config
    assert "max_endpoint_delay_ms" not in config


@pytest.mark.parametrize(
    "options",
    [SttOptions(endpointing_ms=499), SttOptions(endpointing_ms=3001), SttOptions(languages=("x",))],
)
def test_options_that_are_not_on_offer(options: SttOptions) -> None:
    with pytest.raises(UnsupportedError):
        codec_of(options)
