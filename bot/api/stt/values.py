"""PURE: the values of parameters, as a query has them (text) or JSON.

Each reader takes what a client gave and raises a `Fault` that says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .faults import Fault

__all__ = ["Reader", "boolean", "choice", "integer", "name", "names", "texts", "uuid"]

Reader = Callable[[str, Any], Any]
"""From a parameter's name and its value to what is meant."""

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_MOST_TEXTS, _MOST_CHARACTERS = 1_000, 200
_MOST_NAMES = 8
# Not uuid.UUID: it takes braces and more, which are no format of a schema.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def boolean(parameter: str, value: Any) -> bool:
    """True or false, in words of either case, as numbers or as JSON has them."""
    word = str(value).lower() if isinstance(value, bool | int | str) else ""
    if word not in _TRUE | _FALSE:
        raise Fault(
            "unknown_parameter_value", f"{parameter}: write true or false", allowed=[True, False]
        )
    return word in _TRUE


def integer(least: int, most: int, code: str = "unknown_parameter_value") -> Reader:
    """A reader of whole numbers from `least` to `most`."""

    def read(parameter: str, value: Any) -> int:
        number = _whole(value)
        if number is None or not least <= number <= most:
            raise Fault(
                code,
                f"{parameter}: write a whole number from {least} to {most}",
                allowed={"minimum": least, "maximum": most},
            )
        return number

    return read


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        # Not int() alone: it takes "1_0", and other digits than these.
        text = value.strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def choice(*allowed: str) -> Reader:
    """A reader of one of some words, in letters of either case."""

    def read(parameter: str, value: Any) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in allowed:
            text = f"{parameter}: write one of {', '.join(allowed)}"
            raise Fault("unknown_parameter_value", text, allowed=list(allowed))
        return word

    return read


def name(parameter: str, value: Any) -> str:
    """A short name, such as a model's."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _MOST_CHARACTERS or not text.isprintable():
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: write a name of at most {_MOST_CHARACTERS} characters",
            allowed={"minLength": 1, "maxLength": _MOST_CHARACTERS},
        )
    return text


def names(parameter: str, value: Any) -> tuple[str, ...]:
    """Names with commas between, or a list of them."""
    given = [part for text in _parts(parameter, value) for part in text.split(",")]
    named = [part for part in given if part.strip()]
    if given and not named:
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: write names with commas between, one at least",
            allowed={"minItems": 1, "maxItems": _MOST_NAMES},
        )
    if len(named) > _MOST_NAMES:
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: name at most {_MOST_NAMES}",
            allowed={"maxItems": _MOST_NAMES},
        )
    return tuple(dict.fromkeys(name(parameter, part).lower() for part in named))


def texts(parameter: str, value: Any) -> tuple[str, ...]:
    """Texts with `|` between, or a list of them; none of them empty or very long."""
    given = [part.strip() for text in _parts(parameter, value) for part in text.split("|")]
    kept = tuple(dict.fromkeys(text for text in given if text))
    if len(kept) > _MOST_TEXTS or any(len(text) > _MOST_CHARACTERS for text in kept):
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: at most {_MOST_TEXTS} texts of at most {_MOST_CHARACTERS} characters",
            allowed={"maxItems": _MOST_TEXTS, "maxLength": _MOST_CHARACTERS},
        )
    return kept


def _parts(parameter: str, value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: write a text, or a list of texts",
            allowed={"type": ["string", "array"], "items": {"type": "string"}},
        )
    return parts


def uuid(parameter: str, value: Any) -> str:
    """A UUID, written as answers have it, but for the case of its letters."""
    text = value.lower() if isinstance(value, str) else ""
    if not _UUID.fullmatch(text):
        raise Fault(
            "unknown_parameter_value",
            f"{parameter}: write a UUID, as session_started tells it",
            allowed={"format": "uuid"},
        )
    return text
