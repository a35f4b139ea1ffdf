"""The voices of a vendor: those it is known for, or those it lists when asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import InvalidResponseError
from ..http import HttpClient
from ..http_request import Refused
from ..types import Voice
from .voice_pages import VoicePages

__all__ = ["VoiceList", "speaks"]

DEADLINE_S = 10.0
MAX_PAGES = 50


class VoiceList:
    """The voices of one vendor.

    Args:
        known: those that are known without asking.
        pages: how the vendor is asked for more; None when it cannot be.
        refused: what an HTTP status of 300 or more means.
        http: what it is asked with.
    """

    def __init__(
        self,
        known: Callable[[], Sequence[Voice]],
        pages: VoicePages | None,
        refused: Refused,
        http: HttpClient,
    ) -> None:
        self._known = known
        self._pages = pages
        self._refused = refused
        self._http = http

    async def fetch(self, language: str | None = None) -> list[Voice]:
        """The voices that speak a language; None is any.

        Raises:
            ProviderError: the vendor cannot be asked.
        """
        voices = list(self._known()) if self._pages is None else await self._listed(self._pages)
        return [voice for voice in voices if language is None or speaks(voice, language)]

    async def _listed(self, pages: VoicePages) -> list[Voice]:
        voices: list[Voice] = []
        token: str | None = None
        for _ in range(MAX_PAGES):
            answer = await self._http.fetch(
                pages.request(token), self._refused, deadline_s=DEADLINE_S
            )
            found, token = pages.read(answer.body)
            voices += found
            if token is None:
                return voices
        raise InvalidResponseError(self._http.provider, "the list of voices does not end")


def speaks(voice: Voice, language: str) -> bool:
    """Whether a voice speaks a language: `en` is any English, asked for or spoken."""
    wanted, spoken = language.lower(), voice.language.lower()
    if not spoken or wanted == spoken:
        return True
    general = "-" not in wanted or "-" not in spoken
    return general and wanted.partition("-")[0] == spoken.partition("-")[0]
