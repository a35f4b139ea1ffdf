"""The object that `--json` prints."""

from __future__ import annotations

from pathlib import Path

import orjson

from bot.phone.gaps import Gap
from bot.phone.measure import Latencies
from bot.phone.report import call_report
from bot.phone.result import Artifacts

from .results import FAULT, finished_call


def test_exactly_these_fields() -> None:
    gap = Gap("the connection broke", 1234.56, 250.04, None)
    result = finished_call(faults=(FAULT,), gaps=(gap,))
    files = Artifacts(recording=Path("out/recording.wav"))
    assert call_report(result, files) == {
        "call_sid": "CA" + "0" * 32,
        "ended": {"by": "caller", "reason": "hung up"},
        "duration_s": 3.612,
        "turns": [
            {
                "role": "bot",
                "text": "Good day, what can I do?",
                "heard": "Good day",
                "start_ms": 200,
                "end_ms": 1_280,
                "interrupted": True,
            },
            {
                "role": "caller",
                "text": "[no]",
                "heard": "[no]",
                "start_ms": 1_000,
                "end_ms": 2_000,
                "interrupted": False,
            },
            {
                "role": "bot",
                "text": None,
                "heard": None,
                "start_ms": 2_600,
                "end_ms": 3_000,
                "interrupted": False,
            },
            {
                "role": "caller",
                "text": "unheard",
                "heard": "unheard",
                "start_ms": None,
                "end_ms": None,
                "interrupted": False,
            },
        ],
        "latency_ms": {
            "greeting": 200,
            "response": {"p50": 600, "p95": 600, "max": 600, "all": [600]},
            "barge_in": [280.5],
            "overlaps": 0,
        },
        "gaps": [
            {
                "cause": "the connection broke",
                "at_ms": 1234.6,
                "to_stream_ms": 250.0,
                "to_audio_ms": None,
            }
        ],
        "frames": {"sent": 175, "received": 12},
        "marks": {"sent": 3, "echoed": 3},
        "clears": 1,
        "protocol_errors": [{"code": 31951, "message": "field 'track' is not allowed here"}],
        "artifacts": {"recording": "out/recording.wav", "timeline": None},
    }
    orjson.dumps(call_report(result, files))


def test_what_was_not_measured_is_null() -> None:
    report = call_report(finished_call(latencies=Latencies(None, (), (), 0)))
    assert report["latency_ms"] == {
        "greeting": None,
        "response": {"p50": None, "p95": None, "max": None, "all": []},
        "barge_in": [],
        "overlaps": 0,
    }
    assert report["artifacts"] == {"recording": None, "timeline": None}
