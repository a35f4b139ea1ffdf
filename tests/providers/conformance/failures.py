"""What goes wrong with whatever a provider talks to, and which error it has to be."""

from __future__ import annotations

from providers.errors import (
    AuthenticationError,
    DeadlineError,
    NetworkError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from tests.vendors.speech.faults import Fault

__all__ = ["DOWN", "MANY", "REFUSED", "check_down", "check_refused", "fault_id"]

REFUSED = (Fault("denied"), Fault("quota"), Fault("limited", retry_after_s=30))
DOWN = (
    Fault("refuse"),
    Fault("busy"),
    Fault("reset", "open"),
    Fault("stall", "open"),
    Fault("deaf", "open"),
)
MANY = 20
"""A vendor that is down fails that many times, at least."""

_REFUSED: dict[str, type[ProviderError]] = {
    "denied": AuthenticationError,
    "quota": QuotaError,
    "limited": RateLimitError,
}
_DOWN: dict[str, type[ProviderError]] = {
    "refuse": NetworkError,
    "busy": UnavailableError,
    "reset": NetworkError,
    "stall": DeadlineError,
    "deaf": DeadlineError,
}


def check_refused(error: ProviderError, name: str, fault: Fault) -> None:
    """See that a provider's error is the refusal's, and says whether a retry can help."""
    assert type(error) is _REFUSED[fault.kind]
    assert error.provider == name
    assert error.retryable is isinstance(error, RateLimitError)
    if isinstance(error, RateLimitError):
        assert error.retry_after_s == fault.retry_after_s


def check_down(error: ProviderError, name: str, fault: Fault) -> None:
    """See that a provider's error is that of a vendor who may be there again later."""
    assert type(error) is _DOWN[fault.kind]
    assert error.provider == name
    assert error.retryable


def fault_id(value: object) -> str:
    """A fault, as a test is called."""
    if not isinstance(value, Fault):
        return str(value)
    details = [value.kind, value.when, value.code, value.kind == "garbage" and value.garbage]
    return "-".join(str(detail) for detail in details if detail)
