"""PURE: one row, of whatever file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .text import MAX_CHARS

__all__ = ["LONG", "Row", "Rows"]

LONG = f"the row is longer than {MAX_CHARS} characters"


@dataclass(slots=True)
class Row:
    """A row as it was read.

    Attributes:
        line: the number of the line in which it begins; the file's first is 1.
        text: as it is in the file.
        names: of the columns.
        cells: one for each name.
        fault: why it cannot be read; then it has neither names nor cells.
    """

    line: int
    text: str
    names: tuple[str, ...] = ()
    cells: Sequence[str] = ()
    fault: str = ""


class Rows(Protocol):
    """Reads rows out of lines. Whatever comes, no line is in no row, but for empty ones."""

    def feed(self, lines: Iterable[str]) -> Iterator[Row]:
        """The rows that are complete with these lines.

        Raises:
            ContactsError: the file is none of this kind.
        """

    def end(self) -> Iterator[Row]:
        """What is left, now that there are no more lines; raises as `feed`."""
