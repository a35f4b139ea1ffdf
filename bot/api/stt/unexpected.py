"""What a client is told of whatever went wrong, and what the log is."""

from __future__ import annotations

import structlog

from providers.errors import ProviderError

from .encodings import ENCODINGS
from .faults import Fault, fault_of

__all__ = ["fault_for"]

log = structlog.get_logger(__name__)


def fault_for(error: Exception) -> Fault:
    """The fault that an error is to a client; one that nobody expected is logged."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, ProviderError):
        fault = fault_of(error)
        if fault.code == "bad_audio":
            fault.allowed = {"encoding": list(ENCODINGS)}
        return fault
    log.error("session failed", exc_info=error)
    return Fault("internal", "the service has a fault: resume the session, and report it")
