"""PURE: the voices of Cartesia's library, and those of an account.

Source: https://docs.cartesia.ai/api-reference/voices/list
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cartesia import CartesiaAccount
from ..errors import InvalidResponseError
from ..http_request import HttpRequest
from ..messages import read
from ..types import Voice

__all__ = ["CartesiaVoices"]

PAGE = 100


class CartesiaVoices:
    """The `VoicePages` of an account.

    Args:
        provider: the catalogue name.
        account: whose.
    """

    def __init__(self, provider: str, account: CartesiaAccount) -> None:
        self._provider = provider
        self._account = account

    def request(self, token: str | None) -> HttpRequest:
        """What asks for the first page, or the one after the voice of that id."""
        query = [("limit", str(PAGE))]
        if token is not None:
            query.append(("starting_after", token))
        url = self._account.url("/voices", query)
        return HttpRequest(url=url, method="GET", headers=self._account.headers)

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        """A page's voices, and the id of the last when there may be another page.

        Raises:
            InvalidResponseError: it is no such page.
        """
        page = read(self._provider, body)
        try:
            voices = [self._voice(voice) for voice in page["data"]]
        except (KeyError, TypeError, AttributeError):
            raise InvalidResponseError(self._provider, "that is no list of voices") from None
        return voices, voices[-1].id if len(voices) == PAGE else None

    def _voice(self, voice: Mapping[str, Any]) -> Voice:
        locales = voice.get("locales") or ()
        native = next((one["locale"] for one in locales if one.get("is_native")), None)
        return Voice(
            id=voice["id"],
            name=voice.get("name") or voice["id"],
            language=native or voice["language"],
            gender=voice.get("gender"),
            description=voice.get("description") or voice.get("tagline") or "",
            accent=voice.get("accent"),
            provider=self._provider,
        )
