from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K, AudioFormat, Encoding
from providers.azure_marks import Marks
from providers.azure_usp import UspMessage, json_message, read_usp
from providers.codec import Close, Failed, Frame, Reply
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.stt.azure import AzureRecognizer, AzureSttCodec
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, Restarted, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
FIRST, SECOND_TURN = "0123456789abcdef0123456789abcdef", "1" * 32
NOW = "2026-11-22T05:47:55.239Z"
CONNECTION = "c" * 32


class Counted(Marks):
    """Ids of turns that are known before, then one for the connection; no time passes."""

    def __init__(self) -> None:
        self._ids = iter((FIRST, CONNECTION, SECOND_TURN))

    def new_id(self) -> str:
        return next(self._ids)

    def now(self) -> str:
        return NOW


def codec_of(asked: SttOptions | None = None) -> AzureSttCodec:
    vendor = AzureRecognizer(marks=Counted(), speech_key="the-key", speech_region="westeurope")
    codec = vendor.codec(asked or SttOptions(audio=ULAW_8K))
    assert codec.request().headers["X-ConnectionId"] == CONNECTION
    return codec


def query_of(options: SttOptions, **account: Any) -> dict[str, list[str]]:
    vendor = AzureRecognizer(speech_key="k", speech_region="westus", **account)
    return parse_qs(urlsplit(vendor.codec(options).request().url).query)


def read(frame: Frame | None) -> UspMessage:
    assert frame is not None
    return read_usp("azure", frame)


def told(path: str, turn: str = FIRST, **body: Any) -> str:
    return json_message(path, body, NOW, turn)


def phrase(status: str, from_ms: int, to_ms: int, text: str = "", turn: str = FIRST) -> str:
    times = {"Offset": from_ms * 10_000, "Duration": (to_ms - from_ms) * 10_000}
    return told("speech.phrase", turn, RecognitionStatus=status, DisplayText=text, **times)


def bodies(events: Sequence[object]) -> list[UspMessage]:
    """What is answered at once."""
    return [read(event.frame) for event in events if isinstance(event, Reply)]


def kinds(events: Sequence[object]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_an_account_is_needed() -> None:
    with pytest.raises(MissingKeyError):
        AzureRecognizer()


def test_the_key_goes_into_the_handshake_and_nowhere_else() -> None:
    request = AzureRecognizer(speech_key="the-key", speech_region="eastus").codec(SttOptions())
    asked = request.request()
    assert asked.headers["Ocp-Apim-Subscription-Key"] == "the-key"
    assert "the-key" not in asked.url + repr(asked)
    assert asked.url.startswith(
        "wss://eastus.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1?"
    )


def test_what_is_asked_for_stands_in_the_address() -> None:
    assert query_of(SttOptions()) == {
        "language": ["en-US"],
        "format": ["detailed"],
        "wordLevelTimestamps": ["true"],
        "profanity": ["raw"],
    }
    asked = query_of(SttOptions(language="de", languages=("en-GB",), profanity_filter=True))
    assert asked["language"] == ["de-DE"]
    assert asked["lidEnabled"] == ["de-DE,en-GB"]
    assert asked["profanity"] == ["masked"]


def test_a_custom_model_is_an_endpoint() -> None:
    assert query_of(SttOptions(), stt_endpoint_id="one")["cid"] == ["one"]
    assert query_of(SttOptions(model="two"), stt_endpoint_id="one")["cid"] == ["two"]


def test_a_connection_begins_with_a_turn() -> None:
    config, context, header = map(read, codec_of().opening())
    assert (config.path, config.request_id) == ("speech.config", "")
    assert (context.path, context.request_id) == ("speech.context", FIRST)
    assert (header.path, header.request_id, header.headers["x-streamid"]) == ("audio", FIRST, "1")
    assert header.headers["content-type"] == "audio/x-wav"
    assert {m.headers["x-timestamp"] for m in (config, context, header)} == {NOW}
    assert len(header.body) == 44


def test_audio_goes_as_it_is() -> None:
    sent = read(codec_of().audio(b"\x7f" * 160))
    assert (sent.path, sent.body, sent.headers["x-streamid"]) == ("audio", b"\x7f" * 160, "1")
    assert "content-type" not in sent.headers


def test_a_turn() -> None:
    codec = codec_of()
    codec.opening()
    codec.audio(10 * SECOND)
    events = [e for line in recorded("azure_stt") for e in codec.decode(orjson.loads(line))]
    assert events[:6] == [
        Heard(interim=(Token(" hello", 400, 900),)),
        Heard(
            interim=(Token(" hello", 400, 800), Token(" at", 800, 1200), Token(" two", 1200, 1600))
        ),
        Heard(
            [
                Token(" Hello,", 400, 900, 0.91, language="en-US"),
                Token(" at", 1000, 1200, 0.91, language="en-US"),
                Token(" 2:40.", 1300, 2300, 0.91, language="en-US"),
            ],
            processed_ms=2300,
        ),
        Endpoint(),
        Heard(processed_ms=3500),
        Heard(processed_ms=9000),
    ]
    context, header = bodies(events)
    assert (context.path, context.request_id) == ("speech.context", SECOND_TURN)
    assert (header.path, header.request_id, header.headers["x-streamid"]) == (
        *("audio", SECOND_TURN),
        "2",
    )
    assert events[-1] == Restarted(8_000)
    assert codec.ready


def test_the_end_of_a_turn_makes_all_final() -> None:
    codec = codec_of()
    assert codec.finalize() is None
    codec.audio(SECOND)
    end = read(codec.finalize())
    assert (end.path, end.request_id, end.body) == ("audio", FIRST, b"")
    assert (codec.ready, codec.keepalive_s) == (False, None)
    # What is told now is the answer, and no end of an utterance of its own.
    assert kinds(codec.decode(phrase("Success", 100, 300, "Hello."))) == ["Heard"]
    assert kinds(codec.decode(phrase("EndOfDictation", 1_000, 1_000))) == ["Heard"]
    events = codec.decode(told("turn.end"))
    assert kinds(events) == ["Finalized", "Reply", "Reply", "Restarted"]
    assert events[0] == Finalized(all_heard=True)
    assert [codec.ready, codec.keepalive_s] == [True, 10.0]
    assert codec.finalize() is None
    assert codec.unanswered() == ()
    assert codec.silence_s is None


def test_the_last_turn_s_end_is_that_of_all() -> None:
    codec = codec_of()
    assert read(codec.closing()).body == b""
    assert codec.decode(told("turn.end")) == [Finished()]


@pytest.mark.parametrize("closing", [False, True])
def test_a_turn_that_the_service_ends_answers_nothing(closing: bool) -> None:
    codec = codec_of()
    codec.audio(20 * SECOND)
    (heard,) = codec.decode(phrase("InitialSilenceTimeout", 15_000, 15_000))
    assert heard == Heard(processed_ms=15_000)
    if closing:
        codec.closing()
    else:
        codec.finalize()
    # It had ended the turn before it was asked to: what it has not heard goes into the next one.
    events = codec.decode(told("turn.end"))
    assert kinds(events) == ["Reply", "Reply", "Restarted"]
    assert events[-1] == Restarted(14_000)
    codec.closing()
    assert codec.decode(told("turn.end", SECOND_TURN)) == [Finished()]


@pytest.mark.parametrize("told_ms", [3_000, 2_900, 0])
def test_the_end_of_a_turn_in_which_nothing_was_understood(told_ms: int) -> None:
    codec = codec_of()
    codec.audio(3 * SECOND)
    codec.finalize()
    codec.decode(phrase("InitialSilenceTimeout", told_ms, told_ms))
    assert codec.decode(told("turn.end"))[0] == Finalized(all_heard=True)


@pytest.mark.parametrize("end", ["speech.endDetected", "BabbleTimeout"])
def test_a_turn_that_the_service_ends_behind_words_answers_nothing(end: str) -> None:
    codec = codec_of()
    codec.audio(24 * SECOND)
    codec.decode(phrase("Success", 0, 1_000, "Hello."))
    codec.finalize()
    at = 21_000
    own = told(end, Offset=at * 10_000) if "." in end else phrase(end, at, at)
    codec.decode(own)
    assert codec.decode(told("turn.end"))[-1] == Restarted(20_000)


def test_the_end_of_speech_is_no_end_of_its_own() -> None:
    codec = codec_of()
    codec.audio(3 * SECOND)
    codec.finalize()
    codec.decode(phrase("Success", 0, 1_000, "Hello."))
    codec.decode(told("speech.endDetected", Offset=1_500 * 10_000))
    assert kinds(codec.decode(told("turn.end")))[0] == "Finalized"


def test_a_silence_that_ends_no_turn_is_behind_the_end_that_we_make() -> None:
    codec = codec_of()
    codec.audio(15 * SECOND)
    codec.decode(phrase("InitialSilenceTimeout", 0, 15_000))
    codec.audio(6 * SECOND)
    codec.finalize()
    codec.decode(phrase("EndOfDictation", 21_000, 21_000))
    assert kinds(codec.decode(told("turn.end")))[0] == "Finalized"


def test_a_silence_that_ends_no_turn_is_forgotten_with_the_next_words() -> None:
    codec = codec_of()
    codec.audio(20 * SECOND)
    codec.decode(phrase("InitialSilenceTimeout", 15_000, 15_000))
    codec.decode(phrase("Success", 16_000, 17_000, "Hello."))
    codec.finalize()
    assert kinds(codec.decode(told("turn.end")))[0] == "Finalized"


def test_a_service_that_ends_turns_of_which_it_says_nothing_is_down() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    (failed,) = codec.decode(told("turn.end"))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)


def test_an_utterance_that_is_cut_while_one_speaks_on_has_no_end() -> None:
    codec = codec_of()
    codec.audio(3 * SECOND)
    assert kinds(codec.decode(phrase("Success", 0, 2_900, "And so on and"))) == ["Heard"]
    codec.audio(SECOND)
    assert kinds(codec.decode(phrase("Success", 2_900, 3_400, "on."))) == ["Heard", "Endpoint"]


@pytest.mark.parametrize("end_ms", [28_600, 30_000])
def test_a_long_utterance_that_is_cut_has_no_end_though_the_service_is_late(end_ms: int) -> None:
    codec = codec_of()
    codec.audio(31 * SECOND)
    assert kinds(codec.decode(phrase("Success", 0, end_ms, "And so on and"))) == ["Heard"]
    codec.audio(2 * SECOND)
    assert kinds(codec.decode(phrase("Success", end_ms, 31_500, "on."))) == ["Heard", "Endpoint"]


def test_ends_of_utterances_need_not_be_told() -> None:
    codec = codec_of(SttOptions(audio=ULAW_8K, endpointing=False))
    codec.audio(3 * SECOND)
    assert kinds(codec.decode(phrase("Success", 0, 1_000, "Hello."))) == ["Heard"]


def test_words_may_be_none() -> None:
    codec = codec_of()
    codec.audio(3 * SECOND)
    assert codec.decode(phrase("Success", 500, 1_000)) == [Heard([], processed_ms=1_000)]


def test_silence_that_keeps_it_open_is_no_part_of_the_stream() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    assert read(codec.keepalive()).body == ULAW_8K.silence(100)
    codec.audio(SECOND)
    (heard, _) = codec.decode(phrase("Success", 900, 1_400, "Hello."))
    assert isinstance(heard, Heard)
    assert [(token.start_ms, token.end_ms) for token in heard.final] == [(900, 1_300)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Error", UnavailableError),
        ("TooManyRequests", RateLimitError),
        ("BadRequest", ApiError),
        ("Forbidden", QuotaError),
    ],
)
def test_a_result_may_be_an_error(status: str, kind: type[ProviderError]) -> None:
    (failed,) = codec_of().decode(phrase(status, 0, 0))
    assert isinstance(failed, Failed)
    assert type(failed.error) is kind
    assert failed.error.code == status


@pytest.mark.parametrize(
    "message",
    [
        "<html>",
        told("speech.phrase"),
        told("speech.phrase", RecognitionStatus="Success", Offset="x", Duration=1),
        told("speech.phrase", RecognitionStatus="Success", Offset=0, Duration=1, NBest=[3]),
        told("speech.hypothesis", Text=None, Offset=0, Duration=1),
        f"Path:speech.phrase\r\nX-RequestId:{FIRST}\r\n\r\n[]",
    ],
)
def test_what_cannot_be_read_is_refused(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_how_a_connection_ends() -> None:
    codec = codec_of()
    assert codec.closed(Close(1000)) == ()
    (failed,) = codec.closed(Close(1007, "Quota exceeded. Cid: "))
    assert isinstance(failed.error, RateLimitError)
    assert isinstance(codec.refused(401, {}, b""), AuthenticationError)


@pytest.mark.parametrize("language", ["qaa", "auto", "en-XX"])
def test_a_language_has_to_be_on_offer(language: str) -> None:
    with pytest.raises(UnsupportedLanguageError):
        codec_of(SttOptions(language=language))


@pytest.mark.parametrize("delay_ms", [99, 5_001])
def test_the_delay_of_endpoints_has_its_bounds(delay_ms: int) -> None:
    with pytest.raises(UnsupportedError):
        codec_of(SttOptions(endpointing_ms=delay_ms))


def test_languages_are_no_more_than_ten() -> None:
    many = ("de", "fr", "it", "nl", "es", "pt", "ja", "ko", "sv", "fi")
    with pytest.raises(UnsupportedError):
        codec_of(SttOptions(languages=many))
    codec_of(SttOptions(languages=many[:9]))


def test_words_that_are_left_out_are_not_honoured() -> None:
    vendor = AzureRecognizer(speech_key="k", speech_region="westus")
    many = tuple(f"term {n}" for n in range(501))
    assert "key_terms" in vendor.honours(SttOptions(key_terms=many[:500]))
    assert "key_terms" not in vendor.honours(SttOptions(key_terms=many))


@pytest.mark.parametrize(
    ("audio", "tag", "bits"),
    [(ULAW_8K, 7, 8), (PCM16_16K, 1, 16), (AudioFormat(Encoding.ALAW, 8_000), 6, 8)],
)
def test_the_first_message_says_what_the_audio_is_like(
    audio: AudioFormat, tag: int, bits: int
) -> None:
    config, _, header = map(read, codec_of(SttOptions(audio=audio)).opening())
    source = config.json("azure")["context"]["audio"]["source"]
    assert (source["samplerate"], source["bitspersample"]) == (str(audio.sample_rate_hz), str(bits))
    assert isinstance(header.body, bytes)
    assert header.body[20:22] == bytes((tag, 0))
