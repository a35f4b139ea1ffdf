"""PURE: why a session does not go on where it was, though nothing is wrong with it."""

from __future__ import annotations

from .faults import Fault

__all__ = ["AGAIN_S", "TAKEN_OVER", "draining", "over", "taken_over"]

TAKEN_OVER = "session_taken_over"
AGAIN_S = 1.0
"""After which another worker may be there, or a place."""


def taken_over() -> Fault:
    """It goes on over another connection."""
    return Fault(TAKEN_OVER, "another connection has resumed the session")


def over() -> Fault:
    """It does not go on at all."""
    return Fault("session_ended", "the session is over: begin another")


def draining() -> Fault:
    """It is to go on at another worker."""
    return Fault(
        "draining", "this worker ends: connect again, and resume the session", retry_after_s=AGAIN_S
    )
