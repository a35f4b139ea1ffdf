"""PURE: whether headers, which hold keys, can be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import AuthenticationError

__all__ = ["check_headers"]

_SENDABLE = re.compile(r"[ -~]*")
"""A header's value: what is printable in ASCII."""


def check_headers(provider: str, headers: Mapping[str, str]) -> None:
    """See that headers can be sent, before anybody else does: their errors show what they hold.

    Raises:
        AuthenticationError: a key is in one that no header can hold.
    """
    if not all(map(_SENDABLE.fullmatch, headers.values())):
        raise AuthenticationError(
            provider,
            "the key holds what no key does, such as a line's end",
            hint="copy it again, without anything around it",
        )
