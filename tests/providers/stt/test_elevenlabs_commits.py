"""What Scribe answers to which commit, when its answers are late, out of order, or missing."""

from __future__ import annotations

from collections.abc import Sequence

from providers.codec import Failed
from providers.stt.elevenlabs import PAUSE_COMMIT_MS, ElevenLabsSttCodec
from providers.stt.heard import Finalized, Finished, Heard, HeardEvent, Token

from .test_elevenlabs import QUIET, SPOKEN, committed, new_codec, partial, untimed

SECOND = SPOKEN * 10


def speaking(*utterances: int) -> ElevenLabsSttCodec:
    """A codec that was sent so many seconds of each utterance, and told to finalize it."""
    codec = new_codec()
    for seconds in utterances:
        codec.audio(SECOND * seconds)
        codec.finalize()
    return codec


def said(events: Sequence[HeardEvent | Failed]) -> list[str]:
    """The words that are final, and `.` for each answer."""
    words = []
    for event in events:
        if isinstance(event, Heard):
            words += [token.text.strip() for token in event.final]
        else:
            words.append("." if isinstance(event, Finalized) else type(event).__name__)
    return words


def test_words_that_do_not_come_are_given_without_times() -> None:
    codec = new_codec()
    for text, end_ms in (("one", 1_000), ("two", 2_000), ("two", 3_000)):
        codec.audio(SECOND)
        codec.finalize()
        assert codec.silence_s is None
        token = Token(f" {text}", end_ms - 500, end_ms)
        assert codec.decode(untimed(text)) == [Heard(interim=(token,))]
        assert codec.silence_s == 0.5
        assert codec.unanswered() == [Heard(final=(token,), processed_ms=end_ms), Finalized()]
        assert codec.unanswered() == []
    # They come after all.
    assert codec.decode(committed("two", ("two", 2.1, 2.2))) == []
    codec.audio(SECOND)
    codec.finalize()
    codec.decode(untimed("three"))
    heard, finalized = codec.decode(committed("three", ("three", 3.1, 3.2)))
    assert isinstance(heard, Heard)
    assert (heard.final[0].start_ms, finalized) == (3_100, Finalized())
    assert codec.unanswered() == []


def test_the_words_may_come_before_the_text() -> None:
    codec = new_codec()
    for text in ("", "two", ""):
        codec.audio(SECOND)
        codec.finalize()
        assert said(codec.decode(committed(text)))[-1] == "."
        assert codec.decode(untimed(text)) == []
        assert codec.unanswered() == []


def test_no_text_is_lost_with_the_next_one() -> None:
    codec = new_codec()
    codec.audio(SECOND)
    for _ in range(PAUSE_COMMIT_MS // 100):
        codec.audio(QUIET)
    codec.decode(untimed("one"))
    codec.audio(SECOND)
    codec.finalize()
    # Who is not asked for an answer cannot be late: the next text tells that it is.
    assert said(codec.decode(untimed("two"))) == ["one"]
    assert said(codec.unanswered()) == ["two", "."]


def test_texts_may_come_before_the_times_of_both() -> None:
    codec = speaking(1, 1)
    assert said(codec.decode(untimed("one"))) == []
    assert said(codec.decode(untimed("two"))) == ["one", "."]
    assert said(codec.decode(committed("one", ("one", 0.1, 0.2)))) == []
    assert said(codec.decode(committed("two", ("two", 1.1, 1.2)))) == ["two", "."]
    codec.audio(SECOND)
    codec.finalize()
    codec.decode(untimed("three"))
    assert said(codec.unanswered()) == ["three", "."]


def test_times_that_come_after_the_next_text_answer_nothing() -> None:
    codec = speaking(1)
    codec.decode(untimed("Ja."))
    assert said(codec.unanswered()) == ["Ja.", "."]
    codec.audio(SECOND)
    codec.finalize()
    for text in ("Nein.", "Ja."):
        codec.decode(untimed(text))
        assert said(codec.decode(committed("Ja.", ("Ja.", 0.1, 0.4)))) == []
        assert said(codec.decode(committed(text, (text, 1.1, 1.4)))) == [text, "."]
        codec.audio(SECOND)
        codec.finalize()


def test_an_answer_that_comes_twice_is_one() -> None:
    codec = speaking(1)
    assert said(codec.decode(committed("Ja.", ("Ja.", 0.1, 0.4)))) == ["Ja.", "."]
    assert said(codec.decode(committed("Ja.", ("Ja.", 0.1, 0.4)))) == []


def test_late_times_of_silence_answer_nothing() -> None:
    codec = speaking(1)
    codec.decode(untimed(""))
    assert said(codec.unanswered()) == ["."]
    codec.audio(SECOND)
    codec.finalize()
    assert codec.decode(committed("")) == []
    codec.decode(untimed("Ja."))
    assert said(codec.decode(committed("Ja."))) == ["Ja.", "."]


def test_times_of_a_text_that_is_written_in_another_way() -> None:
    codec = speaking(1, 1)
    codec.decode(untimed("twenty"))
    assert said(codec.decode(committed("20", ("20", 0.1, 0.4)))) == ["20", "."]
    # What ends later is of the next commit, and the text before is as good as it gets.
    codec.decode(untimed("thirty"))
    codec.audio(SECOND)
    codec.finalize()
    assert said(codec.decode(committed("40", ("40", 2.1, 2.4)))) == ["thirty", ".", "40", "."]


def test_what_the_vendor_commits_by_itself_may_have_no_times_either() -> None:
    codec = new_codec()
    codec.audio(SECOND)
    assert said(codec.decode(untimed("one"))) == []
    assert said(codec.decode(committed("one", ("one", 0.1, 0.2)))) == ["one"]
    codec.audio(SECOND)
    codec.decode(untimed("two"))
    assert said(codec.unanswered()) == ["two"]


def test_the_last_text_may_be_without_times() -> None:
    codec = new_codec()
    codec.audio(SECOND)
    codec.closing()
    codec.decode(untimed("Bye."))
    assert codec.unanswered()[-1] == Finished()


def test_a_text_is_shown_until_its_times_come() -> None:
    codec = speaking(1)
    codec.decode(untimed("one"))
    codec.audio(SECOND)
    (heard,) = codec.decode(partial("two"))
    assert isinstance(heard, Heard)
    assert [token.text for token in heard.interim] == [" one", " two"]
    (heard,) = codec.decode(partial(""))
    assert isinstance(heard, Heard)
    assert [token.text for token in heard.interim] == [" one"]


def test_a_commit_that_is_refused_answers_no_other() -> None:
    codec = speaking(1, 0)
    codec.decode(untimed("one"))
    throttled = '{"message_type":"commit_throttled","error":"only 0.01s of uncommitted audio"}'
    assert said(codec.decode(throttled)) == ["one", ".", "."]
    assert codec.decode(throttled) == []
