"""PURE: an HTTP body → answers as it comes: a JSON value, one in each line, or lines of text."""

from __future__ import annotations

from typing import Literal

import orjson

from .answer import InvalidAnswerError, Read, read_answer

__all__ = ["MAX_BYTES", "Answers"]

MAX_BYTES = 1 << 20
"""A longer answer is not read to its end: nobody listens for so long."""

Form = Literal["json", "lines", "text"]
_FORMS: dict[str, Form] = {
    "application/json": "json",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "text/plain": "text",
}


class Answers:
    """Reads one body.

    Args:
        content_type: as the server has said.

    Raises (when made):
        InvalidAnswerError: it is none of those that are understood.
    """

    def __init__(self, content_type: str) -> None:
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in _FORMS:
            raise InvalidAnswerError(
                "the answer's Content-Type is none of application/json, application/x-ndjson"
                " and text/plain"
            )
        self._form = _FORMS[kind]
        self._rest = b""
        self._size = 0

    def feed(self, piece: bytes) -> list[Read]:
        """The answers that are complete with these bytes.

        Raises:
            InvalidAnswerError: something in them is none, or they are too many.
        """
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise InvalidAnswerError(f"the answer is longer than {MAX_BYTES} bytes")
        self._rest += piece
        if self._form == "json":
            return []
        *lines, self._rest = self._rest.split(b"\n")
        return [read for line in lines for read in self._read(line)]

    def end(self) -> list[Read]:
        """What is left, now that the body has ended.

        Raises:
            InvalidAnswerError: it is no answer.
        """
        rest, self._rest = self._rest, b""
        return self._read(rest)

    def _read(self, line: bytes) -> list[Read]:
        if not line.strip():
            return []
        try:
            value = line.decode().strip() if self._form == "text" else orjson.loads(line)
        except UnicodeDecodeError:
            raise InvalidAnswerError("the answer is not UTF-8") from None
        except orjson.JSONDecodeError:
            raise InvalidAnswerError("the answer is no JSON") from None
        return [read_answer(value)]
