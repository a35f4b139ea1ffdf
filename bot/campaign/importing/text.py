"""PURE: bytes as they come → lines of text, whatever ends them."""

from __future__ import annotations

import codecs

from .faults import ContactsError, OptionError

__all__ = ["MAX_CHARS", "Lines", "shown"]

MAX_CHARS = 32 * 1024
"""A longer row is none: variables have to fit into Twilio's answer, which has 64 KiB."""

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_NO_TEXTS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
"""Python's encodings of other things than files."""
_BOM = "\ufeff"


class Lines:
    """Splits a text into its lines, each of which ends with LF, CR LF or CR.

    Of a line that is longer than `MAX_CHARS` so many and one more are given, and the rest is left
    out: who reads the lines has to look.

    Args:
        encoding: of the text; None is UTF-8, or UTF-16 if it begins with the mark of that.

    Raises (when made):
        OptionError: there is no such encoding.
    """

    def __init__(self, encoding: str | None = None) -> None:
        if encoding is not None:
            _check(encoding)
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._bytes = 0
        self._count = 0
        self._begun = self._ends_with_cr = False
        self._rest = ""

    def feed(self, piece: bytes) -> list[str]:
        """The lines that are complete with these bytes.

        Raises:
            ContactsError: they are not of that encoding; says line and byte.
        """
        return self._split(self._decode(piece))

    def end(self) -> list[str]:
        """What is left, now that there are no more bytes.

        Raises:
            ContactsError: as `feed`.
        """
        lines = self._split(self._decode(b"", final=True))
        rest, self._rest = self._rest, ""
        return [*lines, rest] if rest else lines

    def _split(self, text: str) -> list[str]:
        # A CR at the end of one piece and the LF of the next are one line's end.
        if self._ends_with_cr and text:
            text = text.removeprefix("\n")
            self._ends_with_cr = False
        if text.endswith("\r"):
            self._ends_with_cr = True
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()[: MAX_CHARS + 1]
        self._count += len(lines)
        return [line if len(line) <= MAX_CHARS else line[: MAX_CHARS + 1] for line in lines]

    def _decode(self, piece: bytes, *, final: bool = False) -> str:
        if self._decoder is None:
            piece, self._head = self._head + piece, b""
            # A mark of two bytes may come one by one.
            if len(piece) < 2 and not final:
                self._head = piece
                return ""
            self._decoder = self._begin(piece)
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeError as error:
            # UTF-16 without the mark that says which: of what kind that error is varies.
            if "BOM" in str(error) or not isinstance(error, UnicodeDecodeError):
                fault = f"the text is not {self._encoding}: {error}"
                raise ContactsError(fault) from None
            raise self._unreadable(error, len(piece)) from None
        self._bytes += len(piece)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix(_BOM)
        return text

    def _begin(self, piece: bytes) -> codecs.IncrementalDecoder:
        if self._encoding is None:
            self._encoding = _UTF16.get(piece[:2], "utf-8")
        return codecs.getincrementaldecoder(self._encoding)()

    def _unreadable(self, error: UnicodeDecodeError, size: int) -> ContactsError:
        assert self._encoding is not None
        # The decoder may have held back the first bytes of a character.
        offset = self._bytes - (len(error.object) - size) + error.start
        self._split(error.object[: error.start].decode(self._encoding, "ignore"))
        return ContactsError(
            f"line {self._count + 1}: byte 0x{error.object[error.start]:02x} at offset {offset} is"
            f" not {self._encoding.upper()}: save the file as UTF-8, or say its encoding, such as"
            " windows-1252"
        )


def shown(text: str) -> str:
    """A row as it is shown: what was cut off is said."""
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}…"


def _check(encoding: str) -> None:
    fault = OptionError(
        f"there is no text encoding {encoding!r}; it may be utf-8, utf-16, windows-1252, …"
    )
    try:
        if codecs.lookup(encoding).name.replace("-", "_") in _NO_TEXTS:
            raise fault
        codecs.getincrementaldecoder(encoding)
        # Some are there that make no text of bytes.
        b"a".decode(encoding)
    except UnicodeError:
        pass
    except (LookupError, ValueError):
        raise fault from None
