from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import ULAW_8K
from providers.codec import BROKEN, Close, Failed, Reply
from providers.errors import (
    InvalidResponseError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.stt.cartesia_turns import CartesiaTurnsCodec, CartesiaTurnsRecognizer
from providers.stt.heard import Endpoint, Finalized, Finished, Heard, Token
from providers.types import SttOptions
from tests.providers.recorded import recorded

SECOND = ULAW_8K.silence(1_000)
ULAW = SttOptions(audio=ULAW_8K)
CLOSE = '{"type":"close"}'
HURRY, USUAL = (f'{{"type":"config","turn":{{"end_timeout_ms":{ms}}}}}' for ms in (640, 5_600))
START = '{"type":"turn.start"}'


def codec_of(options: SttOptions = ULAW, *, seconds: int = 0) -> CartesiaTurnsCodec:
    """One that was given some audio."""
    codec = CartesiaTurnsRecognizer(api_key="the-key").codec(options)
    for _ in range(seconds):
        codec.audio(SECOND)
    return codec


def query(options: SttOptions) -> dict[str, list[str]]:
    url = urlsplit(codec_of(options).request().url)
    assert (url.netloc, url.path) == ("api.cartesia.ai", "/stt/turns/websocket")
    return parse_qs(url.query)


def told(kind: str, transcript: str) -> str:
    return orjson.dumps({"type": f"turn.{kind}", "transcript": transcript}).decode()


def said(events: Sequence[object]) -> list[str]:
    return [token.text for e in events if isinstance(e, Heard) for token in e.final]


def test_a_conversation() -> None:
    codec = codec_of(seconds=2)
    heard = [event for message in recorded("cartesia_turns") for event in codec.decode(message)]
    assert heard == [
        Heard(),
        Heard(interim=(Token(" Yes,", 1_500, 1_750), Token(" I", 1_750, 2_000))),
        Heard(
            final=(
                Token(" Yes,", 1_500, 1_667),
                Token(" I", 1_667, 1_833),
                Token(" can.", 1_833, 2_000),
            )
        ),
        Endpoint(),
    ]


def test_what_is_in_the_handshake() -> None:
    assert codec_of().request().headers["Authorization"] == "Bearer the-key"
    assert codec_of().opening() == ()
    assert query(ULAW) == {
        "model": ["ink-2"],
        "encoding": ["pcm_mulaw"],
        "sample_rate": ["8000"],
    }
    options = SttOptions(audio=ULAW_8K, model="ink-3", key_terms=("a",), endpointing_ms=700)
    assert query(options) == {
        "model": ["ink-3"],
        "encoding": ["pcm_mulaw"],
        "sample_rate": ["8000"],
        "keyterm": ["a"],
        "turn_end_timeout_ms": ["700"],
    }


def test_what_is_honoured() -> None:
    vendor = CartesiaTurnsRecognizer(api_key="k")
    with pytest.raises(UnsupportedLanguageError):
        vendor.codec(SttOptions(language="de"))
    for delay_ms in (639, 11_201):
        with pytest.raises(UnsupportedError, match="640 to 11200"):
            vendor.codec(SttOptions(endpointing_ms=delay_ms))
    assert "key_terms" not in vendor.honours(SttOptions(key_terms=("x" * 1_201,)))


def test_without_endpointing_no_end_is_told() -> None:
    codec = codec_of(SttOptions(audio=ULAW_8K, endpointing=False), seconds=1)
    assert [type(event) for event in codec.decode(told("end", "a"))] == [Heard]


def test_a_turn_is_ended_soon() -> None:
    codec = codec_of(seconds=2)
    codec.decode(START)
    assert (codec.finalize(), codec.silence_s) == (HURRY, 1.5)
    assert codec.finalize() == HURRY
    first = codec.decode(told("end", "yes"))
    assert (said(first), first[1:]) == ([" yes"], [Finalized()])
    second = codec.decode(told("end", ""))
    # Then turns may take their time again.
    assert second[1:] == [Finalized(), Reply(USUAL)]
    # Right after it there is nothing to finalize.
    codec.audio(ULAW_8K.silence(200))
    assert codec.finalize() is None
    codec.audio(ULAW_8K.silence(200))
    assert codec.finalize() == HURRY
    patient = codec_of(SttOptions(audio=ULAW_8K, endpointing_ms=3_000), seconds=1)
    patient.finalize()
    (*_, reply) = patient.decode(told("end", "no"))
    assert reply == Reply('{"type":"config","turn":{"end_timeout_ms":3000}}')


def test_a_connection_is_closed_to_tell_what_was_said() -> None:
    codec = codec_of(seconds=2)
    codec.finalize()
    assert codec.unanswered() == [Reply(CLOSE)]
    assert not codec.ready
    assert (codec.silence_s, codec.lasts_s) == (None, 0.0)
    codec.decode(told("update", "so it"))
    rest, answer = codec.closed(Close(1000))
    assert (said([rest]), answer) == ([" so", " it"], Finalized(all_heard=True))
    # A turn that is told of in time is waited for somewhat longer.
    codec = codec_of(seconds=2)
    codec.finalize()
    codec.decode(START)
    assert codec.silence_s == 1.5
    # No audio has come since then: some silence is what it takes, if anything does.
    assert codec.unanswered() == [Reply(ULAW_8K.silence(740))]
    assert codec.unanswered() == [Reply(CLOSE)]


def test_closing_tells_the_rest() -> None:
    codec = codec_of(seconds=2)
    codec.decode(told("update", "yes"))
    assert codec.closed(Close(1000)) == ()
    assert codec.closing() == CLOSE
    # In another way it is closed for another reason, and the rest is still to be told.
    assert [codec.closed(Close(code)) for code in (BROKEN, 1001, 1011, 1013)] == [()] * 4
    assert codec.closed(Close(None))[1:] == [Finished()]
    rest, end = codec.closed(Close(1000))
    assert (said([rest]), end) == ([" yes"], Finished())


def test_turns_follow_one_another() -> None:
    codec = codec_of(seconds=1)
    codec.decode(told("end", "one"))
    codec.audio(ULAW_8K.silence(100))
    (heard,) = codec.decode(told("update", "two"))
    assert isinstance(heard, Heard)
    # Not before the one that is over.
    assert [(token.start_ms, token.end_ms) for token in heard.interim] == [(1_000, 1_100)]


def test_a_turn_ends_where_its_last_word_was_told() -> None:
    """What was sent since then may still be on its way: it is not done with the turn."""
    codec = codec_of(seconds=2)
    codec.decode(told("update", "yes"))
    codec.audio(SECOND)
    codec.decode(told("update", "yes"))
    (heard, _) = codec.decode(told("end", "Yes."))
    assert heard == Heard(final=(Token(" Yes.", 1_500, 2_000),))
    # Another word in the end was sent by then, too.
    codec.audio(SECOND)
    codec.decode(told("update", "no"))
    codec.audio(SECOND)
    (heard, _) = codec.decode(told("end", "no thanks"))
    assert isinstance(heard, Heard)
    assert heard.final[-1].end_ms == 5_000


def test_silence_that_is_put_in_is_no_part_of_the_stream() -> None:
    codec = codec_of(seconds=1)
    assert codec.keepalive() == ULAW_8K.silence(100)
    (heard,) = codec.decode(told("update", "a"))
    assert isinstance(heard, Heard)
    assert heard.interim[0].end_ms == 1_000


def test_what_goes_wrong() -> None:
    codec = codec_of()
    (failed,) = codec.decode('{"type":"error","status_code":503,"message":"no"}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    assert failed.error.provider == "cartesia-turns"
    assert isinstance(codec.refused(429, {}, b""), RateLimitError)


@pytest.mark.parametrize(
    "message", ["no JSON", '{"type":"turn.end"}', '{"type":"turn.update","transcript":7}']
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)
