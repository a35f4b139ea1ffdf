"""PURE: from the phrases a dialog expects to the words and the grammar that PocketSphinx takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["grammar", "pronounce", "spoken_words"]

_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|\d+|[a-z]+(?:'[a-z]+)*|&")
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ("", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

# A rough English letter-to-sound table (CMU phones) for names that no dictionary holds; the longest
# spelling that fits wins.
_SOUNDS = {
    "tion": "SH AH N",
    "eigh": "EY",
    "augh": "AO",
    "ough": "AO",
    "igh": "AY",
    "tch": "CH",
    "sch": "SH",
    "ch": "CH",
    "ck": "K",
    "gh": "G",
    "kn": "N",
    "ng": "NG",
    "ph": "F",
    "qu": "K W",
    "sh": "SH",
    "th": "TH",
    "wh": "W",
    "wr": "R",
    "ai": "EY",
    "ar": "AA R",
    "au": "AO",
    "aw": "AO",
    "ay": "EY",
    "ea": "IY",
    "ee": "IY",
    "er": "ER",
    "ew": "UW",
    "ey": "IY",
    "ie": "IY",
    "ir": "ER",
    "oa": "OW",
    "oi": "OY",
    "oo": "UW",
    "or": "AO R",
    "ou": "AW",
    "ow": "OW",
    "oy": "OY",
    "ue": "UW",
    "ur": "ER",
    "ce": "S",
    "ci": "S IH",
    "cy": "S IY",
    "a": "AE",
    "b": "B",
    "c": "K",
    "d": "D",
    "e": "EH",
    "f": "F",
    "g": "G",
    "h": "HH",
    "i": "IH",
    "j": "JH",
    "k": "K",
    "l": "L",
    "m": "M",
    "n": "N",
    "o": "OW",
    "p": "P",
    "q": "K",
    "r": "R",
    "s": "S",
    "t": "T",
    "u": "AH",
    "v": "V",
    "w": "W",
    "x": "K S",
    "y": "IY",
    "z": "Z",
}
_LONGEST_SPELLING = max(map(len, _SOUNDS))


def spoken_words(phrase: str) -> tuple[str, ...]:
    """The lower-case words of `phrase` as one would say them: "On the 2nd, at 10" → on the second …

    Accents are dropped, numbers spelled out; an empty result means that nothing can be said of it.
    """
    plain = unicodedata.normalize("NFKD", phrase.replace("’", "'")).encode("ascii", "ignore")
    words: list[str] = []
    for token in _TOKEN.findall(plain.decode().lower()):
        if token == "&":
            words.append("and")
        elif token.isdigit():
            words += _number(token)
        elif token[0].isdigit():
            words += _ordinal(token[:-2])
        else:
            words.append(token)
    return tuple(words)


def pronounce(word: str) -> str:
    """A guess at the phones of `word`, for words that the dictionary does not hold."""
    letters = word.replace("'", "")
    if len(letters) > 2 and letters.endswith("e") and letters[-2] not in "aeiou":
        letters = letters[:-1]  # a final e is mute
    phones: list[str] = []
    at = 0
    while at < len(letters):
        for length in range(_LONGEST_SPELLING, 0, -1):
            spelling = letters[at : at + length]
            if len(spelling) == length and spelling in _SOUNDS:
                break
        at += length
        sounds = _SOUNDS[spelling].split()
        phones += (
            sounds[1:] if phones[-1:] == sounds[:1] else sounds
        )  # a doubled letter sounds once
    return " ".join(phones)


def grammar(phrases: Iterable[Sequence[str]]) -> str:
    """A JSGF grammar of which every phrase, given as its words, is one sentence.

    Phrases that begin alike share their beginning: 200 phrases decode as fast as a few.
    """
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = {_choices(list(phrases))} ;\n"


def _choices(phrases: Sequence[Sequence[str]]) -> str:
    tails: dict[str, list[Sequence[str]]] = {}
    for words in phrases:
        tails.setdefault(words[0], []).append(words[1:])
    return " | ".join(_branch(word, rest) for word, rest in tails.items())


def _branch(word: str, tails: Sequence[Sequence[str]]) -> str:
    longer = [tail for tail in tails if tail]
    if not longer:
        return word
    brackets = "[]" if len(longer) < len(tails) else "()"
    return f"{word} {brackets[0]} {_choices(longer)} {brackets[1]}"


def _number(digits: str) -> list[str]:
    if len(digits) > 6 or (len(digits) > 1 and digits[0] == "0"):
        return [_ONES[int(digit)] for digit in digits]
    value = int(digits)
    if value < 1000:
        return _below_thousand(value)
    return [*_below_thousand(value // 1000), "thousand", *_nonzero(value % 1000)]


def _ordinal(digits: str) -> list[str]:
    *head, last = _number(digits)
    if last in _ORDINALS:
        return [*head, _ORDINALS[last]]
    return [*head, last[:-1] + "ieth" if last.endswith("y") else last + "th"]


def _below_thousand(value: int) -> list[str]:
    if value >= 100:
        return [_ONES[value // 100], "hundred", *_nonzero(value % 100)]
    if value >= 20:
        return [_TENS[value // 10], *([_ONES[value % 10]] if value % 10 else [])]
    return [_ONES[value]]


def _nonzero(value: int) -> list[str]:
    return _below_thousand(value) if value else []
