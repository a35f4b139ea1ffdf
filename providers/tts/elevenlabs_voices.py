"""PURE: the voices of an ElevenLabs account.

Source: https://elevenlabs.io/docs/api-reference/voices/search
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..elevenlabs import ElevenLabsAccount
from ..errors import InvalidResponseError
from ..http_request import HttpRequest
from ..messages import read
from ..types import Voice

__all__ = ["ElevenLabsVoices"]

PAGE = 100


class ElevenLabsVoices:
    """The `VoicePages` of an account.

    Args:
        provider: the catalogue name.
        account: whose.
    """

    def __init__(self, provider: str, account: ElevenLabsAccount) -> None:
        self._provider = provider
        self._account = account

    def request(self, token: str | None) -> HttpRequest:
        """What asks for the first page, or the one of that token."""
        query = [("page_size", str(PAGE)), ("include_total_count", "false")]
        if token is not None:
            query.append(("next_page_token", token))
        url = self._account.url("v2", "voices", query=query)
        return HttpRequest(url=url, method="GET", headers=self._account.headers)

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        """A page's voices, and the token of the next page.

        Raises:
            InvalidResponseError: it is no such page.
        """
        page = read(self._provider, body)
        try:
            voices = [self._voice(voice) for voice in page["voices"]]
            return voices, page["next_page_token"] if page["has_more"] else None
        except (KeyError, TypeError, AttributeError):
            raise InvalidResponseError(self._provider, "that is no list of voices") from None

    def _voice(self, voice: Mapping[str, Any]) -> Voice:
        labels = voice.get("labels") or {}
        use_case = labels.get("use_case")
        return Voice(
            id=voice["voice_id"],
            name=voice.get("name") or voice["voice_id"],
            language=_language(voice, labels.get("language")),
            gender=labels.get("gender"),
            description=voice.get("description") or labels.get("description") or "",
            age=labels.get("age"),
            accent=labels.get("accent"),
            use_cases=(use_case,) if use_case else (),
            provider=self._provider,
        )


def _language(voice: Mapping[str, Any], label: str | None) -> str:
    """The one language that it is made for; empty when there are more."""
    verified = {language["language"] for language in voice.get("verified_languages") or ()}
    if label:
        verified.add(label)
    return verified.pop() if len(verified) == 1 else ""
