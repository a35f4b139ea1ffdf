"""PURE: what an HTTP status means, where a vendor gives it no meaning of its own."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import (
    ApiError,
    AudioTooLargeError,
    AuthenticationError,
    DeadlineError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)

__all__ = ["Hints", "by_status"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a user can do about an account's troubles.

    Attributes:
        key: when the key is refused.
        quota: when nothing is left.
        limit: when it was too much at a time.
    """

    key: str
    quota: str
    limit: str


def by_status(
    provider: str,
    status: int,
    text: str,
    hints: Hints,
    *,
    code: str | None = None,
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error that a status of 300 or more is.

    Args:
        provider: the catalogue name.
        status: it; vendors tell the same numbers in messages of WebSockets, too.
        text: what the vendor says about it.
        hints: of the account.
        code: the vendor's name for it.
        retry_after_s: its advice.
    """
    match status:
        case 401 | 403:
            return AuthenticationError(provider, text, hint=hints.key, code=code)
        case 402:
            return QuotaError(provider, text, hint=hints.quota, code=code)
        case 408 | 504:
            return DeadlineError(provider, text, code=code)
        case 413:
            hint = "split it where nobody speaks"
            return AudioTooLargeError(provider, text, hint=hint, code=code)
        case 429:
            return RateLimitError(
                provider, text, hint=hints.limit, code=code, retry_after_s=retry_after_s
            )
        case _ if status >= 500:
            return UnavailableError(provider, text, code=code)
    return ApiError(provider, text, code=code)
