from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K
from providers.codec import Close, Failed, Reply
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    RateLimitError,
    UnavailableError,
    UnsupportedLanguageError,
)
from providers.options import AUTO
from providers.stt.assemblyai import AssemblyAiCodec, AssemblyAiRecognizer
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, Ready, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
ULAW = SttOptions(audio=ULAW_8K)
PLAIN = SttOptions(audio=ULAW_8K, punctuation=False)
FORCE, TERMINATE = '{"type":"ForceEndpoint"}', '{"type":"Terminate"}'
TERMINATION = '{"type":"Termination"}'


def codec_of(options: SttOptions = ULAW, *, seconds: int = 0, **account: Any) -> AssemblyAiCodec:
    """One that was given some audio."""
    codec = AssemblyAiRecognizer(api_key="the-key", **account).codec(options)
    for _ in range(seconds):
        codec.audio(SECOND)
    return codec


def query(options: SttOptions, **account: Any) -> dict[str, list[str]]:
    url = urlsplit(codec_of(options, **account).request().url)
    assert (url.scheme, url.netloc, url.path) == ("wss", "streaming.assemblyai.com", "/v3/ws")
    return parse_qs(url.query)


def turn(order: int, *words: str, over: bool = False, written: bool = False, sure: int = 9) -> str:
    """A turn whose words follow one another from 1 s on."""
    listed = [
        {
            "text": word,
            "start": 1_000 + 100 * at,
            "end": 1_100 + 100 * at,
            "confidence": 0.9,
            "word_is_final": at < sure,
        }
        for at, word in enumerate(words)
    ]
    message = {
        "type": "Turn",
        "turn_order": order,
        "turn_is_formatted": written,
        "end_of_turn": over,
        "transcript": " ".join(words[:sure]),
        "words": listed,
    }
    return orjson.dumps(message).decode()


def beat(received_ms: int) -> str:
    return orjson.dumps({"type": "Heartbeat", "total_audio_received_ms": received_ms}).decode()


def kinds(events: Sequence[object]) -> list[str]:
    return [type(event).__name__ for event in events]


def said(events: Sequence[object]) -> list[str]:
    return [token.text for e in events if isinstance(e, Heard) for token in e.final]


def test_a_conversation() -> None:
    codec = codec_of(seconds=4)
    assert not codec.ready
    heard = [event for message in recorded("assemblyai_stt") for event in codec.decode(message)]
    assert codec.ready
    plain = [Token(" hi", 1920, 2000, 0.87), Token(" my", 2800, 2880, 0.81)]
    assert heard == [
        Ready(),
        Heard(processed_ms=1000),
        Heard(interim=[Token(" hi", 1920, 2000, 0.874618)]),
        Heard(
            interim=[Token(" hi", 1920, 2000, 0.874618), Token(" my", 2800, 2880, 0.812831)],
            sure=1,
        ),
        Heard(interim=[*plain, Token(" name", 2900, 3100, 0.99)], sure=3),
        Heard(
            final=[
                Token(" Hi,", 1920, 2000, 0.87, "A", "en"),
                Token(" my", 2800, 2880, 0.81, None, "en"),
                Token(" name.", 2900, 3100, 0.99, None, "en"),
            ]
        ),
        Endpoint(),
        Heard(),
    ]


def test_what_is_in_the_handshake() -> None:
    request = codec_of().request()
    assert request.headers == {"Authorization": "the-key"}
    assert codec_of().opening() == ()
    assert query(ULAW) == {
        "sample_rate": ["8000"],
        "encoding": ["pcm_mulaw"],
        "speech_model": ["universal-streaming-english"],
        "format_turns": ["true"],
        "session_heartbeat": ["true"],
    }
    options = SttOptions(
        language="de-DE",
        audio=PCM16_16K,
        diarization=True,
        profanity_filter=True,
        punctuation=False,
        key_terms=("Parley", "Parley", "x" * 51, " "),
        phrases=("a bill",),
        endpointing_ms=300,
    )
    assert query(options) == {
        "sample_rate": ["16000"],
        "encoding": ["pcm_s16le"],
        "speech_model": ["universal-streaming-multilingual"],
        "language_detection": ["true"],
        "format_turns": ["false"],
        "session_heartbeat": ["true"],
        "speaker_labels": ["true"],
        "filter_profanity": ["true"],
        "min_turn_silence": ["300"],
        "max_turn_silence": ["300"],
        "keyterms_prompt": ['["Parley","a bill"]'],
    }
    assert query(SttOptions(languages=("fr",)))["speech_model"] == [
        "universal-streaming-multilingual"
    ]
    assert query(ULAW, model="u3-rt-pro")["speech_model"] == ["u3-rt-pro"]
    named = query(SttOptions(audio=ULAW_8K, model="whisper-rt"), model="u3-rt-pro")
    assert named["speech_model"] == ["whisper-rt"]
    assert named["language_detection"] == ["true"]
    assert "language_codes" not in named
    two = SttOptions(language="de-DE", languages=("de", "en-GB"), audio=ULAW_8K)
    told = query(two, model="u3-rt-pro")
    assert (told["language_detection"], told["language_codes"]) == (["true"], ['["de","en"]'])
    assert "language_codes" not in query(SttOptions(language=AUTO), model="u3-rt-pro")
    slow = query(SttOptions(audio=ULAW_8K, endpointing_ms=2_000))
    assert (slow["min_turn_silence"], slow["max_turn_silence"]) == (["400"], ["2000"])


def test_what_is_honoured() -> None:
    vendor = AssemblyAiRecognizer(api_key="k")
    with pytest.raises(UnsupportedLanguageError, match="pl"):
        vendor.codec(SttOptions(languages=("pl",)))
    assert "punctuation" in vendor.honours(PLAIN)
    assert "key_terms" not in vendor.honours(SttOptions(key_terms=("x" * 51,)))
    always = SttOptions(model="universal-3-5-pro", punctuation=False)
    # It always writes marks.
    assert "punctuation" not in vendor.honours(always)
    assert "languages" in vendor.honours(always)
    # It finds out what is spoken.
    assert "languages" not in vendor.honours(SttOptions(model="whisper-rt"))


def test_a_message_is_never_too_short() -> None:
    codec = codec_of()
    assert codec.audio(ULAW_8K.silence(60)) == ULAW_8K.silence(60)
    assert codec.audio(bytes(160)) == bytes(160) + ULAW_8K.silence(30)
    # What was put in is no part of the stream.
    codec.audio(SECOND)
    tokens = codec.decode(turn(0, "a"))[0]
    assert isinstance(tokens, Heard)
    assert (tokens.interim[0].start_ms, tokens.interim[0].end_ms) == (970, 1070)


def test_an_end_is_told_once_of_the_two() -> None:
    codec = codec_of(PLAIN, seconds=2)
    events = codec.decode(turn(0, "yes", over=True))
    assert (kinds(events), said(events)) == (["Heard", "Endpoint"], [" yes"])
    assert codec.decode(turn(0, "Yes.", over=True, written=True)) == []
    # By models that write marks by themselves there is one.
    events = codec_of(seconds=2).decode(turn(0, "Yes.", over=True, written=True))
    assert (kinds(events), said(events)) == (["Heard", "Endpoint"], [" Yes."])


def test_without_endpointing_no_end_is_told() -> None:
    options = SttOptions(audio=ULAW_8K, endpointing=False)
    assert kinds(codec_of(options).decode(turn(0, "a", over=True, written=True))) == ["Heard"]


def test_a_text_with_marks_that_never_comes_is_not_waited_for_for_ever() -> None:
    codec = codec_of(seconds=2)
    codec.decode(turn(0, "yes", over=True))
    events = codec.decode(turn(1, "no"))
    assert (kinds(events), said(events)) == (["Heard", "Endpoint", "Heard"], [" yes"])
    # Whoever has asked waits no longer than for a moment.
    assert codec.silence_s is None
    assert codec.finalize() == FORCE
    assert codec.silence_s is None
    codec.decode(turn(1, "no", over=True))
    assert codec.silence_s == 0.5
    events = codec.unanswered()
    assert (kinds(events), said(events)) == (["Heard", "Finalized"], [" no"])
    assert codec.decode(turn(1, "No.", over=True, written=True)) == []


def test_a_turn_is_ended_by_force() -> None:
    codec = codec_of(seconds=2)
    codec.decode(turn(0, "yes"))
    assert (codec.finalize(), codec.silence_s) == (FORCE, None)
    codec.decode(turn(0, "yes", over=True))
    events = codec.decode(turn(0, "Yes.", over=True, written=True))
    assert events[1:] == [Finalized()]
    # Right after it there is nothing to finalize.
    codec.audio(ULAW_8K.silence(200))
    assert codec.finalize() is None
    codec.audio(ULAW_8K.silence(200))
    assert codec.finalize() == FORCE


def test_a_turn_that_begins_after_it_was_ended_is_ended_again() -> None:
    codec = codec_of(seconds=2)
    assert (codec.finalize(), codec.silence_s) == (FORCE, 1.0)
    events = codec.decode(turn(0, "yes"))
    assert events[1:] == [Reply(FORCE)]
    assert codec.silence_s is None
    assert kinds(codec.decode(turn(0, "yes", "please"))) == ["Heard"]


def test_no_answer_means_that_nothing_was_said_if_the_audio_has_arrived() -> None:
    codec = codec_of(seconds=2)
    assert codec.decode(beat(1_000)) == [Heard(processed_ms=1_000)]
    codec.finalize()
    codec.audio(ULAW_8K.silence(900))
    codec.decode(beat(2_000))
    assert codec.unanswered() == [Finalized()]
    # It is as sure when the next heartbeat is not due yet.
    codec.finalize()
    assert codec.unanswered() == [Finalized()]
    assert codec.ready is False  # there was no `Begin`


def test_a_session_ends_to_tell_what_was_said() -> None:
    codec = codec_of(seconds=3)
    codec.decode('{"type":"Begin"}')
    codec.decode(beat(1_000))
    codec.finalize()
    codec.finalize()
    assert (codec.silence_s, codec.lasts_s) == (1.0, 10_500.0)
    assert codec.unanswered() == [Reply(TERMINATE)]
    assert (codec.ready, codec.silence_s, codec.lasts_s) == (False, None, 0.0)
    codec.decode(turn(0, "so"))
    events = codec.decode(TERMINATION)
    assert (said(events), events[1:]) == ([" so"], [Finalized(all_heard=True)] * 2)


def test_a_session_that_is_left_is_ended_once() -> None:
    codec = codec_of()
    assert codec.request().parting() == (TERMINATE,)
    codec.closing()
    assert codec.request().parting() == ()
    asked = codec_of(seconds=3)
    asked.decode('{"type":"Begin"}')
    asked.decode(beat(1_000))
    asked.finalize()
    assert asked.unanswered() == [Reply(TERMINATE)]
    assert asked.parting() == ()


def test_a_turn_of_which_no_word_is_known_has_no_words() -> None:
    assert said(codec_of(seconds=1).decode(turn(0, over=True, written=True))) == []


def test_heartbeats_say_nothing_while_somebody_speaks() -> None:
    codec = codec_of(seconds=2)
    codec.decode(turn(0, "yes"))
    assert codec.decode(beat(2_000)) == []


def test_closing_tells_the_rest() -> None:
    codec = codec_of(seconds=2)
    assert codec.closing() == TERMINATE
    codec.decode(turn(0, "yes"))
    events = codec.decode(TERMINATION)
    assert (said(events), events[1:]) == ([" yes"], [Finished()])
    # Nobody has asked for that one.
    assert kinds(codec_of().decode(TERMINATION)) == ["Heard"]


def test_what_goes_wrong() -> None:
    codec = codec_of()
    (failed,) = codec.decode('{"type":"Error","error_code":1008,"error":"Unauthorized"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AuthenticationError)
    (failed,) = codec.decode('{"type":"Error","error":"odd"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    assert kinds(codec.closed(Close(3008, "Session Expired"))) == ["Failed"]
    assert codec.closed(Close(1000)) == []
    assert isinstance(codec.refused(429, {}, b""), RateLimitError)
    assert codec.keepalive() == '{"type":"KeepAlive"}'
    assert codec.keepalive_s is None


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"type":"Turn"}',
        '{"type":"Turn","turn_order":0,"turn_is_formatted":true,"end_of_turn":true,"words":[7]}',
        '{"type":"Turn","turn_order":0,"turn_is_formatted":true,"end_of_turn":true,"words":[{}]}',
        '{"type":"Heartbeat","total_audio_received_ms":"many"}',
        '{"type":"Error"}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_what_is_not_known_is_nothing() -> None:
    odd: dict[str, Any] = {"type": "Silence", "start_ms": 0, "end_ms": 900}
    assert codec_of().decode(orjson.dumps(odd)) == []
