from __future__ import annotations

import base64
import math
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import orjson
import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, pcm_to_ulaw
from providers.codec import Close, Failed
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    QuotaError,
    UnavailableError,
    UnsupportedLanguageError,
)
from providers.stt.elevenlabs import PAUSE_COMMIT_MS, ElevenLabsRecognizer, ElevenLabsSttCodec
from providers.stt.heard import Finalized, Finished, Heard, HeardEvent, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

VENDOR = ElevenLabsRecognizer(api_key="the-key")
SPOKEN = pcm_to_ulaw(np.full(800, 8_000, np.int16))
QUIET = ULAW_8K.silence(100)


def new_codec(**options: Any) -> ElevenLabsSttCodec:
    return VENDOR.codec(SttOptions(**{"audio": ULAW_8K, **options}))


def sent(frame: str | bytes | None) -> dict[str, Any]:
    assert isinstance(frame, str)
    message: dict[str, Any] = orjson.loads(frame)
    message["audio"] = base64.b64decode(message.pop("audio_base_64"))
    return message


def committed(text: str, *words: tuple[str, float, float]) -> str:
    """The answer to a commit; times in s."""
    listed = [
        {"text": word, "start": start, "end": end, "type": "word"} for word, start, end in words
    ]
    kind = "committed_transcript_with_timestamps"
    return orjson.dumps({"message_type": kind, "text": text, "words": listed}).decode()


def untimed(text: str) -> str:
    return orjson.dumps({"message_type": "committed_transcript", "text": text}).decode()


def partial(text: str) -> str:
    return orjson.dumps({"message_type": "partial_transcript", "text": text}).decode()


def test_a_conversation() -> None:
    codec = new_codec()
    for _ in range(20):
        codec.audio(SPOKEN)
    messages = recorded("elevenlabs_stt")
    events: list[HeardEvent | Failed] = []
    for number, message in enumerate(messages):
        if number == 4:
            codec.finalize()
            codec.closing()
        events += codec.decode(message)
    nothing, first, more, alone, final, finalized, empty, finished, failed = events
    assert nothing == Heard(processed_ms=2_000)
    assert first == Heard(interim=(Token(" Hello,", 1_500, 2_000),))
    assert isinstance(more, Heard)
    assert [token.text for token in more.interim] == [" Hello,", " I'd", " like"]
    assert isinstance(alone, Heard)
    assert "".join(token.text for token in alone.interim) == " Hello, I'd like to book."
    assert isinstance(final, Heard)
    assert "".join(token.text for token in final.final) == " Hello, I'd like to book."
    assert final.final[0] == Token(" Hello,", 120, 500, math.exp(-0.1), None, "en")
    assert (final.final[2].confidence, final.final[4].speaker) == (None, "speaker_0")
    assert (finalized, finished) == (Finalized(), Finished())
    # The second commit was after silence that made it long enough: the stream has none of it.
    assert empty == Heard(processed_ms=2_000)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    assert failed.error.retryable


def test_audio_goes_in_json() -> None:
    assert sent(new_codec().audio(SPOKEN)) == {
        "message_type": "input_audio_chunk",
        "audio": SPOKEN,
        "commit": False,
        "sample_rate": 8_000,
    }
    assert sent(new_codec(audio=PCM16_16K).audio(bytes(640)))["sample_rate"] == 16_000


def test_a_commit_has_at_least_as_much_audio_as_is_taken() -> None:
    codec = new_codec()
    codec.audio(SPOKEN)
    commit = sent(codec.finalize())
    assert (commit["commit"], commit["audio"]) == (True, ULAW_8K.silence(200))
    codec.decode(committed("", ("yes", 0.0, 0.08)))
    for _ in range(4):
        codec.audio(SPOKEN)
    commit = sent(codec.finalize())
    assert (commit["commit"], commit["audio"]) == (True, b"")
    # Times leave out the silence that was put in.
    heard, _ = codec.decode(committed("no", ("no", 0.35, 0.4)))
    assert isinstance(heard, Heard)
    assert (heard.final[0].start_ms, heard.final[0].end_ms) == (150, 200)


def test_what_is_committed_and_answered_is_not_committed_again() -> None:
    codec = new_codec()
    assert codec.finalize() is None
    codec.audio(SPOKEN)
    assert codec.finalize() is not None
    # The answer to the first is not there, so this one's is not known either.
    assert codec.finalize() is not None
    assert codec.unanswered() == []
    assert codec.silence_s is None
    assert codec.decode(committed(""))[-1] == Finalized()
    assert codec.finalize() is not None
    codec.decode(committed(""))
    codec.decode(committed(""))
    assert codec.finalize() is None


def test_a_commit_that_is_refused_is_answered_all_the_same() -> None:
    codec = new_codec()
    codec.audio(SPOKEN)
    codec.finalize()
    throttled = '{"message_type":"commit_throttled","error":"only 0.01s of uncommitted audio"}'
    assert codec.decode(throttled) == [Heard(processed_ms=100), Finalized()]


def test_what_the_vendor_commits_by_itself_answers_nothing() -> None:
    codec = new_codec()
    codec.audio(SPOKEN)
    (heard,) = codec.decode(committed("one", ("one", 0.0, 0.05)))
    assert isinstance(heard, Heard)
    assert heard.final[0].text == " one"


def test_a_long_silence_is_committed_in_a_pause() -> None:
    codec = new_codec()
    messages = [sent(codec.audio(QUIET)) for _ in range(PAUSE_COMMIT_MS // 100 - 1)]
    assert not any(message["commit"] for message in messages)
    # Not while somebody speaks, nor at once when they pause.
    follow = [QUIET, QUIET, SPOKEN, QUIET, QUIET, QUIET, QUIET]
    commits = [sent(codec.audio(piece))["commit"] for piece in follow]
    assert commits == [False] * 5 + [True, False]
    at_ms = PAUSE_COMMIT_MS - 100 + 600
    assert codec.decode(committed("")) == [Heard(processed_ms=at_ms)]


def test_interim_text_ends_where_it_was_committed() -> None:
    codec = new_codec()
    for _ in range(10):
        codec.audio(SPOKEN)
    codec.decode(partial("one"))
    codec.finalize()
    codec.audio(SPOKEN)
    (late,) = codec.decode(partial("one two"))
    assert late == Heard(interim=(Token(" one", 500, 750), Token(" two", 750, 1_000)))
    # The same text again is not later.
    codec.decode(committed("one two"))
    codec.decode(partial("three"))
    codec.audio(SPOKEN)
    assert codec.decode(partial("three")) == [Heard(interim=(Token(" three", 600, 1_100),))]


def test_words_without_times_are_better_than_none() -> None:
    codec = new_codec()
    codec.audio(SPOKEN * 10)
    codec.decode(partial("one two"))
    (heard,) = codec.decode(committed("One, two."))
    assert heard == Heard(
        final=(Token(" One,", 500, 750), Token(" two.", 750, 1_000)), processed_ms=1_000
    )


def test_silence_keeps_the_connection_and_is_left_out_of_times() -> None:
    codec = new_codec()
    assert codec.keepalive_s == 10
    assert sent(codec.keepalive())["audio"] == ULAW_8K.silence(20)
    codec.audio(SPOKEN * 10)
    codec.finalize()
    heard, _ = codec.decode(committed("yes", ("yes", 0.52, 0.72)))
    assert isinstance(heard, Heard)
    assert (heard.final[0].start_ms, heard.final[0].end_ms) == (500, 700)


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"message_type":"partial_transcript"}',
        '{"message_type":"partial_transcript","text":7}',
        '{"message_type":"committed_transcript","text":7}',
        '{"message_type":"committed_transcript_with_timestamps","words":7,"text":""}',
        '{"message_type":"committed_transcript_with_timestamps","words":[7],"text":""}',
        '{"message_type":"committed_transcript_with_timestamps","words":[]}',
        '{"message_type":"committed_transcript_with_timestamps","text":"a",'
        '"words":[{"type":"word","text":"a"}]}',
        '{"message_type":"committed_transcript_with_timestamps","text":"a",'
        '"words":[{"type":"word","text":"a","start":1e999,"end":2}]}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        new_codec().decode(message)


def test_what_is_not_known_is_no_event() -> None:
    codec = new_codec()
    for message in ("{}", '{"message_type":7,"error":"x"}', '{"message_type":"new","error":null}'):
        assert codec.decode(message) == []
    assert codec.closed(Close(1000)) == ()
    (failed,) = codec.closed(Close(1008, "You have 0 credits remaining."))
    assert isinstance(failed.error, QuotaError)


def test_errors() -> None:
    (failed,) = new_codec().decode('{"message_type":"quota_exceeded","error":"no credits"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, QuotaError)
    assert isinstance(new_codec().refused(401, {}, b""), AuthenticationError)


def test_all_is_in_the_address() -> None:
    codec = new_codec(
        audio=PCM16_8K,
        language="de-DE",
        languages=("en-US",),
        key_terms=("Winterbottom", "Parley"),
        model="scribe_v3_realtime",
    )
    request = codec.request()
    assert request.headers == {"xi-api-key": "the-key"}
    assert codec.opening() == ()
    address = urlsplit(request.url)
    assert (address.scheme, address.path) == ("wss", "/v1/speech-to-text/realtime")
    assert parse_qs(address.query) == {
        "model_id": ["scribe_v3_realtime"],
        "audio_format": ["pcm_8000"],
        "commit_strategy": ["manual"],
        "include_timestamps": ["true"],
        "language_code": ["de"],
        "secondary_languages": ["en"],
        "keyterms": ["Winterbottom", "Parley"],
    }
    plain = parse_qs(urlsplit(new_codec(language="auto").request().url).query)
    assert plain["audio_format"] == ["ulaw_8000"]
    assert "language_code" not in plain
    assert plain["include_language_detection"] == ["true"]


def test_what_is_on_offer() -> None:
    assert VENDOR.capabilities.understands("auto")
    assert VENDOR.capabilities.understands("zh-CN")
    with pytest.raises(UnsupportedLanguageError):
        new_codec(language="tlh")
