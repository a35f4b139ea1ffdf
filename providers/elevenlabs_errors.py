"""PURE: what goes wrong at ElevenLabs, by its names for it, as our errors.

Source: https://elevenlabs.io/docs/eleven-api/resources/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from .codec import Close
from .errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from .http_request import advised_wait_s

__all__ = ["closing", "failure", "refusal"]

_MOST_TEXT = 200
_KEY = frozenset(
    [
        *("invalid_api_key", "missing_api_key", "auth_error", "authentication_error"),
        *("needs_authorization", "unauthorized", "detected_unusual_activity"),
    ]
)
_QUOTA = frozenset(["quota_exceeded", "insufficient_credits", "payment_required"])
_LIMIT = frozenset(
    [
        *("rate_limited", "rate_limit_exceeded", "system_busy"),
        *("too_many_concurrent_requests", "concurrent_limit_exceeded"),
    ]
)
_DOWN = frozenset(
    [
        *("error", "transcriber_error", "internal_server_error", "service_unavailable"),
        *("resource_exhausted", "queue_overflow"),
        # Another session goes on from there.
        *("session_time_limit_exceeded", "insufficient_audio_activity"),
        # Of contexts: a new connection has room for those that are wanted.
        "max_active_conversations",
    ]
)
_CONTEXTS = "simultaneous contexts"
_TOO_LONG = frozenset(["max_character_limit_exceeded"])
"""Told with 401 or 400: it is not the key."""
_LANGUAGE = frozenset(["unsupported_language", "language_not_supported", "invalid_language_code"])
_UNKNOWN = frozenset(["voice_not_found", "model_not_found", "unsupported_model", "invalid_voice"])
_POLICY_VIOLATION = 1008
_WORDS = {"quota": "quota_exceeded", "credits": "quota_exceeded", "api key": "invalid_api_key"}
_PERMISSIONS = "missing_permissions"
_TERMS = "unaccepted_terms"
_HINTS = {
    _PERMISSIONS: "let the key use Text to Speech, Speech to Text, Voices and Models",
    _TERMS: "accept them at elevenlabs.io/app/product-terms",
}
_HINT_KEY = "check ELEVENLABS_API_KEY, and ELEVENLABS_BASE_URL: a key belongs to one region"
_HINT_QUOTA = "see the subscription's credits"
_HINT_LIMIT = "the subscription allows so many at a time"
_HINT_OFFER = "see ELEVENLABS_VOICE_ID, ELEVENLABS_TTS_MODEL and what `parley voices` lists"


def failure(
    provider: str,
    kind: str,
    text: str,
    *,
    status: int | None = None,
    param: str = "",
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error that ElevenLabs tells of.

    Args:
        provider: the catalogue name.
        kind: its name for the error; empty when it has none.
        text: what it says about it.
        status: the HTTP status, if there is one. It says less: a quota that is used up is 401.
        param: which parameter is wrong.
        retry_after_s: its advice.
    """
    text, code = text[:_MOST_TEXT] or f"HTTP status {status}", kind or None
    if kind in _QUOTA or status == 402:
        return QuotaError(provider, text, hint=_HINT_QUOTA, code=code)
    if kind in _LIMIT or status == 429:
        return RateLimitError(
            provider, text, hint=_HINT_LIMIT, code=code, retry_after_s=retry_after_s
        )
    if kind in _LANGUAGE or param == "language_code":
        return UnsupportedLanguageError(provider, text, code=code)
    if kind in _UNKNOWN or param in ("model_id", "voice_id") or status == 404:
        return UnsupportedError(provider, text, hint=_HINT_OFFER, code=code)
    if kind in _TOO_LONG:
        return ApiError(provider, text, code=code)
    if kind in _KEY or kind in _HINTS or status in (401, 403):
        return AuthenticationError(provider, text, hint=_HINTS.get(kind, _HINT_KEY), code=code)
    if kind == "input_timeout_exceeded" or status == 408:
        return DeadlineError(provider, text, code=code)
    if kind in _DOWN or _CONTEXTS in text or (status is not None and status >= 500):
        return UnavailableError(provider, text, code=code)
    return ApiError(provider, text, code=code)


def refusal(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP answer with a status of 300 or more is."""
    detail = _detail(body)
    kind = detail.get("code") or detail.get("status") or ""
    return failure(
        provider,
        kind if isinstance(kind, str) else "",
        str(detail.get("message") or ""),
        status=status,
        param=str(detail.get("param") or ""),
        retry_after_s=advised_wait_s(headers),
    )


def closing(provider: str, close: Close) -> ProviderError | None:
    """The error that a WebSocket's close frame tells of, where no message did; None: it is none."""
    if close.code != _POLICY_VIOLATION or not close.reason:
        return None
    # It has words alone, no name of an error.
    words = close.reason.lower()
    kind = next((kind for word, kind in _WORDS.items() if word in words), "")
    return failure(provider, kind or "resource_exhausted", close.reason)


def _detail(body: bytes) -> Mapping[str, Any]:
    """What a body says: one object, a list of what is wrong with fields, or a text."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        where = detail[0].get("loc")
        # Never what the field held: it may be the text.
        param = where[-1] if isinstance(where, list) and where else ""
        return {"message": str(detail[0].get("msg")), "param": param}
    if isinstance(detail, str):
        return {"message": detail}
    return detail if isinstance(detail, dict) else {}
