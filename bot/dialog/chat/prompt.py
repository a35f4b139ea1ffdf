"""PURE: what a chat's texts may say of the call: `{from}`, `{to}` and the like.

Nothing is evaluated. A value is put in as one line of printable text and is not looked into again,
whatever somebody has put into a call's parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.dialog.types import Call

__all__ = ["BUILT_IN", "MAX_VALUE", "fill", "unknown_names"]

BUILT_IN = ("from", "to", "direction", "language")
MAX_VALUE = 200
"""So many characters of a value are taken."""

_PLACE = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")


def unknown_names(template: str, parameters: Mapping[str, str]) -> list[str]:
    """The names in a template that nothing stands for."""
    known = {*BUILT_IN, *parameters}
    return [name for _, name in _PLACE.findall(template) if name and name not in known]


def fill(template: str, call: Call, parameters: Mapping[str, str]) -> str:
    """A template for one call; `{{name}}` is `{name}` itself.

    Args:
        parameters: what stands for a custom parameter that the call does not have.
    """
    values = {
        **parameters,
        **{name: value for name, value in call.parameters.items() if name in parameters},
        "from": call.from_number,
        "to": call.to_number,
        "direction": call.direction,
        "language": call.language,
    }

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        return f"{{{literal}}}" if literal else _one_line(values[name])

    return _PLACE.sub(value, template)


def _one_line(value: str) -> str:
    words = " ".join(value.split())
    return "".join(character for character in words if character.isprintable())[:MAX_VALUE]
