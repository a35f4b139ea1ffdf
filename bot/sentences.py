"""Text that arrives in pieces → sentences, so that speech can start with the first one."""

from __future__ import annotations

import re

__all__ = ["MAX_SENTENCE", "Sentences"]

MAX_SENTENCE = 300
"""A longer sentence is cut at a comma or a space: synthesizers are asked for a breath at a time."""

# An end mark with its closing quotes, then white space. CJK full stops need no space behind them.
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”]*|\n+")
_ABBREVIATIONS = frozenset(
    {
        *("a.m.", "approx.", "apt.", "ave.", "blvd.", "dr.", "e.g.", "etc.", "ext.", "i.e.", "jr."),
        *("lt.", "mr.", "mrs.", "ms.", "p.m.", "prof.", "rev.", "sgt.", "sr.", "st.", "vs."),
    }
)


class Sentences:
    """Cuts a text that comes in pieces into sentences; loses no word and adds none."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that are complete with `piece`, without surrounding white space."""
        self._rest += piece
        return self._cut()

    def flush(self) -> list[str]:
        """What is left, as if the text ended here."""
        done = self._cut()
        rest, self._rest = self._rest.strip(), ""
        return [*done, rest] if rest else done

    def _cut(self) -> list[str]:
        done: list[str] = []
        start = search = 0
        while end := _END.search(self._rest, search):
            search = end.end()
            sentence = self._rest[start : end.end()].strip()
            if _is_abbreviation(sentence):
                continue
            start = end.end()
            if sentence:
                done.append(sentence)
        self._rest = self._rest[start:]
        while len(self._rest) > MAX_SENTENCE:
            at = _soft_break(self._rest)
            done.append(self._rest[:at].strip())
            self._rest = self._rest[at:]
        return [part for part in done if part]


def _is_abbreviation(sentence: str) -> bool:
    last = sentence.rsplit(None, 1)[-1].lower() if sentence else ""
    initial = len(last) == 2 and last[0].isalpha() and last[1] == "." and last != "i."
    return last.lstrip("\"'(“‘") in _ABBREVIATIONS or initial


def _soft_break(text: str) -> int:
    """Where to cut a sentence that is too long: after a comma, at a space, or in the middle."""
    head = text[:MAX_SENTENCE]
    for mark in (",", ";", " "):
        at = head.rfind(mark)
        if at > 0:
            return at + 1
    return MAX_SENTENCE
