"""A dialog's TOML file: read, and checked as a whole, with faults in the words of the file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .types import DialogError

__all__ = ["read_file"]


T = TypeVar("T", bound=BaseModel)


def read_file(path: Path, table: type[T], kind: str) -> T:
    """The TOML file `path`.

    Args:
        table: what it has to hold, extra keys forbidden.
        kind: of dialog, for messages.

    Raises:
        DialogError: the file cannot be read, is no TOML, or holds something that does not belong
            there; the message has the file, the key and what to change.
    """
    try:
        return table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DialogError(f"{kind} {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DialogError(f"{kind} {path}: is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise DialogError(f"{kind} {path}: is no valid TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(_fault(f["loc"], f["type"], f["msg"]) for f in error.errors())
        raise DialogError(f"{kind} {path}: {faults}") from None


def _fault(location: tuple[int | str, ...], kind: str, message: str) -> str:
    """One fault in the words of the file: `states.day.expect[2].go: ...`."""
    key = ""
    for part in location:
        # Parts that pydantic adds for the member of a union, or the key of a table, stay out.
        if isinstance(part, int):
            key += f"[{part + 1}]"
        elif re.fullmatch(r"[\w*#-]+", part):
            key += f".{part}" if key else part
    if kind == "extra_forbidden":
        message = "there is no such key; look at its spelling"
    elif kind == "missing":
        message = "this key is missing"
    elif kind in {"too_short", "string_too_short"}:
        message = "must not be empty"
    return f"{key or 'the file'}: {message.removeprefix('Value error, ')}"
