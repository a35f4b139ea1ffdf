"""PURE: what Google Cloud's recognizers and synthesizers share: account, addresses, errors.

Source: https://docs.cloud.google.com/speech-to-text, https://docs.cloud.google.com/text-to-speech;
statuses are gRPC's (https://grpc.io/docs/guides/status-codes), reasons those of ErrorInfo
(https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

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
    UnsupportedLanguageError,
)

__all__ = ["PROVIDER", "GoogleAccount", "failure"]

PROVIDER = "google"
GLOBAL = "global"

_HINT_KEY = (
    "check GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS, what the key is restricted to,"
    " and whether the project has the API enabled"
)
_HINT_BILLING = "see the project's billing and quotas in Google Cloud's console"
_HINT_LIMIT = "ask Google Cloud to raise the project's quota in this region"
_OWN_WORDS = re.compile(r"[^.…]*\bstarting with\b.*", re.DOTALL)
"""Of a sentence that is too long Google repeats the beginning, which is the caller's."""
_HINT_OFFER = "check GOOGLE_MODEL, GOOGLE_VOICE and GOOGLE_LOCATION: not each is with each language"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount:
    """Whose project it is, and where.

    Attributes:
        api_key: of the project.
        application_credentials: the file of a service account, in the place of a key.
        project: its id; without one, version 1 of the recognizer is asked, which needs none.
        location: where version 2 recognizes, and where voices are: `global` or a region.
        tts_location: where voices are, if that is elsewhere.
        base_url: another address than the location's.
        model: what recognizes streams.
        files_model: what recognizes recordings; None is the usual one for long speech.
        voice: who speaks when no voice is chosen; None is the one for the language.
        tts_model: of Gemini, which then speaks; None is whatever the voice is of.

    Raises:
        MissingKeyError: there is neither a key nor a file.
    """

    api_key: str = field(default="", repr=False)
    application_credentials: str | None = None
    project: str | None = None
    location: str = GLOBAL
    base_url: str | None = None
    model: str = "telephony"
    files_model: str | None = None
    voice: str | None = None
    tts_location: str | None = None
    tts_model: str | None = None

    def __post_init__(self) -> None:
        if not self.api_key and not self.application_credentials:
            hint = "set GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS"
            raise MissingKeyError(PROVIDER, "no key", hint=hint)

    def host(self, service: str, location: str = GLOBAL) -> str:
        """The host and port of a service, such as `speech`, in a location."""
        if self.base_url is not None:
            parts = urlsplit(self.base_url)
            return parts.netloc if parts.port else f"{parts.netloc}:443"
        region = "" if location == GLOBAL else f"{location}-"
        return f"{region}{service}.googleapis.com:443"

    @property
    def voices_location(self) -> str:
        """Where voices are."""
        return self.tts_location or self.location

    @property
    def is_plain(self) -> bool:
        """Whether it is spoken to without TLS, as a stand-in on this machine is."""
        return self.base_url is not None and self.base_url.startswith("http:")


def failure(
    provider: str,
    status: str,
    details: str,
    *,
    reason: str = "",
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error that a call's status is.

    Args:
        provider: the catalogue's name of who made the call.
        status: its name, such as `RESOURCE_EXHAUSTED`.
        details: what Google says of it.
        reason: its ErrorInfo's, if there is one.
        retry_after_s: its RetryInfo's.
    """
    text = _OWN_WORDS.sub("", details).strip()[:200] or "it cannot go on"
    code = reason or status
    match status:
        case "UNAUTHENTICATED" | "PERMISSION_DENIED" if reason != "BILLING_DISABLED":
            return AuthenticationError(provider, text, hint=_HINT_KEY, code=code)
        case "PERMISSION_DENIED":
            return QuotaError(provider, text, hint=_HINT_BILLING, code=code)
        case "RESOURCE_EXHAUSTED" if reason == "RESOURCE_QUOTA_EXCEEDED":
            return QuotaError(provider, text, hint=_HINT_BILLING, code=code)
        case "RESOURCE_EXHAUSTED":
            return RateLimitError(
                provider, text, hint=_HINT_LIMIT, code=code, retry_after_s=retry_after_s
            )
        case "DEADLINE_EXCEEDED":
            return DeadlineError(provider, text, code=code)
        case "INVALID_ARGUMENT" | "NOT_FOUND" | "FAILED_PRECONDITION" | "UNIMPLEMENTED":
            return _wrong(provider, status, text, code)
    # Also OUT_OF_RANGE, a stream as long as one may be or one that lags, and ABORTED, one that got
    # nothing for too long: another takes their place.
    return UnavailableError(provider, text, code=code)


def _wrong(provider: str, status: str, text: str, code: str) -> ProviderError:
    """What was asked for is not as it has to be."""
    lower = text.lower()
    if code.startswith("API_KEY_") or "api key" in lower:
        return AuthenticationError(provider, text, hint=_HINT_KEY, code=code)
    if "language" in lower:
        return UnsupportedLanguageError(provider, text, hint=_HINT_OFFER, code=code)
    if status == "NOT_FOUND" or any(word in lower for word in ("model", "voice", "location")):
        return UnsupportedError(provider, text, hint=_HINT_OFFER, code=code)
    return ApiError(provider, text, code=code)
