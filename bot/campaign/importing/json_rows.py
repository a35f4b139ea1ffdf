"""PURE: JSON lines → rows: an object in each, whose keys are the columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from .faults import ContactsError
from .rows import LONG, Row
from .text import MAX_CHARS

__all__ = ["JsonRows"]


class JsonRows:
    """Reads one file."""

    def __init__(self) -> None:
        self._line = 0
        self._begun = False

    def feed(self, lines: Iterable[str]) -> Iterator[Row]:
        """As `Rows.feed`."""
        for line in lines:
            self._line += 1
            if line and not line.isspace():
                yield self._row(line)

    def end(self) -> Iterator[Row]:
        """As `Rows.end`."""
        return iter(())

    def _row(self, line: str) -> Row:
        if not self._begun and line.lstrip().startswith("["):
            raise ContactsError(
                f"line {self._line}: this is a JSON array; write one object in each line, without"
                " commas between them"
            )
        self._begun = True
        if len(line) > MAX_CHARS:
            return Row(self._line, line, fault=LONG)
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return Row(self._line, line, fault="the line is no JSON")
        if not isinstance(value, dict):
            return Row(self._line, line, fault="the line is no JSON object")
        try:
            cells = [_text(name, held) for name, held in value.items()]
        except ValueError as fault:
            return Row(self._line, line, fault=str(fault))
        return Row(self._line, line, tuple(value), cells)


def _text(name: str, held: object) -> str:
    if isinstance(held, str):
        return held
    if held is None:
        return ""
    if isinstance(held, bool):
        return "true" if held else "false"
    if isinstance(held, int | float):
        return str(held)
    raise ValueError(f"{name[:80]!r} holds neither a text nor a number")
