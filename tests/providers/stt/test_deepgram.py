from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K
from providers.codec import Close, Failed
from providers.errors import (
    ApiError,
    InvalidResponseError,
    QuotaError,
    UnavailableError,
    UnsupportedLanguageError,
)
from providers.stt.deepgram import DeepgramRecognizer, DeepgramSttCodec
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)


def codec_of(options: SttOptions | None = None, **account: str) -> DeepgramSttCodec:
    options = options or SttOptions(audio=ULAW_8K)
    return DeepgramRecognizer(api_key="the-key", **account).codec(options)


def result(
    end_s: float, *words: str, final: bool = True, start_s: float = 0.0, **more: bool
) -> str:
    """A message of results up to a time, whose words share it."""
    each_s = (end_s - start_s) / (len(words) or 1)
    message = {
        "type": "Results",
        "start": start_s,
        "duration": end_s - start_s,
        "is_final": final,
        "channel": {
            "alternatives": [
                {
                    "words": [
                        {
                            "word": word,
                            "start": start_s + n * each_s,
                            "end": start_s + (n + 1) * each_s,
                        }
                        for n, word in enumerate(words)
                    ]
                }
            ]
        },
        **more,
    }
    return orjson.dumps(message).decode()


def kinds(codec: DeepgramSttCodec, message: str) -> list[str]:
    return [type(event).__name__ for event in codec.decode(message)]


def test_a_conversation() -> None:
    codec = codec_of()
    codec.audio(4 * SECOND)
    codec.closing()
    heard = [event for message in recorded("deepgram_stt") for event in codec.decode(message)]
    assert heard == [
        Heard((), [Token(" Hello", 400, 900, 0.97)], 1020),
        Heard(
            [Token(" Hello,", 400, 960, 0.99, "0"), Token(" this", 1200, 1500, 0.98, "0", "en")],
            processed_ms=1980,
        ),
        Heard(
            [Token(" is", 2000, 2100, 0.99), Token(" Parley.", 2200, 2600, 0.9)], processed_ms=3000
        ),
        Endpoint(),
        # The end of the utterance, told a second time; whoever has given it knows that.
        Endpoint(),
        Heard((), [], 4000),
        Finished(),
    ]


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"type":"Results"}',
        '{"type":"Results","start":0,"duration":[]}',
        '{"type":"Results","start":0,"duration":1,"channel":{"alternatives":[]}}',
        '{"type":"Results","start":0,"duration":1,"channel":{"alternatives":[{"words":7}]}}',
        '{"type":"Results","start":0,"duration":1,"channel":{"alternatives":[{"words":[{"word":7}]}]}}',
        '{"type":"UtteranceEnd"}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_what_stands_in_the_url() -> None:
    request = codec_of(SttOptions(language="nl", audio=PCM16_16K), model="nova-2").request()
    url = urlsplit(request.url)
    assert (url.scheme, url.netloc, url.path) == ("wss", "api.deepgram.com", "/v1/listen")
    assert parse_qs(url.query) == {
        "model": ["nova-2"],
        "language": ["nl"],
        "punctuate": ["true"],
        "encoding": ["linear16"],
        "sample_rate": ["16000"],
        "interim_results": ["true"],
        "endpointing": ["500"],
        "utterance_end_ms": ["1000"],
    }
    assert request.headers == {"Authorization": "Token the-key"}
    assert "the-key" not in request.url


def test_endpoints_as_they_are_asked_for() -> None:
    for delay_ms in (0, 900):
        request = codec_of(SttOptions(endpointing_ms=delay_ms)).request()
        assert parse_qs(urlsplit(request.url).query)["endpointing"] == [str(delay_ms)]
    codec = codec_of(SttOptions(endpointing=False))
    none = parse_qs(urlsplit(codec.request().url).query)
    assert none["endpointing"] == ["false"]
    assert "utterance_end_ms" not in none
    assert kinds(codec, result(1, "yes", speech_final=True)) == ["Heard"]


def test_the_end_of_an_utterance_that_is_over_is_not_that_of_the_next() -> None:
    codec = codec_of()
    codec.decode(result(2, "yes", speech_final=True))
    codec.decode(result(3, "but", start_s=2))
    assert kinds(codec, '{"type":"UtteranceEnd","last_word_end":2.0}') == []
    assert kinds(codec, '{"type":"UtteranceEnd","last_word_end":-1}') == []
    assert kinds(codec, '{"type":"UtteranceEnd","last_word_end":3.0}') == ["Endpoint"]


def test_what_is_asked_for_is_answered() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    assert codec.finalize() == '{"type":"Finalize"}'
    # It has finalized less than it was sent; and that it is an end is our own decision.
    answer = result(0.8, "yes", from_finalize=True, speech_final=True)
    assert kinds(codec, answer) == ["Heard", "Finalized"]
    assert codec.silence_s is None


def test_results_that_come_by_themselves_are_an_answer_too() -> None:
    codec = codec_of()
    for _ in range(2):
        codec.audio(SECOND)
        codec.finalize()
    assert kinds(codec, result(0.9, "yes", speech_final=True)) == ["Heard", "Endpoint"]
    assert kinds(codec, result(2, "no", start_s=0.9)) == ["Heard", "Finalized", "Finalized"]


def test_a_late_answer_is_not_the_next_one_s() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.finalize()
    assert codec.unanswered() == [Finalized()]
    codec.audio(2 * SECOND)
    codec.finalize()
    assert kinds(codec, result(1, "yes", from_finalize=True)) == ["Heard"]
    assert kinds(codec, result(3, start_s=1, from_finalize=True)) == ["Heard", "Finalized"]


def test_what_was_not_listened_to_is_not_answered() -> None:
    codec = codec_of()
    codec.audio(3 * SECOND)
    codec.finalize()
    assert codec.unanswered() == ()
    codec.decode(result(2.5, final=False))
    assert codec.unanswered() == [Finalized()]


def test_what_is_due_is_waited_for_while_audio_goes_on() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.decode(result(1, final=False))
    codec.audio(SECOND)
    codec.finalize()
    codec.audio(SECOND)
    # It is not far behind, but has told nothing of the last second of the utterance.
    assert codec.unanswered() == ()
    codec.decode(result(1.6, "yes", final=False))
    assert codec.unanswered() == [Finalized()]


def test_a_gap_is_no_shorter_than_the_silence_that_is_asked_for() -> None:
    for delay_ms, gap_ms in ((300, "1000"), (2_000, "2000")):
        url = urlsplit(codec_of(SttOptions(audio=ULAW_8K, endpointing_ms=delay_ms)).request().url)
        assert parse_qs(url.query)["utterance_end_ms"] == [gap_ms]


def test_nothing_is_asked_when_all_is_final() -> None:
    codec = codec_of()
    assert codec.finalize() is None
    codec.audio(SECOND)
    codec.decode(result(1, "yes"))
    assert codec.finalize() is None
    codec.audio(SECOND)
    assert codec.finalize() is not None
    assert codec.finalize() is not None  # since the one before is not answered


def test_silence_is_an_answer_unless_words_are_open() -> None:
    codec = codec_of()
    assert codec.silence_s is None
    codec.audio(SECOND)
    codec.finalize()
    assert codec.silence_s == 1.0
    codec.decode(result(1, "yes", final=False))
    assert codec.silence_s is None
    codec.decode(result(1, final=False))
    assert codec.silence_s == 1.0


def test_that_nothing_was_found_long_after_it_is_an_answer() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.finalize()
    assert kinds(codec, result(1.4, final=False)) == ["Heard"]
    assert kinds(codec, result(1.6, "yes", final=False)) == ["Heard"]
    assert kinds(codec, result(1.8, final=False)) == ["Heard", "Finalized"]


def test_what_is_said_later() -> None:
    codec = codec_of()
    assert list(codec.opening()) == []
    silence = codec.keepalive()
    assert silence == ULAW_8K.silence(100)
    assert codec.audio(SECOND) == SECOND
    assert codec.keepalive() == '{"type":"KeepAlive"}'
    # Times are the stream's, not the connection's, which began with silence.
    (heard,) = codec.decode(result(1.1, "yes", start_s=0.1))
    assert heard == Heard([Token(" yes", 0, 1000)], processed_ms=1000)
    assert codec.closing() == '{"type":"CloseStream"}'


def test_what_it_tells_only_at_the_end_is_the_end() -> None:
    codec = codec_of()
    assert kinds(codec, '{"type":"Metadata"}') == []
    codec.closing()
    assert kinds(codec, '{"type":"Metadata"}') == ["Finished"]


def failed(events: Sequence[object]) -> Failed:
    assert len(events) == 1
    event = events[0]
    assert isinstance(event, Failed)
    return event


def test_what_goes_wrong() -> None:
    codec = codec_of()
    message = '{"type":"Error","variant":"DATA-0000","description":"odd","message":"odd"}'
    assert isinstance(failed(codec.decode(message)).error, ApiError)
    assert isinstance(failed(codec.closed(Close(1011, "NET-0001"))).error, UnavailableError)
    assert codec.closed(Close(1000)) == []
    assert isinstance(codec.refused(402, {}, b""), QuotaError)
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        codec_of(SttOptions(language="tlh"))
