"""PURE: whether somebody has asked never to be called again, in clear words.

The words are those of `refusals.toml`, which says what each of its keys means. A request that may
mean something else ("don't call me Bob", "don't call me before nine") is none: the dialog hears it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.dialog.script_words import normalize

__all__ = ["FALLBACK", "Refusals"]

FALLBACK = "en"
"""Is understood in every call, and spoken where there is nothing else."""

MAX_WORDS = 200
MAX_LETTERS = 4_000
"""Only the last words of a turn are looked at, lest a loop of words hold up all other calls."""
VOID_LETTERS = 60
"""So far before a request there may be what makes another thing of it."""

_PAUSES = r".,;:!?…¡¿()\"\n–—"
_CLAUSE = re.compile(rf"([{_PAUSES}]+)")
_SLOPPY = {"dont": "do not", "didnt": "did not", "im": "i am"}
"""Some recognizers leave out apostrophes."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How people of one language refuse to be called.

    Attributes:
        goodbye: what they hear when the call ends then.
        noted: what they hear when it goes on.
        usual: what most of them say.
        questions: whether it is a request when it is asked.
    """

    goodbye: str
    noted: str
    usual: tuple[str, ...]
    questions: bool
    _clear: re.Pattern[str]
    _open: re.Pattern[str]
    _lists: re.Pattern[str]
    _tails: re.Pattern[str]
    _limits: re.Pattern[str]
    _starts: re.Pattern[str]
    _voids: re.Pattern[str]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """From a table of the file."""
        return cls(
            goodbye=table["goodbye"],
            noted=table["noted"],
            usual=tuple(table["usual"]),
            questions=table.get("questions", True),
            _clear=_any_of(table["clear"]),
            _open=_any_of(table["open"]),
            _lists=_any_of(table["lists"]),
            _tails=_any_of(table["tails"]),
            _limits=_any_of(table["limits"]),
            _starts=_any_of(table["starts"]),
            _voids=re.compile(rf"(?<!\S)(?:{'|'.join(table['voids'])})\s*$"),
        )

    def asked_in(self, text: str, *, by_us: bool = True) -> bool:
        """Whether a turn asks for it, in a call that we have made or that answers one."""
        said = " ".join(_plain(text[-MAX_LETTERS:]).split()[-MAX_WORDS:])
        patterns = [(self._clear, True), (self._open, False)]
        if by_us:
            patterns.append((self._lists, True))
        return any(
            self._is_request(said, match, may_go_on=may_go_on)
            for pattern, may_go_on in patterns
            for match in pattern.finditer(said)
        )

    def _is_request(self, said: str, match: re.Match[str], *, may_go_on: bool) -> bool:
        before = said[max(0, match.start() - VOID_LETTERS) : match.start()]
        if self._voids.search(before):
            return False
        rest = said[match.end() :].lstrip()
        while tail := self._tails.match(rest):
            rest = rest[tail.end() :].lstrip()
        if rest.startswith("?") and not self.questions:
            return False
        ends = rest[:1] in ("", ".", "?")
        if self._limits.match(rest[1:].lstrip() if ends else rest):
            return False
        return ends or may_go_on or self._starts.match(rest) is not None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{'|'.join(patterns)})(?!\S)")


def _plain(text: str) -> str:
    """The words of a turn as the patterns have them."""
    parts: list[str] = []
    # Between two clauses there is what parts them.
    for number, part in enumerate(_CLAUSE.split(text)):
        if number % 2:
            parts.append("?" if "?" in part else ".")
        else:
            parts += [_SLOPPY.get(word, word) for word in _words(part)]
    return " ".join(parts)


def _words(clause: str) -> list[str]:
    words = " ".join(normalize(clause)).replace("'", " ")
    bare = unicodedata.normalize("NFD", words)
    return "".join(letter for letter in bare if not unicodedata.combining(letter)).split()
