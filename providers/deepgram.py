"""PURE: what Deepgram's recognizers and synthesizers share: account, addresses, errors.

Source: https://developers.deepgram.com/reference (`/v1/listen`, `/v2/listen`, `/v1/speak`), and
https://developers.deepgram.com/docs/errors
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from .codec import Close, Failed
from .errors import (
    ApiError,
    AuthenticationError,
    InvalidAudioError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)
from .http_request import advised_wait_s
from .http_status import Hints, by_status

__all__ = ["BASE_URL", "DeepgramAccount", "Query", "ended", "failure", "told"]

BASE_URL = "https://api.deepgram.com"
Query = Sequence[tuple[str, str]]
"""Names may come more than once."""

_HINTS = Hints(
    key="check DEEPGRAM_API_KEY, and what its role may do",
    quota="add credit in Deepgram's console",
    limit="ask Deepgram to raise the limit",
)
_HINT_MODEL = "check the model and the language: DEEPGRAM_MODEL, DEEPGRAM_LANGUAGE, the voice"
_OUR_FAULT, _THEIR_FAULT = (1003, 1007, 1008, 1009), 1011
"""Close codes; Deepgram's own code for what happened is in the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: a key of a project.
        base_url: of its HTTP API; its WebSockets are at the same address.
        model: what recognizes streams and recordings.
        flux_model: what `deepgram-flux` recognizes with; None is the one for the language.
        language: what to tell Deepgram of the language, whatever is asked.
        tts_model: the voice when none is chosen; None is the one for the language.

    Raises:
        MissingKeyError: there is no key.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = BASE_URL
    model: str = "nova-3"
    flux_model: str | None = None
    language: str | None = None
    tts_model: str | None = None

    def __post_init__(self) -> None:
        if not self.api_key:
            raise MissingKeyError("deepgram", "no key", hint="set DEEPGRAM_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account; the key goes nowhere else."""
        return {"Authorization": f"Token {self.api_key}"}

    def http_url(self, path: str, query: Query = ()) -> str:
        """The address of an HTTP service."""
        return f"{self.base_url.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}"

    def socket_url(self, path: str, query: Query = ()) -> str:
        """The address of a WebSocket service: the scheme alone is another."""
        return "ws" + self.http_url(path, query).removeprefix("http")


def failure(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP status of 300 or more is, with what the answer says of it."""
    code, text = _explained(status, headers, body)
    retry_after_s = advised_wait_s(headers)
    error = by_status(provider, status, text, _HINTS, code=code, retry_after_s=retry_after_s)
    if not isinstance(error, ApiError):
        return error
    lower = text.lower()
    if "corrupt or unsupported" in lower:
        return InvalidAudioError(provider, text, hint="see what is in the file", code=code)
    if any(word in lower for word in ("model", "language", "voice")):
        return UnsupportedError(provider, text, hint=_HINT_MODEL, code=code)
    return error


def told(provider: str, message: Mapping[str, Any]) -> ProviderError:
    """The error that a message of the type `Error` tells of; the connection is over with it."""
    code = str(message.get("code") or message.get("err_code") or message.get("variant") or "")
    text = message.get("description") or message.get("message") or message.get("err_msg")
    reason = str(text or "it cannot go on")[:200]
    if code in ("INVALID_AUTH", "INSUFFICIENT_PERMISSIONS"):
        return AuthenticationError(provider, reason, hint=_HINTS.key, code=code)
    if code == "ASR_PAYMENT_REQUIRED":
        return QuotaError(provider, reason, hint=_HINTS.quota, code=code)
    if code == "TOO_MANY_REQUESTS":
        return RateLimitError(provider, reason, hint=_HINTS.limit, code=code)
    if code.startswith(("DATA", "MESSAGE", "BIG", "UNPARSABLE")):
        return ApiError(provider, reason, code=code)
    return UnavailableError(provider, reason, code=code or None)


def ended(provider: str, close: Close) -> list[Failed]:
    """What a close frame means: for what we sent it would come again, for else it is passing."""
    reason, code = close.reason[:200], str(close.code)
    if close.code in _OUR_FAULT:
        return [Failed(ApiError(provider, reason or "it refuses what it was sent", code=code))]
    if close.code == _THEIR_FAULT:
        return [Failed(UnavailableError(provider, reason or "it gave up", code=code))]
    return []


def _explained(status: int, headers: Mapping[str, str], body: bytes) -> tuple[str | None, str]:
    """Deepgram's code for an error, and its words: in one of two shapes, or in a header alone."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    code = said.get("err_code") or said.get("category")
    text = said.get("err_msg") or said.get("details") or said.get("message")
    text = text or headers.get("dg-error") or f"HTTP status {status}"
    return (None if code is None else str(code)[:100]), str(text)[:200]
