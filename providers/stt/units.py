"""PURE: the units of which a text is made: words, or characters where nobody writes spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..results import Word

__all__ = ["Unit", "text_of", "units_of", "words_of"]

# Thai, Lao, Tibetan, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
# Arabic is written with and without vowel signs, stretched or not, and alef in several ways.
_ALIKE = str.maketrans("\u0622\u0623\u0625\u0671", "\u0627" * 4, "\u0640" + "".join(
    chr(sign) for sign in range(0x064B, 0x0660)
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A word, or a character.

    Attributes:
        text: as it is written, with the punctuation around it.
        key: what of it counts: letters and digits, in one case.
        spaced: whether a space comes before it.
        start_ms, end_ms: when it was said; None when that is not known.
        word: of which word it is (a part), if words are known.
    """

    text: str
    key: str
    spaced: bool
    start_ms: float | None = None
    end_ms: float | None = None
    word: Word | None = None

    @property
    def timed(self) -> bool:
        """Whether it is known when it was said."""
        return self.end_ms is not None

    @property
    def core(self) -> str:
        """Without the punctuation behind it."""
        return self.text[: len(self.text) - len(self.tail)]

    @property
    def tail(self) -> str:
        """The punctuation behind it."""
        end = len(self.text)
        while end and not _counts(self.text[end - 1]):
            end -= 1
        return self.text[end:]


def units_of(text: str, words: Sequence[Word] = (), base_ms: float = 0.0) -> list[Unit]:
    """The units of a text.

    Args:
        text: as it is to be shown.
        words: of the text, with their times; of no use when they are other words.
        base_ms: from where times count.
    """
    units = list(_split(text))
    if "".join(unit.key for unit in units) != "".join(_key(word.text) for word in words):
        return units
    if not _plausible(words):
        return units
    keys = [(word, len(_key(word.text))) for word in words]
    letters = [(word, at, count) for word, count in keys for at in range(count)]
    timed, place = [], 0
    for unit in units:
        first, last = letters[place], letters[place + len(unit.key) - 1]
        place += len(unit.key)
        start_ms = base_ms + _within(first[0], first[1], first[2])
        end_ms = base_ms + _within(last[0], last[1] + 1, last[2])
        timed.append(replace(unit, start_ms=start_ms, end_ms=end_ms, word=first[0]))
    return timed


def text_of(units: Iterable[Unit]) -> str:
    """The text that units make."""
    return "".join(f"{' ' * unit.spaced}{unit.text}" for unit in units).strip()


def words_of(units: Iterable[Unit]) -> tuple[Word, ...]:
    """The words that units are of, with their times; those of which none is known are left out."""
    words: list[Word] = []
    latest: Word | None = None
    for unit in units:
        if unit.word is None or unit.start_ms is None or unit.end_ms is None:
            continue
        end_ms = round(unit.end_ms)
        if unit.word is latest and not unit.spaced:
            words[-1] = replace(words[-1], text=words[-1].text + unit.text, end_ms=end_ms)
        else:
            start_ms = round(unit.start_ms)
            words.append(replace(unit.word, text=unit.text, start_ms=start_ms, end_ms=end_ms))
        latest = unit.word
    return tuple(words)


def _split(text: str) -> Iterator[Unit]:
    held: Unit | None = None
    for token in text.split():
        spaced = True
        for part in _parts(token):
            key = _key(part)
            if held is not None and not (key and held.key):
                joined = f"{held.text}{' ' * spaced}{part}"
                held = replace(held, text=joined, key=held.key + key)
            else:
                if held is not None:
                    yield held
                held = Unit(part, key, spaced)
            spaced = False
    if held is not None and held.key:
        yield held


def _parts(token: str) -> Iterator[str]:
    """A token as words and single characters; what belongs to the one before stays with it."""
    part = ""
    for mark in token:
        alone = bool(_UNSPACED.match(mark))
        if unicodedata.category(mark)[0] in "MP" or not part:
            part += mark
        elif alone or _UNSPACED.match(part[0]):
            yield part
            part = mark
        else:
            part += mark
    if part:
        yield part


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    return "".join(filter(_counts, plain))


def _counts(mark: str) -> bool:
    """Whether it is a letter, a digit, or a sign on one."""
    return unicodedata.category(mark)[0] in "LNM"


def _plausible(words: Sequence[Word]) -> bool:
    """Whether each word has a time of its own: some vendors tell that of whole sentences alone."""
    return all(word.end_ms > word.start_ms for word in words) and all(
        before.start_ms < after.start_ms for before, after in pairwise(words)
    )


def _within(word: Word, letters: int, of: int) -> float:
    """When so many letters of a word were said."""
    return word.start_ms + (word.end_ms - word.start_ms) * letters / of
