from __future__ import annotations

from typing import Any

import pytest
from google.cloud.speech_v1.types import cloud_speech as v1
from google.cloud.speech_v2.types import cloud_speech as v2
from google.protobuf.json_format import MessageToDict, Parse

from media.audio import PCM16_16K, ULAW_8K
from providers.codec import Close, Failed, Reply
from providers.errors import InvalidResponseError, UnavailableError, UnsupportedLanguageError
from providers.grpc_call import END, ENDED, CallOpener
from providers.stt.google import LONGEST_MS, GoogleRecognizer, GoogleSttCodec
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, Restarted, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
TYPES = {1: v1, 2: v2}


def codec_of(options: SttOptions | None = None, **account: str) -> GoogleSttCodec:
    options = options or SttOptions(audio=ULAW_8K)
    return GoogleRecognizer(api_key="the-key", **account).codec(options)


def opened(options: SttOptions | None = None, version: int = 2) -> GoogleSttCodec:
    """One that has said how to recognize."""
    codec = codec_of(options, **({"project": "mine"} if version == 2 else {}))
    codec.opening()
    return codec


def answer(text: str, version: int = 2) -> bytes:
    """A message of the vendor's, of its JSON."""
    response = TYPES[version].StreamingRecognizeResponse.pb()()
    return bytes(Parse(text, response).SerializeToString())


def said(frame: str | bytes, version: int = 2) -> dict[str, Any]:
    """A message of ours, as its JSON."""
    assert isinstance(frame, bytes)
    request = TYPES[version].StreamingRecognizeRequest.pb().FromString(frame)
    told: dict[str, Any] = MessageToDict(request, preserving_proto_field_name=True)
    return told


def heard(codec: GoogleSttCodec, name: str, version: int = 2) -> list[object]:
    return [event for line in recorded(name) for event in codec.decode(answer(line, version))]


def test_a_conversation() -> None:
    codec = opened()
    for _ in range(6):
        codec.audio(SECOND)
    # The 100 ms of silence with which a call begins are no part of the stream.
    assert heard(codec, "google_stt") == [
        Heard([], [Token(" hello", 0, 800, language="en-us")]),
        Heard(
            [],
            [
                Token(" hello this", 0, 1400, language="en-us"),
                Token(" is par", 1400, 1800, language="en-us"),
            ],
        ),
        Heard(
            [
                Token(" Hello,", 300, 800, 0.97, language="en-us"),
                Token(" this", 1000, 1300, 0.98, language="en-us"),
                Token(" is", 1300, 1500, 0.94, language="en-us"),
                Token(" Parley.", 1600, 2200, 0.88, language="en-us"),
            ],
            [],
            final_ms=2400,
        ),
        Endpoint(),
        Heard(
            [
                Token(" How", 3000, 3200, 0.91, language="en-us"),
                Token(" may", 3200, 3400, 0.91, language="en-us"),
                Token(" I", 3400, 3500, 0.91, language="en-us"),
                Token(" help", 3500, 3900, 0.91, language="en-us"),
            ],
            [],
            final_ms=3900,
        ),
        # The speaker goes on: this is no end of the turn; without words' times it is one token.
        Heard([Token(" you?", 3900, 4300, 0.9, language="en-us")], [], final_ms=4300),
        Endpoint(),
    ]


def test_a_conversation_by_version_1() -> None:
    codec = opened(version=1)
    events = heard(codec, "google_stt_v1", 1)
    assert [type(event) for event in events] == [Heard, Heard, Endpoint]
    final = events[1]
    assert isinstance(final, Heard)
    assert [(token.text, token.start_ms, token.end_ms) for token in final.final] == [
        *((" Good", 300, 700), (" morning.", 700, 1200))
    ]


def test_how_to_recognize_is_said_first() -> None:
    options = SttOptions(
        audio=ULAW_8K,
        language="en",
        languages=("es",),
        profanity_filter=True,
        key_terms=("Parley",),
    )
    codec = codec_of(options, project="mine", location="us", model="chirp_3")
    first, silence = codec.opening()
    assert said(first) == {
        "recognizer": "projects/mine/locations/us/recognizers/_",
        "streaming_config": {
            "config": {
                "model": "chirp_3",
                "language_codes": ["en-US", "es-ES"],
                "features": {
                    "enable_automatic_punctuation": True,
                    "profanity_filter": True,
                },
                "adaptation": {
                    "phrase_sets": [{"inline_phrase_set": {"phrases": [{"value": "Parley"}]}}]
                },
                "explicit_decoding_config": {
                    "encoding": "MULAW",
                    "sample_rate_hertz": 8000,
                    "audio_channel_count": 1,
                },
            },
            "streaming_features": {
                "interim_results": True,
                "enable_voice_activity_events": True,
            },
        },
    }
    assert said(silence).keys() == {"audio"}


def test_how_to_recognize_by_version_1() -> None:
    options = SttOptions(
        audio=PCM16_16K, languages=("es",), phrases=("yes",), punctuation=False, endpointing=False
    )
    first, silence = codec_of(options, model="phone_call").opening()
    assert said(first, 1)["streaming_config"] == {
        "config": {
            "encoding": "LINEAR16",
            "sample_rate_hertz": 16000,
            "audio_channel_count": 1,
            "language_code": "en-US",
            "alternative_language_codes": ["es-ES"],
            "model": "phone_call",
            "enable_word_time_offsets": True,
            "enable_word_confidence": True,
            "speech_contexts": [{"phrases": ["yes"]}],
        },
        "interim_results": True,
    }
    assert said(silence, 1).keys() == {"audio_content"}


def test_no_message_is_too_long() -> None:
    codec = opened(SttOptions(audio=PCM16_16K))
    for frame in (codec.audio(PCM16_16K.silence(LONGEST_MS)), codec.keepalive()):
        assert frame is not None
        assert 12_000 < len(frame) < 15_000


def test_to_finalize_is_to_end_the_call() -> None:
    codec = opened()
    codec.audio(SECOND)
    codec.keepalive()
    assert codec.finalize() == END
    assert not codec.ready
    assert codec.keepalive() is None
    assert codec.unanswered() == ()
    events = codec.decode(ENDED)
    assert events[0] == Finalized(all_heard=True)
    assert [type(event) for event in events[1:]] == [Reply, Reply, Restarted]
    assert isinstance(events[1], Reply)
    assert "streaming_config" in said(events[1].frame)
    assert events[-1] == Restarted(processed_ms=1_000, is_young=True)
    assert codec.ready


def test_a_call_that_ends_without_making_it_final_has_said_it_nevertheless() -> None:
    codec = opened()
    for _ in range(3):
        codec.audio(SECOND)
    codec.finalize()
    interim, ended = heard(codec, "google_stt_unfinal"), codec.decode(ENDED)
    assert isinstance(interim[-1], Heard)
    assert list(ended[:2]) == [Heard(interim[-1].interim), Finalized(all_heard=True)]
    assert "".join(token.text for token in interim[-1].interim) == " yes please"


def test_what_is_final_is_not_made_final_again() -> None:
    codec = opened()
    assert codec.finalize() is None
    codec.audio(SECOND)
    codec.decode(
        answer(
            '{"results": [{"alternatives": [{"transcript": "yes"}], "isFinal": true,'
            ' "resultEndOffset": "1.095s"}]}'
        )
    )
    assert codec.finalize() is None


def test_the_end_of_the_stream_is_that_of_a_call() -> None:
    codec = opened()
    codec.audio(SECOND)
    assert codec.closing() == END
    assert codec.keepalive() is None
    assert codec.decode(ENDED) == [Finished()]


def test_turns_do_not_end_where_nobody_asks_for_that() -> None:
    codec = opened(SttOptions(audio=ULAW_8K, endpointing=False))
    assert Endpoint() not in heard(codec, "google_stt")


def test_a_result_without_words_is_nothing() -> None:
    assert opened().decode(answer('{"results": [{"isFinal": true}]}')) == [Heard([], [])]


def test_what_else_is_said_is_nothing() -> None:
    assert opened().decode("another day") == ()
    assert opened().decode(b"") == []


def test_no_message_of_the_protocol() -> None:
    with pytest.raises(InvalidResponseError):
        opened().decode(b"<html>")


def test_the_status_of_a_call_is_its_error() -> None:
    error = UnavailableError("google", "305 seconds")
    assert codec_of().closed(Close(11, error=error)) == [Failed(error)]
    assert codec_of().closed(Close(0)) == []
    assert codec_of().refused(502, {}, b"").retryable


def test_a_language_that_is_not_on_offer_is_told() -> None:
    with pytest.raises(UnsupportedLanguageError):
        codec_of(SttOptions(language="tlh"))


def test_a_key_is_never_shown() -> None:
    opener = codec_of().request()
    assert isinstance(opener, CallOpener)
    assert "the-key" not in repr(opener)
