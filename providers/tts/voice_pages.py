"""PURE: how a vendor is asked, over HTTP, for the voices that it offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..http_request import HttpRequest
from ..types import Voice

__all__ = ["VoicePages"]


class VoicePages(Protocol):
    """How a vendor is asked for its voices."""

    def request(self, token: str | None) -> HttpRequest:
        """What asks for the first page, or the one of that token."""

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        """A page's voices, and the token of the next page, if there is one.

        Raises:
            InvalidResponseError: it is no such page.
        """
