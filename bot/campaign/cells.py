"""PURE: cells of the CSV files that we write, none of which a spreadsheet takes for a formula.

What begins with one of a few characters would be one, and might send the whole sheet to somebody:
https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["csv_line", "safe_cell"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_QUOTED = re.compile('[",;\t\r\n]|^ | $')
# A phone number is no formula, and a program that reads one wants it as it is.
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
# A NUL and its like end a cell, or the file, for many programs: their pictures do not.
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\r\n"}


def safe_cell(value: str) -> str:
    """The text, behind an apostrophe if a spreadsheet would take it for a formula."""
    formula = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


def csv_line(values: Iterable[str | float | bool | None]) -> str:
    """One line of a CSV file (RFC 4180), with its end.

    Texts are made safe; a number of our own stays one, and what is None is empty. Control
    characters are shown by the pictures that Unicode has of them.
    """
    return ",".join(map(_cell, values)) + "\r\n"


def _cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = safe_cell(value.translate(_PICTURES))
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text
