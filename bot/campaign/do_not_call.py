"""PURE: numbers for the do-not-call list, as people write them down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.numbers import PHONE_NUMBER

__all__ = ["SOURCE_API", "SOURCE_COMMAND", "listed_numbers", "number_of"]

SOURCE_COMMAND = "command"
SOURCE_API = "api"
"""Who put a number on the list."""

_NUMBER = re.compile(PHONE_NUMBER)
_SIGNS = re.compile(r"[\s().\-/'\"]")


def number_of(text: str) -> str | None:
    """The number in E.164, its country code in front; None if it is none."""
    number = _SIGNS.sub("", text)
    return number if _NUMBER.fullmatch(number) else None


def listed_numbers(lines: Iterable[str]) -> Iterator[tuple[int, str | None]]:
    """The numbers in a list, one a line, each with its line; None for a line that has none."""
    for line, text in enumerate(lines, 1):
        cell = re.split("[,;\t]", text, maxsplit=1)[0].strip()
        number = number_of(cell)
        heading = line == 1 and not any(map(str.isdigit, cell))
        if text.strip() and not (heading and number is None):
            yield line, number
