from __future__ import annotations

from providers.stt.google_words import GoogleResult, GoogleWord, tokens_of


def result(text: str, *words: str, end_ms: float = 1_000) -> GoogleResult:
    timed = [GoogleWord(word, n * 100, n * 100 + 100) for n, word in enumerate(words)]
    return GoogleResult(text, timed, end_ms, is_final=True, confidence=0.9)


def texts(text: str, *words: str) -> list[str]:
    return [token.text for token in tokens_of(result(text, *words), 0.0, round)]


def test_words_are_written_as_in_their_transcript() -> None:
    assert texts("Hello, this is it.", "Hello,", "this", "is", "it.") == [
        *(" Hello,", " this", " is", " it.")
    ]
    # The space before a result is its own in all but the first.
    assert texts(" Yes. No!", "Yes", "No") == [" Yes.", " No!"]


def test_not_every_language_has_spaces() -> None:
    assert texts("你好吗", "你好", "吗") == ["你好", "吗"]
    assert texts(" 今日は") == [" 今日は"]
    assert texts("天気") == ["天気"]


def test_a_word_that_is_not_in_the_transcript_loses_nothing() -> None:
    assert "".join(texts("one two three", "one", "2", "three")) == " one two three"
    assert "".join(texts("one two", "1", "two")) == " one two"
    assert texts("one", "one", "more", "words") == [" one", "", ""]


def test_without_words_a_result_is_one_token() -> None:
    (token,) = tokens_of(result("how are you", end_ms=2_000), 1_200.0, round)
    assert (token.text, token.start_ms, token.end_ms) == (" how are you", 1_200, 2_000)
    assert token.confidence == 0.9
    # What begins later than it ends is a clock that was corrected.
    (early,) = tokens_of(result("how", end_ms=1_000), 1_200.0, round)
    assert (early.start_ms, early.end_ms) == (1_000, 1_000)


def test_words_without_times_are_one_token() -> None:
    words = [GoogleWord("so", 0, 0), GoogleWord("be", 0, 0)]
    (token,) = tokens_of(GoogleResult("so be", words, 2_000, is_final=True), 1_200.0, round)
    assert (token.text, token.start_ms, token.end_ms) == (" so be", 1_200, 2_000)


def test_nothing_is_no_token() -> None:
    assert texts(" ") == []


def test_words_have_a_confidence_of_their_own_or_the_result_s() -> None:
    words = [GoogleWord("so", 0, 100, 0.5), GoogleWord("be", 100, 200)]
    tokens = tokens_of(GoogleResult("so be", words, 200, True, "en-us", 0.8), 0.0, round)
    assert [(token.confidence, token.language) for token in tokens] == [
        *((0.5, "en-us"), (0.8, "en-us"))
    ]
