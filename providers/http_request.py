"""PURE: what an HTTP vendor is asked, and what its codec must know, no socket."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .errors import ProviderError

if TYPE_CHECKING:
    from .results import Container

__all__ = ["HttpRequest", "Refused", "Upload", "advised_wait_s"]

_CONTENT_TYPES: Mapping[Container, str] = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "webm": "audio/webm",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, as a part of a form: vendors look at its name's ending."""

    part: str
    name: str
    content_type: str
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, part: str, container: Container, data: bytes) -> Upload:
        """A recording, under a name that says what it is; `raw` audio has no such name."""
        return cls(part, f"audio.{container}", _CONTENT_TYPES[container], data)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request. Headers may hold a key, and bodies words, so they are never shown.

    Attributes:
        url: with its query.
        body: as it is sent; a form has `fields` and `upload` in its place.
        fields: of a multipart form, in their order; a name may come more than once.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    fields: Sequence[tuple[str, str]] = field(default=(), repr=False)
    upload: Upload | None = None


class Refused(Protocol):
    """Why a vendor refuses a request."""

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an HTTP status of 300 or more is; header names are in lower case."""


def advised_wait_s(headers: Mapping[str, str]) -> float | None:
    """How long a refusal asks to be waited for, by its headers, whose names are in lower case.

    `retry-after` is RFC 9110's; `retry-after-ms`, which some vendors say too, is finer. A date is
    left out: no request in a call can wait for one.
    """
    for name, per_s in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait_s = float(headers[name]) / per_s
        except (KeyError, ValueError):
            continue
        if math.isfinite(wait_s):
            return max(0.0, wait_s)
    return None
