"""PURE: the outcome of the demo as JSON values, and its latencies as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.phone.report import call_report
from bot.phone.result import CallResult

from .run import Outcome
from .verdict import booking_of

__all__ = ["Row", "latency_rows", "outcome_report"]

Row = tuple[str, Sequence[float]]


def latency_rows(result: CallResult) -> list[Row]:
    """What is measured, and its values in milliseconds.

    The phone measures `response` on the line. The worker's own record says how much of it went by
    until the turn was finished, which is endpointing and the recognizer's last word, and how much
    from there to the first audio of the reply.
    """
    measured = result.latencies
    own = _own_latencies(result)
    return [
        ("greeting", [] if measured.greeting is None else [measured.greeting]),
        ("response", measured.response),
        ("  of it endpointing and recognition", [answer["endpointing_ms"] for answer in own]),
        ("  of it dialog and synthesis", [answer["reply_ms"] for answer in own]),
        ("barge-in: speech to clear", measured.barge_in),
        ("the phone's own lateness", result.traffic.late_ms),
    ]


def outcome_report(outcome: Outcome) -> dict[str, Any]:
    """The report of the call as `parley call --json` prints it, and what is the demo's own."""
    return {
        "ok": not outcome.faults,
        "faults": list(outcome.faults),
        "booking": dict(booking_of(outcome.result)),
        "worker_latency_ms": _own_latencies(outcome.result),
        **call_report(outcome.result, outcome.artifacts),
    }


def _own_latencies(result: CallResult) -> list[dict[str, float]]:
    answers = (result.record or {}).get("latencies", ())
    return [{name: round(ms, 1) for name, ms in answer.items()} for answer in answers]
