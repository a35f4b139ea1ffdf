"""What was understood of pieces that overlap is put together, each word once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.results import TranscriptionResult, Word
from providers.stt.overlap import Merged, Seam

VOCABULARY = ("no", "the", "wonderful", "a", "nothing", "then", "theatre", "full", "on")
LEAST_HEARD = 0.3


@dataclass(frozen=True)
class Said:
    """A word as somebody said it, in ms."""

    text: str
    start_ms: int
    end_ms: int


def heard(said: list[Said], start_ms: int, end_ms: int) -> list[Word]:
    """What a recognizer that knows a piece alone hears in it: of half a word half the letters."""
    words = []
    for one in said:
        begin, end = max(one.start_ms, start_ms), min(one.end_ms, end_ms)
        length = one.end_ms - one.start_ms
        if end - begin < LEAST_HEARD * length:
            continue
        first = round((begin - one.start_ms) / length * len(one.text))
        last = round((end - one.start_ms) / length * len(one.text))
        if text := one.text[first:last]:
            words.append(Word(text, begin - start_ms, end - start_ms, 0.8))
    return words


def written(words: list[Word]) -> str:
    """As vendors write it: each piece is a sentence to them."""
    return " ".join(word.text for word in words).capitalize() + "." * bool(words)


def merged(said: list[Said], cuts: list[tuple[int, int]], *, timed: bool = True) -> Merged:
    """What comes of pieces that begin and end there."""
    whole, before_ms = Merged(), 0
    for number, (start_ms, end_ms) in enumerate(cuts):
        words = heard(said, start_ms, end_ms)
        result = TranscriptionResult(
            written(words), "x", 0.0, "en", 0.5, tuple(words) if timed else ()
        )
        seam = None
        sounds = any(one.start_ms < before_ms and one.end_ms > start_ms for one in said)
        if number and sounds:
            seam = Seam(
                start_ms,
                before_ms,
                any(one.start_ms < start_ms < one.end_ms for one in said),
                any(one.start_ms < before_ms < one.end_ms for one in said),
                end_ms - start_ms,
            )
        whole.add(result, start_ms, seam)
        before_ms = end_ms
    return whole


def plain(text: str) -> str:
    return text.replace(".", "").lower()


@st.composite
def speech(
    draw: st.DrawFn, vocabulary: tuple[str, ...], shortest_ms: int, longest_ms: int
) -> list[Said]:
    words = draw(st.lists(st.sampled_from(vocabulary), min_size=1, max_size=12))
    said, now_ms = [], 0
    for word in words:
        now_ms += draw(st.sampled_from((0, 0, 30, 250)))
        length = draw(st.integers(shortest_ms, longest_ms))
        said.append(Said(word, now_ms, now_ms + length))
        now_ms += length
    return said


def cuts_of(said: list[Said], ends: list[int], overlap_ms: int) -> list[tuple[int, int]]:
    places = [*accumulate(ends)]
    length = said[-1].end_ms + 100
    edges = [place for place in places if place < length] + [length]
    return [(max(0, before - overlap_ms), end) for before, end in pairwise([0, *edges])]


ENDS = st.lists(st.integers(450, 2_000), min_size=12, max_size=12)


@settings(max_examples=60)
@given(speech(VOCABULARY, 80, 390), ENDS)
def test_words_with_times_are_merged_wherever_they_are_cut(
    said: list[Said], ends: list[int]
) -> None:
    whole = merged(said, cuts_of(said, ends, 400))
    assert plain(whole.text) == " ".join(one.text for one in said)
    assert [plain(word.text) for word in whole.words] == [one.text for one in said]
    for word, one in zip(whole.words, said, strict=True):
        # Where a vendor heard but a part of it, it began or ended later or earlier.
        assert (word.start_ms, word.end_ms) == (one.start_ms, one.end_ms)
    assert (whole.language, whole.confidence) == ("en", 0.8)


@settings(max_examples=60)
@given(speech(("different",), 80, 390), ENDS)
def test_a_word_that_is_said_again_and_again_is_said_so_often(
    said: list[Said], ends: list[int]
) -> None:
    whole = merged(said, cuts_of(said, ends, 400))
    assert plain(whole.text) == " ".join(one.text for one in said)


SENTENCE = "good morning madam how can I be of help to you today"


@settings(max_examples=60)
@given(st.lists(st.integers(100, 390), min_size=12, max_size=12), ENDS)
def test_words_without_times_are_merged_wherever_they_are_cut(
    lengths: list[int], ends: list[int]
) -> None:
    said, now_ms = [], 0
    for word, length in zip(SENTENCE.lower().split(), lengths, strict=True):
        said.append(Said(word, now_ms, now_ms + length))
        now_ms += length + 30
    assert plain(merged(said, cuts_of(said, ends, 400), timed=False).text) == SENTENCE.lower()


def both(
    first: str, second: str, *, overlap_ms: float = 200, starts: bool = True, ends: bool = True
) -> str:
    """What comes of two pieces of a second without times."""
    whole = Merged()
    whole.add(TranscriptionResult(first, "x", 1000), 0, None)
    seam = Seam(1000 - overlap_ms, 1000, starts, ends, 1000 + overlap_ms)
    whole.add(TranscriptionResult(second, "x", 1000 + overlap_ms), 1000 - overlap_ms, seam)
    return whole.text


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("Hello, how are.", "Are you today?", "Hello, how are you today?"),
        ("Hello, how a", "how are you", "Hello, how are you"),
        ("It is wond.", "Wonderful today.", "It is wonderful today."),
        ("It is wonderful", "ful today", "It is wonderful today"),
        ("It is wonder", "derful today", "It is wonderful today"),
        ("one two tea", "two three four", "one two three four"),  # heard as another word
        ("oh no", "no no yes", "oh no no yes"),
        ("no no", "yes", "no no yes"),
        ("so it ends.", "", "so it ends."),
        ("", "so it begins", "so it begins"),
        ("nothing is alike.", "Some other words", "nothing is alike Some other words"),
        ("أهلا وسهلا بكم", "بكم في مصر", "أهلا وسهلا بكم في مصر"),
        ("أهلاً وسهـلا", "وسهلا بكم", "أهلاً وسهـلا بكم"),
        ("สวัสดีครับ", "ครับผมชื่อ", "สวัสดีครับผมชื่อ"),
        ("今日は、いい天", "天気ですね。", "今日は、いい天気ですね。"),
        ("我想预订一张", "一张桌子", "我想预订一张桌子"),
        ("नमस्ते आप", "आप कैसे हैं।", "नमस्ते आप कैसे हैं।"),
    ],
)
def test_what_is_at_a_seam(first: str, second: str, whole: str) -> None:
    assert both(first, second, overlap_ms=300) == whole


def test_without_an_overlap_nothing_is_said_twice_by_mistake() -> None:
    assert both("no no", "no no", overlap_ms=0) == "no no no no"
    whole = Merged()
    for at_ms in (0, 1000):
        whole.add(TranscriptionResult("no", "x", 1000), at_ms, None)
    assert whole.text == "no no"


def test_where_nobody_speaks_sentences_end() -> None:
    assert both("So it is.", "Then it goes on.", ends=False) == "So it is. Then it goes on."


def test_a_vendor_may_differ_from_itself_about_when_a_word_was_said() -> None:
    whole = Merged()
    first = (Word("one", 100, 400), Word("two", 700, 950))
    whole.add(TranscriptionResult("One, two.", "x", 1000, words=first), 0, None)
    second = (Word("two", 70, 300), Word("three", 350, 700))
    seam = Seam(600, 1000, False, True, 1400)
    whole.add(TranscriptionResult("Two, three.", "x", 1400, words=second), 600, seam)
    assert whole.text == "One, two, three."
    assert [(word.text, word.start_ms) for word in whole.words] == [
        ("One,", 100), ("two,", 700), ("three.", 950),
    ]  # fmt: skip


def test_a_word_that_is_heard_as_two_different_ones_is_the_one_with_more_around_it() -> None:
    whole = Merged()
    first = (Word("ten", 0, 300), Word("clocks", 620, 980))
    whole.add(TranscriptionResult("ten clocks", "x", 1000, words=first), 0, None)
    second = (Word("clubs", 120, 500),)
    whole.add(
        TranscriptionResult("clubs", "x", 1400, words=second), 500, Seam(500, 1000, True, True, 900)
    )
    assert whole.text == "ten clubs"


def test_the_latest_piece_can_be_heard_again() -> None:
    whole = Merged()
    whole.add(TranscriptionResult("one", "x", 1000, confidence=0.5), 0, None)
    whole.add(TranscriptionResult("too", "x", 1000), 1000, None)
    whole.undo()
    whole.add(TranscriptionResult("two", "x", 1300, confidence=0.7), 1000, None)
    assert (whole.text, whole.confidence, whole.language) == ("one two", 0.6, None)


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        # Longer than the overlap: either piece has one end of it.
        (Word("wonder", 500, 1_000), Word("erful", 0, 600), "So wonderful"),
        # Its end was heard as another word.
        (Word("thunder", 820, 1_000), Word("Wonderful", 20, 700), "So wonderful"),
        (Word("Wonderful", 500, 900), Word("full", 0, 100), "So Wonderful"),
        # Whole in both, and not alike: who heard more of what followed.
        (Word("won", 850, 900), Word("one", 40, 100), "So won"),
        (Word("won", 850, 940), Word("one", 60, 140), "So won"),
        (Word("won", 880, 960), Word("one", 80, 160), "So one"),
    ],
)
def test_a_word_that_is_not_the_same_in_both(first: Word, second: Word, whole: str) -> None:
    merged_ = Merged()
    words = (Word("So", 0, 200), first)
    merged_.add(TranscriptionResult(f"So {first.text}", "x", 1_000, words=words), 0, None)
    result = TranscriptionResult(second.text, "x", 1_200, words=(second,))
    merged_.add(result, 800, Seam(800, 1_000, True, True, 1_200))
    assert merged_.text == whole


@pytest.mark.parametrize(
    ("first", "second", "starts", "ends", "whole"),
    [
        ("cats", "sat", True, True, "the cats sat down"),
        ("fry", "i", True, True, "the fry i down"),
        # What they have in common is a letter by chance: nobody spoke where a piece is cut.
        ("cat", "tea", True, False, "the cat tea down"),
        ("cat", "tea", False, True, "the cat tea down"),
        ("wonder", "derful", True, True, "the wonderful down"),
    ],
)
def test_two_words_that_are_stretched_to_the_ends_of_their_pieces_stay_two(
    first: str, second: str, starts: bool, ends: bool, whole: str
) -> None:
    merged_ = Merged()
    words = (Word("the", 500, 700), Word(first, 720, 1_000))
    merged_.add(TranscriptionResult(f"the {first}", "x", 1_000, words=words), 0, None)
    words = (Word(second, 0, 400), Word("down", 420, 600))
    result = TranscriptionResult(f"{second} down", "x", 1_230, words=words)
    merged_.add(result, 770, Seam(770, 1_000, starts, ends, 1_230))
    assert merged_.text == whole
