"""PURE: CSV (RFC 4180, any delimiter) → rows; what breaks the rules costs its own row alone.

The standard library's reader takes an unclosed quote for a cell that goes on to the file's end.
This one gives up at the first sign of that, rejects the line in which the quote begins, and goes
on with the line after it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from .columns import is_usual
from .faults import ContactsError, OptionError
from .rows import LONG, Row
from .text import MAX_CHARS

__all__ = ["DELIMITERS", "MAX_LINES", "CsvRows"]

DELIMITERS = (",", ";", "\t", "|")
"""What is looked for in a file's first line."""
MAX_LINES = 100
"""A cell that goes on for more lines than so many was not closed."""

_QUOTES = re.compile('"+')
_NAMED = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_SEP = re.compile('sep=([^"\r\n])', re.IGNORECASE)


class CsvRows:
    """Reads one file, whose first line names the columns.

    Args:
        delimiter: a character, or `tab`; None is what the first line has most likely.

    Raises (when made):
        ContactsError: that is no delimiter.
    """

    def __init__(self, delimiter: str | None = None) -> None:
        if delimiter is not None:
            delimiter = _NAMED.get(delimiter, delimiter)
            if len(delimiter) != 1 or delimiter in '"\r\n\0':
                raise OptionError("the delimiter is one character, such as ; or |, or tab")
        self._delimiter = delimiter
        self._names: tuple[str, ...] | None = None
        self._todo = deque[str]()
        self._line = 0  # of the last one that was looked at
        self._record: _Record | None = None

    def feed(self, lines: Iterable[str]) -> Iterator[Row]:
        """As `Rows.feed`."""
        self._todo.extend(lines)
        while self._todo:
            line = self._todo.popleft()
            self._line += 1
            if self._record is None and '"' not in line and self._names is not None:
                if line and not line.isspace():
                    yield self._row(line, line.split(self._delimiter))
            elif (row := self._part(line)) is not None:
                yield row

    def end(self) -> Iterator[Row]:
        """As `Rows.end`."""
        while self._record is not None:
            yield self._broken("a quote is not closed")
            yield from self.feed(())
        if self._names is None:
            raise ContactsError("there is no row, not even one with the columns' names")

    def _part(self, line: str) -> Row | None:
        """One more line, of a row that has quotes or of the header."""
        if self._record is None:
            if not line or line.isspace():
                return None
            if self._names is None and self._is_separator(line):
                return None
            assert self._delimiter is not None
            self._record = _Record(self._delimiter, self._line)
        record = self._record
        try:
            whole = record.add(line)
        except ValueError as fault:
            return self._broken(str(fault))
        if not whole:
            if record.size > MAX_CHARS or len(record.lines) >= MAX_LINES:
                return self._broken("a quote is not closed")
            return None
        self._record = None
        if self._names is None:
            self._names = _header(record)
            return None
        row = self._row("\n".join(record.lines), record.cells)
        row.line = record.line
        return row

    def _row(self, text: str, cells: list[str]) -> Row:
        names = self._names
        assert names is not None
        if len(cells) == len(names) and len(text) <= MAX_CHARS and "\0" not in text:
            return Row(self._line, text, names, cells)
        if len(text) > MAX_CHARS:
            fault = LONG
        elif "\0" in text:
            fault = "the row has a NUL byte"
        else:
            fault = f"the row has {len(cells)} columns, not {len(names)}"
        return Row(self._line, text, fault=fault)

    def _broken(self, fault: str) -> Row:
        """Reject the first line of the open row; those after it are rows of their own."""
        record, self._record = self._record, None
        assert record is not None
        if self._names is None:
            raise ContactsError(f"line {record.line} should name the columns, but {fault}")
        first, *others = record.lines
        self._todo.extendleft(reversed(others))
        self._line = record.line
        return Row(record.line, first, fault=LONG if len(first) > MAX_CHARS else fault)

    def _is_separator(self, line: str) -> bool:
        """Whether it is the line in which a spreadsheet is told the delimiter; learns it."""
        if self._delimiter is None:
            if told := _SEP.fullmatch(line.strip(" ")):
                self._delimiter = told[1]
                return True
            self._delimiter = _sniffed(line)
        return False


class _Record:
    """A row in the making: a line may end within quotes."""

    __slots__ = ("_delimiter", "_open", "cells", "line", "lines", "size")

    def __init__(self, delimiter: str, line: int) -> None:
        self._delimiter = delimiter
        self._open: list[str] | None = None
        self.cells: list[str] = []
        self.line = line
        self.lines: list[str] = []
        self.size = 0

    def add(self, line: str) -> bool:
        """Whether the row is whole with that line.

        Raises:
            ValueError: it cannot be, and why.
        """
        self.lines.append(line)
        self.size += len(line) + 1
        at = 0
        while True:
            if self._open is None:
                if not line.startswith('"', at):
                    end = line.find(self._delimiter, at)
                    self.cells.append(line[at:] if end < 0 else line[at:end])
                    if end < 0:
                        return True
                    at = end + 1
                    continue
                self._open = []
                at += 1
            close = _closing(line, at)
            if close < 0:
                self._open.append(line[at:])
                return False
            self._open.append(line[at:close])
            self.cells.append("\n".join(self._open).replace('""', '"'))
            self._open = None
            if close + 1 == len(line):
                return True
            if line[close + 1] != self._delimiter:
                raise ValueError("a quote is not closed, or something comes after its end")
            at = close + 2


def _closing(line: str, start: int) -> int:
    """Where the quote is that ends a cell; -1 when it goes on. Two of them are one that is meant
    as such."""
    for run in _QUOTES.finditer(line, start):
        if (run.end() - run.start()) % 2:
            return run.end() - 1
    return -1


def _header(record: _Record) -> tuple[str, ...]:
    if record.size > MAX_CHARS:
        raise ContactsError(f"line {record.line} should name the columns, but is far too long")
    if any("\0" in line for line in record.lines):
        raise ContactsError(
            f"line {record.line} has NUL bytes: the file may be UTF-16 (say so), or no CSV at all"
        )
    return tuple(" ".join(cell.split()) for cell in record.cells)


def _sniffed(line: str) -> str:
    """The delimiter with which most names of the first line are usual ones, then just most."""

    def likely(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip(' "') for cell in line.split(delimiter)]
        return sum(map(is_usual, cells)), len(cells)

    return max(DELIMITERS, key=likely)
