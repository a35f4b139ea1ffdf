"""PURE: numbers for the do-not-call list, as people write them down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .phone import number_of

__all__ = ["SOURCE_API", "SOURCE_COMMAND", "listed_numbers"]

SOURCE_COMMAND = "command"
SOURCE_API = "api"
"""Who put a number on the list."""


def listed_numbers(lines: Iterable[str]) -> Iterator[tuple[int, str | None]]:
    """The numbers in a list, one a line, each with its line; None for a line that has none."""
    for line, text in enumerate(lines, 1):
        cell = re.split("[,;\t]", text, maxsplit=1)[0].strip()
        number = number_of(cell)
        heading = line == 1 and not any(map(str.isdigit, cell))
        if text.strip() and not (heading and number is None):
            yield line, number
