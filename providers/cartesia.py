"""PURE: what Cartesia's recognizers and its synthesizer share: account, addresses, errors.

Source: https://docs.cartesia.ai/use-the-api/api-conventions and the types of Cartesia's own SDK
(4.2.0)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from .errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)
from .http_request import advised_wait_s

__all__ = ["CartesiaAccount", "failure", "refusal"]

VERSION = "2026-08-14"
_UNKNOWN = ("model", "voice", "language")
_HINT_KEY = "check CARTESIA_API_KEY"
_HINT_CREDITS = "see the plan's credits at play.cartesia.ai"
_HINT_LIMIT = "the plan allows so many at a time"
_HINT_OFFER = "see CARTESIA_VOICE_ID, CARTESIA_TTS_MODEL, CARTESIA_STT_MODEL and `parley voices`"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartesiaAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: the key.
        base_url: of its HTTP API; its WebSockets are at the same address.
        stt_model: what recognizes; None is the one for the language.
        tts_model: what speaks.
        voice_id: who speaks when no voice is chosen.

    Raises:
        MissingKeyError: there is no key.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = "https://api.cartesia.ai"
    stt_model: str | None = None
    tts_model: str = "sonic-3.5"
    voice_id: str = "a0e99841-438c-4a64-b679-ae501e7d6091"

    def __post_init__(self) -> None:
        if not self.api_key:
            raise MissingKeyError("cartesia", "no key", hint="set CARTESIA_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account, and which version of the protocol is spoken."""
        return {"Authorization": f"Bearer {self.api_key}", "cartesia-version": VERSION}

    def url(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """The address of an HTTP service."""
        return f"{self.base_url.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}"

    def socket_url(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """The address of a WebSocket: the scheme alone is another."""
        return "ws" + self.url(path, query).removeprefix("http")


def failure(
    provider: str, told: Mapping[str, Any], *, retry_after_s: float | None = None
) -> ProviderError:
    """The error that Cartesia tells of, in a message or an HTTP answer.

    Args:
        provider: the catalogue name.
        told: with `status_code`, `error_code`, `title`, `message`, as far as there are any.
        retry_after_s: its advice.
    """
    status = told.get("status_code")
    status = status if isinstance(status, int) else 500
    code = str(told.get("error_code") or status)[:100]
    text = str(told.get("message") or told.get("title") or f"HTTP status {status}")[:200]
    if status in (401, 403):
        return AuthenticationError(provider, text, hint=_HINT_KEY, code=code)
    if status == 402 or "quota" in code:
        return QuotaError(provider, text, hint=_HINT_CREDITS, code=code)
    if status == 429:
        return RateLimitError(
            provider, text, hint=_HINT_LIMIT, code=code, retry_after_s=retry_after_s
        )
    if status in (408, 504):
        return DeadlineError(provider, text, code=code)
    if status >= 500:
        return UnavailableError(provider, text, code=code)
    if status == 404 or code.startswith(_UNKNOWN):
        return UnsupportedError(provider, text, hint=_HINT_OFFER, code=code)
    return ApiError(provider, text, code=code)


def refusal(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP status of 300 or more is; header names are in lower case."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = {}
    told = told if isinstance(told, dict) else {}
    return failure(provider, {**told, "status_code": status}, retry_after_s=advised_wait_s(headers))
