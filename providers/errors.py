"""The one error tree of the speech providers.

::

    ProviderError
    ├── AuthenticationError     the key was refused                        caller's fault
    ├── MissingKeyError         a key, an extra or a model is not there    caller's fault
    ├── UnsupportedError        a model, voice or option not on offer      caller's fault
    │   ├── UnsupportedLanguageError
    │   └── UnsupportedFormatError
    ├── ApiError                the vendor found the request wrong         our fault
    ├── QuotaError              the account's balance or budget is used up
    │   └── BudgetError             the monthly budget that was set here is spent
    ├── RateLimitError          too many requests; may say how long to wait
    ├── CapacityError           every engine of this machine is taken
    ├── DeadlineError           no answer within the deadline
    ├── NetworkError            the connection failed or broke
    ├── InvalidResponseError    the vendor said something we cannot read
    ├── UnavailableError        the vendor or the engine is down
    ├── CutOffError             a text was cut off; another provider speaks the next one
    ├── FileError               a file cannot be read or written           caller's fault
    ├── AudioError              what is wrong with audio                   caller's fault
    │   ├── InvalidAudioError       it is not what it is said to be, or broken
    │   ├── ConversionError         it cannot be had in the format that is needed
    │   ├── AudioTooLargeError      it is longer or larger than what is taken
    │   └── UnsupportedRateError    so many samples a second are not on offer
    └── SessionError            what is wrong with a streaming session     caller's fault
        ├── SessionNotFoundError    there is none of that id
        ├── SessionExpiredError     it was idle for too long
        ├── SessionActiveError      it is in use already
        └── SessionCleanupError     it could not be ended in order

Whether a retry can help (`retryable`) is decided where an error is raised, never guessed by the
one who catches it. Messages say what to do and never hold a key.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ApiError",
    "AudioError",
    "AudioTooLargeError",
    "AuthenticationError",
    "BudgetError",
    "CapacityError",
    "ConversionError",
    "CutOffError",
    "DeadlineError",
    "FileError",
    "InvalidAudioError",
    "InvalidResponseError",
    "MissingKeyError",
    "NetworkError",
    "ProviderError",
    "QuotaError",
    "RateLimitError",
    "SessionActiveError",
    "SessionCleanupError",
    "SessionError",
    "SessionExpiredError",
    "SessionNotFoundError",
    "UnavailableError",
    "UnsupportedError",
    "UnsupportedFormatError",
    "UnsupportedLanguageError",
    "UnsupportedRateError",
]


class ProviderError(Exception):
    """A speech provider failed.

    Attributes:
        provider: the catalogue name of the provider, such as `"pocketsphinx"`; what is no
            provider's own fault has `"audio"`, `"file"`, `"session"`, `"config"` or, for all of
            them, `"providers"` here.
        reason: what went wrong, in a few words.
        hint: what the user can do about it: who raises it says so, else it is what helps with its
            kind; empty when nothing is known.
        retryable: whether the same request may succeed later.
        code: the vendor's own code for it, when there is one.
    """

    default_retryable = False
    default_hint = ""

    def __init__(
        self,
        provider: str,
        reason: str,
        *,
        hint: str = "",
        retryable: bool | None = None,
        code: str | None = None,
    ) -> None:
        self.retryable = self.default_retryable if retryable is None else retryable
        if not hint and self.retryable is self.default_retryable:
            hint = self.default_hint
        super().__init__(provider, reason, hint)
        self.provider = provider
        self.reason = reason
        self.hint = hint
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        # What it was made with holds more than `args`, with which an exception is made again.
        return _again, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.provider}: {self.reason}{code}{hint}"


def _again(kind: type[ProviderError], args: tuple[Any, ...]) -> ProviderError:
    """An error that was pickled or copied, before it has what it held."""
    return kind.__new__(kind, *args)


class AuthenticationError(ProviderError):
    """The vendor refused the key."""


class MissingKeyError(ProviderError):
    """A key is not there, or the extra or the model that an engine on this machine needs."""


class UnsupportedError(ProviderError):
    """The provider does not offer what was asked: a model, a voice, an option."""


class UnsupportedLanguageError(UnsupportedError):
    """The provider does not understand or speak the language."""


class UnsupportedFormatError(UnsupportedError):
    """The provider does not take or give audio in that format."""


class ApiError(ProviderError):
    """The vendor found the request wrong; `code` is its word for it."""

    default_hint = "correct what is asked for: it is refused as it is"


class QuotaError(ProviderError):
    """The account has used up its balance or its budget."""

    default_hint = "add to the account's balance, or choose another provider"


class BudgetError(QuotaError):
    """The monthly budget that was set here is spent, whatever the vendor would say."""


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
    default_hint = "try again; if that does not help, choose another provider"


class NetworkError(ProviderError):
    """The connection to the provider failed or broke."""

    default_retryable = True
    default_hint = "see whether this machine reaches it, and try again"


class InvalidResponseError(ProviderError):
    """The provider said something that its protocol does not allow."""

    default_hint = "choose another provider, and report it"


class UnavailableError(ProviderError):
    """The provider, or the engine on this machine, is down."""

    default_retryable = True
    default_hint = "try again soon, or choose another provider"


class CutOffError(ProviderError):
    """A text was cut off after some of it was given; another provider speaks the next one."""

    default_retryable = True
    default_hint = "go on with the next text"


class FileError(ProviderError):
    """A file cannot be read or written."""

    default_hint = "see that it is there and open to you"


class AudioError(ProviderError):
    """Something is wrong with audio, whoever it was meant for."""


class InvalidAudioError(AudioError):
    """The audio is not in the format it is said to be in, or is damaged."""

    default_hint = "see whether it plays elsewhere, or get it again"


class ConversionError(AudioError):
    """The audio cannot be converted into the format that is needed."""

    default_hint = "choose another container or format"


class AudioTooLargeError(AudioError):
    """The audio has more bytes, or lasts longer, than is taken."""


class UnsupportedRateError(AudioError):
    """Nobody here takes or gives so many samples a second."""


class SessionError(ProviderError):
    """Something is wrong with a streaming session."""


class SessionNotFoundError(SessionError):
    """There is no session of that id."""


class SessionExpiredError(SessionError):
    """The session was idle for too long and has been ended; start another."""


class SessionActiveError(SessionError):
    """The session is in use already: its results are read by somebody, or it has begun."""

    default_retryable = True


class SessionCleanupError(SessionError):
    """The session could not be ended in order; what it held is released all the same."""

    default_hint = "nothing: what it held is released"
