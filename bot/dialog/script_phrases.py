"""The notation of a script's phrases, expanded to all that may be said.

::

    (i want|i would like) to book [an appointment] [on {day}]

Round brackets choose one of several, square ones may be left out, braces are a slot: `{day}`
stands for every word of that slot, `{day=sunday}` for those that mean this value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .script_words import plain
from .slots import Slot

__all__ = ["MAX_PHRASES", "Phrase", "PhraseError", "expand"]

# What a state may expect: a recognizer decodes against all of it, in real time.
MAX_PHRASES = 200

_TOKEN = re.compile(r"\{[^{}]*\}|[()\[\]|{}]|[^()\[\]|{}]+")
_SLOT = re.compile(r"\{(\w+)(?:=([^{}]+))?\}")
_CLOSING = {"(": ")", "[": "]"}


class PhraseError(Exception):
    """A phrase is not well written; the message says how."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that may be said, and the slots that it fills."""

    text: str
    captures: Mapping[str, str] = field(default_factory=dict)


def expand(pattern: str, slots: Mapping[str, Slot]) -> list[Phrase]:
    """All phrases that `pattern` stands for, each once.

    Raises:
        PhraseError: the notation is wrong, a slot is unknown, or there are too many.
    """
    tokens = _TOKEN.findall(pattern)
    phrases, end = _alternatives(tokens, 0, slots)
    if end < len(tokens):
        raise PhraseError(f"{tokens[end]!r} closes nothing")
    unique = {p.text: p for p in reversed(phrases)}
    if "" in unique:
        raise PhraseError("it may be empty: something must be left when options are left out")
    return list(reversed(unique.values()))


def _alternatives(
    tokens: list[str], at: int, slots: Mapping[str, Slot]
) -> tuple[list[Phrase], int]:
    """What is separated by bars, up to a closing bracket or the end."""
    every: list[Phrase] = []
    while True:
        phrases, at = _sequence(tokens, at, slots)
        every += phrases
        if tokens[at : at + 1] != ["|"]:
            return every, at
        at += 1


def _sequence(tokens: list[str], at: int, slots: Mapping[str, Slot]) -> tuple[list[Phrase], int]:
    phrases = [Phrase("")]
    while at < len(tokens) and tokens[at] not in {"|", ")", "]"}:
        token = tokens[at]
        if token in _CLOSING:
            part, at = _alternatives(tokens, at + 1, slots)
            if tokens[at : at + 1] != [_CLOSING[token]]:
                raise PhraseError(f"{token!r} is not closed by {_CLOSING[token]!r}")
            if token == "[":
                part = [*part, Phrase("")]
        elif token.startswith("{"):
            part = _slot_phrases(token, slots)
        elif token == "}":
            raise PhraseError("'}' closes nothing")
        else:
            part = [Phrase(plain(token))]
        at += 1
        phrases = _join(phrases, part)
    return phrases, at


def _slot_phrases(token: str, slots: Mapping[str, Slot]) -> list[Phrase]:
    match = _SLOT.fullmatch(token)
    if match is None:
        raise PhraseError(f"{token!r} is no slot: write {{name}} or {{name=value}}")
    name, only = match[1], match[2]
    if name not in slots:
        known = ", ".join(sorted(slots)) or "none"
        raise PhraseError(f"unknown slot {name!r}; [slots] has: {known}")
    vocabulary = slots[name].vocabulary()
    if only is not None and only not in vocabulary.values():
        known = ", ".join(dict.fromkeys(vocabulary.values()))
        raise PhraseError(f"slot {name!r} has no value {only!r}; it has: {known}")
    return [Phrase(t, {name: v}) for t, v in vocabulary.items() if only is None or v == only]


def _join(heads: list[Phrase], tails: list[Phrase]) -> list[Phrase]:
    if len(heads) * len(tails) > MAX_PHRASES:
        raise PhraseError(
            f"it stands for {len(heads) * len(tails)} phrases or more, {MAX_PHRASES} are allowed: "
            "use fewer alternatives, or a slot with fewer values"
        )
    return [
        Phrase(f"{head.text} {tail.text}".strip(), {**head.captures, **tail.captures})
        for head in heads
        for tail in tails
    ]
