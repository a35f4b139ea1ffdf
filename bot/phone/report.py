"""PURE: the report of a call: the object that `parley call --json` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .gaps import Gap
from .measure import percentile
from .result import Artifacts, CallResult

__all__ = ["call_report"]


def call_report(result: CallResult, artifacts: Artifacts | None = None) -> dict[str, Any]:
    """One call as JSON values. Times are milliseconds since the call's first stream began."""
    artifacts = artifacts or Artifacts()
    response = result.latencies.response
    return {
        "call_sid": result.call_sid,
        "ended": asdict(result.ended),
        "duration_s": round(result.duration_s, 3),
        "turns": [asdict(turn) for turn in result.turns],
        "latency_ms": {
            "greeting": _rounded(result.latencies.greeting),
            "response": {
                "p50": _rounded(percentile(response, 50)),
                "p95": _rounded(percentile(response, 95)),
                "max": _rounded(max(response, default=None)),
                "all": [_rounded(value) for value in response],
            },
            "barge_in": [_rounded(value) for value in result.latencies.barge_in],
            "overlaps": result.latencies.overlaps,
        },
        "gaps": [_gap(gap) for gap in result.gaps],
        "frames": {
            "sent": result.traffic.frames_sent,
            "received": result.traffic.frames_received,
        },
        "marks": {"sent": result.traffic.marks_sent, "echoed": result.traffic.marks_echoed},
        "clears": len(result.tape.clears),
        "protocol_errors": [asdict(fault) for fault in result.faults],
        "artifacts": {
            "recording": _path(artifacts.recording),
            "timeline": _path(artifacts.timeline),
        },
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "cause": gap.cause,
        "at_ms": _rounded(gap.at_ms),
        "to_stream_ms": _rounded(gap.to_stream_ms),
        "to_audio_ms": _rounded(gap.to_audio_ms),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _path(path: object) -> str | None:
    return None if path is None else str(path)
