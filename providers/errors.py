"""The one error tree of the speech providers.

::

    ProviderError
    ├── AuthenticationError     the key was refused                        caller's fault
    ├── MissingKeyError         no key, or an extra is not installed       caller's fault
    ├── UnsupportedError        a language, format or option not on offer  caller's fault
    ├── ApiError                the vendor found the request wrong         our fault
    ├── QuotaError              the account's balance or budget is used up
    ├── RateLimitError          too many requests; may say how long to wait
    ├── CapacityError           every engine of this machine is taken
    ├── DeadlineError           no answer within the deadline
    ├── NetworkError            the connection failed or broke
    ├── InvalidResponseError    the vendor said something we cannot read
    └── UnavailableError        the vendor or the engine is down

Whether a retry can help (`retryable`) is decided where an error is raised, never guessed by the
one who catches it. Messages say what to do and never hold a key.
"""

from __future__ import annotations

__all__ = [
    "ApiError",
    "AuthenticationError",
    "CapacityError",
    "DeadlineError",
    "InvalidResponseError",
    "MissingKeyError",
    "NetworkError",
    "ProviderError",
    "QuotaError",
    "RateLimitError",
    "UnavailableError",
    "UnsupportedError",
]


class ProviderError(Exception):
    """A speech provider failed.

    Attributes:
        provider: the catalogue name of the provider, such as `"pocketsphinx"`.
        reason: what went wrong, in a few words.
        hint: what the user can do about it; empty when nothing is known.
        retryable: whether the same request may succeed later.
        code: the vendor's own code for it, when there is one.
    """

    default_retryable = False

    def __init__(
        self,
        provider: str,
        reason: str,
        *,
        hint: str = "",
        retryable: bool | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(provider, reason, hint)
        self.provider = provider
        self.reason = reason
        self.hint = hint
        self.retryable = self.default_retryable if retryable is None else retryable
        self.code = code

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.provider}: {self.reason}{code}{hint}"


class AuthenticationError(ProviderError):
    """The vendor refused the key."""


class MissingKeyError(ProviderError):
    """A key, or the package extra that brings the engine, is not there."""


class UnsupportedError(ProviderError):
    """The provider does not offer what was asked: a language, a format, an option."""


class ApiError(ProviderError):
    """The vendor found the request wrong; `code` is its word for it."""


class QuotaError(ProviderError):
    """The account has used up its balance or its budget."""


class RateLimitError(ProviderError):
    """Too many requests. `retry_after_s` is the vendor's own advice, if it gave one."""

    default_retryable = True

    def __init__(
        self,
        provider: str,
        reason: str,
        *,
        hint: str = "",
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(provider, reason, hint=hint, code=code)
        self.retry_after_s = retry_after_s


class CapacityError(ProviderError):
    """Every engine of this machine is taken; another call must end first."""

    default_retryable = True


class DeadlineError(ProviderError):
    """The provider did not answer within its deadline."""

    default_retryable = True


class NetworkError(ProviderError):
    """The connection to the provider failed or broke."""

    default_retryable = True


class InvalidResponseError(ProviderError):
    """The provider said something that its protocol does not allow."""


class UnavailableError(ProviderError):
    """The provider, or the engine on this machine, is down."""

    default_retryable = True
