from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import ULAW_8K
from providers.codec import Close, Failed, Reply
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.stt.deepgram_flux import FluxCodec, FluxRecognizer
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Ready, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
FORCE = '{"type":"ForceEndTurn"}'


def codec_of(options: SttOptions | None = None, **account: str) -> FluxCodec:
    options = options or SttOptions(audio=ULAW_8K)
    return FluxRecognizer(api_key="the-key", **account).codec(options)


def query(options: SttOptions, **account: str) -> dict[str, list[str]]:
    url = urlsplit(codec_of(options, **account).request().url)
    assert (url.scheme, url.netloc, url.path) == ("wss", "api.deepgram.com", "/v2/listen")
    return parse_qs(url.query)


def info(event: str, end_s: float, *words: str, trigger: str | None = None) -> str:
    """A message about a turn, whose words come without times."""
    message = {
        "type": "TurnInfo",
        "event": event,
        "audio_window_start": 0.0,
        "audio_window_end": end_s,
        "transcript": " ".join(words),
        "words": [{"word": word, "confidence": 0.9} for word in words],
        "trigger": trigger,
    }
    return orjson.dumps(message).decode()


def kinds(codec: FluxCodec, message: str) -> list[str]:
    return [type(event).__name__ for event in codec.decode(message)]


def words(events: object) -> list[str]:
    return [t.text for e in events if isinstance(e, Heard) for t in e.final]  # type: ignore[attr-defined]


def test_a_conversation() -> None:
    codec = codec_of()
    codec.audio(2 * SECOND)
    assert not codec.ready
    heard = [event for message in recorded("deepgram_flux") for event in codec.decode(message)]
    assert codec.ready
    assert heard == [
        Ready(),
        Heard(interim=[], processed_ms=240),
        Heard(interim=[Token(" Yes", 400, 640, 0.91)], processed_ms=720),
        Heard(
            interim=[
                Token(" Yes,", 400, 640, 0.96, None, "en"),
                Token(" I", 800, 880, 0.9, None, "en"),
            ],
            processed_ms=960,
        ),
        Heard(
            [
                Token(" Yes,", 400, 640, 0.98),
                Token(" I", 800, 880, 0.99),
                Token(" can.", 960, 1280, 0.97),
            ],
            processed_ms=1600,
        ),
        Endpoint(),
        Heard(interim=[], processed_ms=1840),
    ]


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"type":"TurnInfo"}',
        '{"type":"TurnInfo","event":"Update","audio_window_end":1,"words":7}',
        '{"type":"TurnInfo","event":"Update","audio_window_end":1,"words":[7]}',
        '{"type":"TurnInfo","event":"Update","audio_window_end":1,"words":[{"word":"a"}]}',
        '{"type":"TurnInfo","audio_window_end":1,"words":[]}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_what_stands_in_the_url() -> None:
    assert query(SttOptions(audio=ULAW_8K)) == {
        "model": ["flux-general-en"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
    }
    options = SttOptions(
        language="de-DE",
        languages=("en", "de"),
        profanity_filter=True,
        key_terms=("Parley", "a bill"),
        endpointing_ms=2_000,
    )
    assert query(options) == {
        "model": ["flux-general-multi"],
        "encoding": ["linear16"],
        "sample_rate": ["16000"],
        "language_hint": ["de", "en"],
        "eot_timeout_ms": ["2000"],
        "profanity_filter": ["true"],
        "keyterm": ["Parley", "a bill"],
    }
    assert codec_of().request().headers == {"Authorization": "Token the-key"}


def test_which_model_understands_which_language() -> None:
    assert query(SttOptions(language="auto"))["model"] == ["flux-general-multi"]
    assert "language_hint" not in query(SttOptions(language="auto"))
    assert query(SttOptions(language="fr"), language="multi")["model"] == ["flux-general-multi"]
    hinted = query(SttOptions(language="fr", languages=("auto",)), language="es")
    assert hinted["language_hint"] == ["es"]
    assert query(SttOptions(model="flux-9"))["model"] == ["flux-9"]
    for options, model in [
        (SttOptions(language="sv"), None),
        (SttOptions(language="fr"), "flux-general-en"),
        (SttOptions(language="auto"), "flux-general-en"),
    ]:
        with pytest.raises(UnsupportedLanguageError):
            query(options, **({} if model is None else {"flux_model": model}))


def test_endpoints_as_they_are_asked_for() -> None:
    none = SttOptions(endpointing=False)
    assert query(none)["eot_threshold"] == ["1.0"]
    assert query(none)["eot_timeout_ms"] == ["60000"]
    assert kinds(codec_of(none), info("EndOfTurn", 1, "yes", trigger="timeout")) == ["Heard"]
    with pytest.raises(UnsupportedError, match="500 to 60000"):
        query(SttOptions(endpointing_ms=100))


def test_words_without_times_share_that_of_their_turn() -> None:
    codec = codec_of()
    # The window has begun with the silence before.
    codec.decode(info("Update", 20.0))
    codec.decode(info("StartOfTurn", 20.5, "yes"))
    (heard,) = codec.decode(info("Update", 21.0, "yes", "no"))
    words = [Token(" yes", 20_000, 20_500, 0.9), Token(" no", 20_500, 21_000, 0.9)]
    assert heard == Heard(interim=words, processed_ms=21_000)
    (heard, *_) = codec.decode(info("EndOfTurn", 21.0, "yes", "no"))
    assert heard == Heard(final=words, processed_ms=21_000)


def test_a_turn_is_ended_when_that_is_asked_for() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.decode(info("StartOfTurn", 0.8, "yes"))
    assert codec.finalize() == FORCE
    assert codec.silence_s is None
    assert kinds(codec, info("EndOfTurn", 0.8, "yes", trigger="manual")) == ["Heard", "Finalized"]
    assert codec.finalize() == FORCE  # there are 0.2 s that it has not listened to
    assert codec.finalize() == FORCE  # since the one before is not answered
    assert kinds(codec, info("Update", 1.0)) == ["Heard"]  # a word of it may be told later
    assert kinds(codec, info("Update", 1.28)) == ["Heard", "Finalized", "Finalized"]
    assert codec.finalize() is None


def test_the_model_may_have_been_quicker() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.decode(info("StartOfTurn", 0.5, "yes"))
    codec.finalize()
    # This end is of what came before: what is asked for is the rest.
    early = info("EndOfTurn", 0.6, "yes", trigger="model")
    assert kinds(codec, early) == ["Heard", "Endpoint"]
    assert codec.silence_s == 1.0
    assert kinds(codec, info("Update", 1.28)) == ["Heard", "Finalized"]
    codec.audio(SECOND)
    codec.decode(info("StartOfTurn", 1.5, "no"))
    codec.finalize()
    # And this is the one that is asked for.
    assert kinds(codec, info("EndOfTurn", 2.0, "no", trigger="model")) == ["Heard", "Finalized"]


def test_a_turn_that_began_in_audio_not_yet_heard_is_ended_too() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.finalize()
    assert codec.silence_s == 1.0
    assert kinds(codec, info("StartOfTurn", 0.8, "yes")) == ["Heard"]
    _, reply = codec.decode(info("Update", 1.0, "yes"))
    assert reply == Reply(FORCE)
    assert kinds(codec, info("Update", 1.2, "yes")) == ["Heard"]
    assert kinds(codec, info("EndOfTurn", 1.2, "yes", trigger="manual")) == ["Heard", "Finalized"]


def test_silence_means_that_there_was_no_turn() -> None:
    codec = codec_of()
    codec.audio(SECOND)
    codec.finalize()
    assert codec.unanswered() == ()  # it has not listened to it
    codec.decode(info("Update", 0.8))
    assert codec.unanswered() == [Finalized()]
    assert codec.silence_s is None


def test_what_is_said_later() -> None:
    codec = codec_of()
    assert list(codec.opening()) == []
    assert codec.keepalive() == ULAW_8K.silence(80)
    assert codec.audio(SECOND) == SECOND
    (heard,) = codec.decode(info("Update", 1.08, "yes"))
    assert heard == Heard(interim=[Token(" yes", 500, 1000, 0.9)], processed_ms=1000)
    assert codec.closing() == '{"type":"CloseStream"}'


def closed(code: int | None, heard_s: float) -> list[HeardEvent | Failed]:
    """What the end of a connection means on which a second was sent, and so much was heard."""
    codec = codec_of()
    codec.audio(SECOND)
    codec.closing()
    codec.decode(info("Update", heard_s, "yes"))
    return list(codec.closed(Close(code)))


def test_the_last_text_is_final_when_all_was_heard() -> None:
    # It closes without a code. Where it does not, what was heard tells.
    for code, heard_s in [(None, 0.2), (1000, 0.8), (1006, 1.0)]:
        heard, finished = closed(code, heard_s)
        assert (words([heard]), finished) == ([" yes"], Finished())
    assert closed(1000, 0.2) == closed(1006, 0.2) == []
    assert codec_of().closed(Close(None)) == []


def test_what_goes_wrong() -> None:
    codec = codec_of()
    message = '{"type":"Error","code":"UNPARSABLE_CLIENT_MESSAGE","description":"odd"}'
    (failed,) = codec.decode(message)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ApiError)
    (failed,) = codec.closed(Close(1011, "NET-0001"))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    assert isinstance(codec.refused(401, {}, b""), AuthenticationError)
