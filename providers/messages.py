"""PURE: what vendors say in JSON."""

from __future__ import annotations

from typing import Any

import orjson

from .errors import InvalidResponseError

__all__ = ["read"]


def read(provider: str, message: str | bytes) -> dict[str, Any]:
    """A message, or an answer's body, as its JSON object.

    Raises:
        InvalidResponseError: it is none.
    """
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise InvalidResponseError(provider, "a message is no JSON object")
    return fields
