from __future__ import annotations

import math

from providers.stt.heard import Heard, Restarted, Token, Utterances
from providers.types import EndOfTurn, SttEvent, Transcript, Word


def token(text: str, start_ms: int, end_ms: int, confidence: float | None = None) -> Token:
    return Token(text, start_ms, end_ms, confidence)


def interim_of(events: list[SttEvent]) -> str:
    """The text of the one interim transcript that there is."""
    (transcript,) = events
    assert isinstance(transcript, Transcript)
    assert not transcript.final
    assert transcript.words == ()
    return transcript.text


def test_interim_tokens_replace_those_before_and_final_ones_stay() -> None:
    utterances = Utterances()
    assert interim_of(utterances.heard(Heard([], [token("Hel", 100, 200)]))) == "Hel"
    assert interim_of(utterances.heard(Heard([], [token("Hi", 100, 200)]))) == "Hi"
    assert utterances.heard(Heard([], [token("Hi", 100, 200)])) == []
    assert not utterances.pending
    final = [token("Hel", 100, 200), token("lo", 200, 300)]
    assert interim_of(utterances.heard(Heard(final, [token(" th", 320, 400)]))) == "Hello th"
    assert utterances.pending
    assert interim_of(utterances.heard(Heard())) == "Hello"
    assert utterances.heard(Heard()) == []


def test_an_utterance_is_its_words() -> None:
    utterances = Utterances()
    utterances.heard(Heard([Token("Hel", 100, 200, 0.8, "1", "en"), token("lo", 200, 300, 0.6)]))
    utterances.heard(Heard([token(",", 300, 310), token(" you", 350, 500), token("  ", 500, 510)]))
    transcript, end = utterances.endpoint()
    assert transcript == Transcript(
        text="Hello, you",
        final=True,
        start_ms=100,
        end_ms=510,
        confidence=0.7,
        words=(Word("Hello,", 100, 310, 0.6, "1"), Word("you", 350, 500)),
        language="en",
    )
    assert end == EndOfTurn(510)
    assert utterances.endpoint() == []
    assert utterances.take() == Transcript("", final=True)
    assert utterances.done_ms == 510


def test_what_was_answered_with_nothing_is_done_too() -> None:
    utterances = Utterances()
    assert utterances.take(400.0) == Transcript("", final=True)
    assert utterances.done_ms == 400
    utterances.heard(Heard([token("one", 450, 500)]))
    assert utterances.pending_since_ms == 450
    utterances.take(480.0)
    assert utterances.done_ms == 500
    assert utterances.pending_since_ms == math.inf


def test_more_may_be_done_than_the_words_end_at() -> None:
    utterances = Utterances()
    utterances.connected(1_000.0)
    utterances.heard(Heard([token("one", 0, 100)], final_ms=400))
    assert utterances.take().end_ms == 1_100
    assert utterances.done_ms == 1_400
    # Of a word that will be said anew nothing is done.
    utterances.heard(Heard([token(" two", 500, 600)], final_ms=900))
    utterances.lost()
    utterances.take()
    assert utterances.done_ms == 1_400


def test_what_is_not_final_may_have_to_do() -> None:
    utterances = Utterances()
    utterances.heard(Heard([token("one", 0, 100)], [token(" two", 100, 200)]))
    utterances.settle()
    assert utterances.take().text == "one two"
    utterances.settle()
    assert utterances.take().text == ""


def test_only_whole_words_outlive_a_connection() -> None:
    utterances = Utterances()
    utterances.heard(Heard([token("one", 0, 100), token(" t", 100, 150)], [token("wo", 150, 200)]))
    assert utterances.done_ms == 100
    utterances.lost()
    utterances.connected(100.0)
    # No token has its space: what comes first on a connection begins a word.
    utterances.heard(Heard([], [token("two", 0, 90)]))
    events = utterances.heard(Heard([token("two", 0, 90), token(" three", 100, 190)]))
    assert interim_of(events) == "one two three"
    assert [(w.text, w.start_ms, w.end_ms) for w in utterances.take().words] == [
        ("one", 0, 100),
        ("two", 100, 190),
        ("three", 200, 290),
    ]


def test_where_somebody_spoke_is_known_until_it_is_done() -> None:
    utterances = Utterances()
    assert utterances.told_ms == math.inf
    utterances.heard(Heard([], [token("one", 0, 100), token(" two", 100, 200)], sure=1))
    utterances.lost()
    utterances.lost()  # by which nothing more was told
    assert utterances.told_ms == 100
    utterances.connected(100)
    utterances.heard(Heard([token(" two", 0, 100)]))
    utterances.take()
    assert utterances.told_ms == math.inf


def test_what_was_understood_is_withdrawn_with_the_connection() -> None:
    utterances = Utterances()
    assert utterances.lost() == []
    utterances.heard(Heard([], [token("one", 0, 100)]))
    assert utterances.lost() == [Transcript("", final=False)]
    assert utterances.lost() == []
    utterances.heard(Heard([token("one", 0, 100), token(" two", 100, 200)]))
    assert utterances.lost() == [Transcript("", final=False)]
    # What is final is said again when another connection is there.
    utterances.connected(100)
    assert interim_of(utterances.heard(Heard([token("two", 0, 100)]))) == "one two"


def test_a_word_that_has_begun_on_one_connection_does_not_go_on_with_another() -> None:
    utterances = Utterances()
    utterances.heard(Heard([token("Good", 0, 100), token(" mor", 100, 150)]))
    for _ in range(3):
        utterances.lost()
        utterances.connected(utterances.done_ms)
        assert utterances.done_ms == 100
    utterances.heard(Heard([token("morning", 0, 100)]))
    assert utterances.take().text == "Good morning"


def test_audio_without_a_word_is_done_with_after_a_while() -> None:
    utterances = Utterances()
    utterances.heard(Heard(processed_ms=1_500))
    assert utterances.done_ms == 0
    utterances.heard(Heard(processed_ms=5_000))
    assert utterances.done_ms == 3_000
    utterances.connected(10_000)
    utterances.heard(Heard(processed_ms=1_000))
    assert utterances.done_ms == 9_000
    utterances.heard(Heard([], [token("a", 1_200, 1_300)], processed_ms=9_000))
    assert utterances.done_ms == 9_000
    utterances.heard(Heard([token("a", 1_200, 1_300)], processed_ms=9_000))
    utterances.heard(Heard(processed_ms=9_500))
    assert utterances.done_ms == 9_000
    assert utterances.take().end_ms == 11_300
    assert utterances.done_ms == 11_300
    utterances.heard(Heard())
    assert utterances.done_ms == 11_300


def test_getting_on_is_to_understand_more_or_to_be_sure_of_it() -> None:
    utterances = Utterances()
    reached = [utterances.advance_ms]
    for event in (
        Heard([], [token("one", 0, 100)]),
        Heard([], [token("one", 0, 100), token(" two", 100, 200)]),
        Heard([token("one", 0, 100)], [token(" two", 100, 200)]),
        Heard([token(" two", 100, 200)]),
    ):
        utterances.heard(event)
        reached.append(utterances.advance_ms)
    assert reached == sorted(set(reached))
    utterances.lost()
    utterances.connected(utterances.done_ms)
    utterances.heard(Heard([token("two", 0, 100)], processed_ms=60_000))
    assert utterances.advance_ms == reached[-1]


def test_a_language_without_spaces_has_one_word() -> None:
    utterances = Utterances()
    utterances.heard(Heard([token("你", 0, 100), token("好", 100, 200)]))
    assert utterances.done_ms == 0
    assert [word.text for word in utterances.take().words] == ["你好"]


def test_what_is_final_stays_when_the_vendor_begins_anew() -> None:
    utterances = Utterances()
    utterances.connected(1_000)
    utterances.heard(
        Heard([token("one", 100, 200), token(" two", 300, 400)], [token(" th", 500, 600)])
    )
    assert interim_of(utterances.restarted(Restarted())) == "one two"
    assert utterances.done_ms == 1_400
    utterances.connected(1_400)
    utterances.heard(Heard([token("three", 100, 250)]))
    assert utterances.take().text == "one two three"
    assert utterances.restarted(Restarted(900)) == []
    assert utterances.done_ms == 2_300


def test_words_that_stay_outlive_a_connection_though_they_are_not_final() -> None:
    utterances = Utterances()
    utterances.connected(1_000)
    tokens = [token(" so", 0, 100), token(" it", 100, 200), token(" is", 200, 300)]
    utterances.heard(Heard(interim=tokens, sure=2))
    assert utterances.lost() == [Transcript("", final=False)]
    assert utterances.done_ms == 1_200
    utterances.connected(1_200)
    utterances.heard(Heard(final=[token("Was.", 0, 100)]))
    assert utterances.take().text == "so it Was."
    # What was sure of another transcript counts for nothing in the next.
    utterances.heard(Heard(interim=[token(" a", 200, 300)], sure=1))
    utterances.heard(Heard(interim=[token(" an", 200, 300)]))
    utterances.lost()
    assert utterances.take().text == ""


def test_what_was_said_long_ago_may_be_passed_over() -> None:
    utterances = Utterances()
    assert utterances.idle
    utterances.heard(Heard(interim=[Token(" so", 100, 200)]))
    assert not utterances.idle
    utterances.heard(Heard(final=[Token(" so", 100, 200)]))
    assert not utterances.idle
    utterances.take()
    assert utterances.idle
    utterances.pass_over(5_000.0)
    assert utterances.done_ms == 5_000.0
    utterances.pass_over(1_000.0)
    assert utterances.done_ms == 5_000.0
