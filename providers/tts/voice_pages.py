"""PURE: how a vendor is asked, over HTTP, for the voices that it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from ..errors import InvalidResponseError
from ..http_request import HttpRequest
from ..types import Voice

__all__ = ["OnePage", "VoicePages"]


class VoicePages(Protocol):
    """How a vendor is asked for its voices."""

    def request(self, token: str | None) -> HttpRequest:
        """What asks for the first page, or the one of that token."""

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        """A page's voices, and the token of the next page, if there is one.

        Raises:
            InvalidResponseError: it is no such page.
        """


class OnePage:
    """The `VoicePages` of a vendor that lists all its voices at once, in JSON.

    Args:
        provider: the catalogue name.
        url: where the list is.
        headers: what proves the account.
        voices: makes the voices of the list; for what is none it may raise `KeyError`, `TypeError`
            or `AttributeError`.
    """

    def __init__(
        self,
        provider: str,
        url: str,
        headers: Mapping[str, str],
        voices: Callable[[Any], Sequence[Voice]],
    ) -> None:
        self._provider = provider
        self._request = HttpRequest(url=url, method="GET", headers=headers)
        self._voices = voices

    def request(self, token: str | None) -> HttpRequest:
        """What asks for the list."""
        return self._request

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        """All of them.

        Raises:
            InvalidResponseError: it is no list of voices.
        """
        try:
            return self._voices(orjson.loads(body)), None
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise InvalidResponseError(self._provider, "that is no list of voices") from None
