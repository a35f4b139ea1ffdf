"""English as recognizers write it, made comparable: punctuation, contractions, digits, fillers."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["FILLERS", "NEGATIONS", "normalize", "number_at", "number_words", "plain"]

Words = tuple[str, ...]

# fmt: off
UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Said around an answer without changing it.
FILLERS = frozenset((
    "a", "ah", "an", "er", "erm", "hello", "hey", "hi", "hm", "hmm", "just", "kindly", "oh", "ok",
    "okay", "please", "so", "thank", "thanks", "the", "uh", "um", "well", "you",
))
NEGATIONS = frozenset((
    "cannot", "neither", "never", "no", "none", "nor", "not", "nothing", "without",
))
# fmt: on
_VALUES = {word: value for value, word in enumerate(UNITS)} | {
    word: 10 * value for value, word in enumerate(TENS, 2)
}

_CONTRACTIONS = (
    (re.compile(r"\bcan't\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"(?<=[a-z])n't\b"), " not"),
    (re.compile(r"(?<=[a-z])'d\b"), " would"),
    (re.compile(r"(?<=[a-z])'ll\b"), " will"),
    (re.compile(r"(?<=[a-z])'re\b"), " are"),
    (re.compile(r"(?<=[a-z])'ve\b"), " have"),
    (re.compile(r"(?<=[a-z])'m\b"), " am"),
    (re.compile(r"\b(that|what|it|here|there|let|who|how)'s\b"), r"\1 is"),
)
_CLOCK = re.compile(r"(?<![\d.:])([01]?\d|2[0-3])[:.]([0-5]\d)(?![\d:]|\.\d)")
_DIGITS = re.compile(r"\d+")
_HALF_OF_DAY = re.compile(r"(?<=\d)\s*([ap])\.?\s?m\b\.?|\b([ap])\.\s?m\b\.?")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def normalize(text: str) -> Words:
    """The words of `text`, so that two ways of writing the same are the same.

    "I'd like 10 a.m., please." → i would like ten a m please. Never fails.
    """
    text = _spelled(text)
    for pattern, replacement in _CONTRACTIONS:
        text = pattern.sub(replacement, text)
    return tuple(_WORD.findall(text))


def plain(text: str) -> str:
    """`text` as a recognizer's dictionary has it: lower-case words, digits spelled."""
    return " ".join(_WORD.findall(_spelled(text)))


def _spelled(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    text = _HALF_OF_DAY.sub(lambda m: f" {m[1] or m[2]} m ", text)
    text = _CLOCK.sub(lambda m: f" {clock_words(int(m[1]), int(m[2]))} ", text)
    return _DIGITS.sub(lambda m: f" {_digits(m[0])} ", text)


def clock_words(hour: int, minute: int) -> str:
    """ "ten o'clock", "ten oh five", "ten thirty"."""
    if minute == 0:
        return f"{number_words(hour)} o'clock"
    return f"{number_words(hour)} {'oh ' if minute < 10 else ''}{number_words(minute)}"


def number_words(value: int) -> str:
    """`value`, from 0 to 9999, in words: 105 → "one hundred five"."""
    if value < 20:
        return UNITS[value]
    if value < 100:
        tens, unit = divmod(value, 10)
        return TENS[tens - 2] + (f" {UNITS[unit]}" if unit else "")
    name, size = ("thousand", 1000) if value >= 1000 else ("hundred", 100)
    count, rest = divmod(value, size)
    return f"{number_words(count)} {name}" + (f" {number_words(rest)}" if rest else "")


def _digits(digits: str) -> str:
    """A number up to 9999 as a person says it, a longer one digit by digit."""
    if len(digits) <= 4 and (digits == "0" or not digits.startswith("0")):
        return number_words(int(digits))
    return " ".join(UNITS[int(digit)] for digit in digits)


def number_at(words: Words, at: int) -> tuple[int, int] | None:
    """The number that begins at word `at`, as (value, index behind it), else None."""
    total = 0
    end = at
    for name, size in (("thousand", 1000), ("hundred", 100)):
        part = _below_hundred(words, end)
        if part is not None and words[part[1] : part[1] + 1] == (name,):
            total += part[0] * size
            end = part[1] + 1
    rest_at = end + 1 if end > at and words[end : end + 1] == ("and",) else end
    rest = _below_hundred(words, rest_at)
    if rest is not None:
        return total + rest[0], rest[1]
    return (total, end) if end > at else None


def _below_hundred(words: Words, at: int) -> tuple[int, int] | None:
    value = _VALUES.get(words[at]) if at < len(words) else None
    if value is None:
        return None
    unit = _VALUES.get(words[at + 1], 0) if at + 1 < len(words) else 0
    if value >= 20 and 0 < unit < 10:
        return value + unit, at + 2
    return value, at + 1
