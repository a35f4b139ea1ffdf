"""A finished call, written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.dialog.types import Ended
from bot.phone.events import ProtocolFault, Traffic
from bot.phone.measure import latencies, listen
from bot.phone.playback import Clear
from bot.phone.result import CallResult
from bot.phone.speech import Span
from bot.phone.tape import SpokenStep, Tape
from bot.phone.transcript import ReportedTurn

from .sounds import quiet, tone

__all__ = ["FAULT", "finished_call"]

FAULT = ProtocolFault(31951, "field 'track' is not allowed here")


def finished_call(**changes: Any) -> CallResult:
    """A call with a greeting, a barge-in after it, and an answer."""
    tape = Tape(
        caller=bytearray(quiet(1_000) + tone(1_000) + quiet(1_500)),
        bot=bytearray(quiet(200) + tone(1_080) + quiet(1_320) + tone(400) + quiet(500)),
        steps=[SpokenStep("no.ulaw", Span(1_000, 2_000))],
        clears=[Clear(1_280.5, 8_640, 4_000)],
        marks_ms=[700.0, 1_280.5, 3_000.0],
    )
    sound = listen(tape)
    result = CallResult(
        call_sid="CA" + "0" * 32,
        ended=Ended("caller", "hung up"),
        duration_s=3.61234,
        turns=(
            ReportedTurn("bot", "Good day, what can I do?", "Good day", 200, 1_280, True),
            ReportedTurn("caller", "[no]", "[no]", 1_000, 2_000, False),
            ReportedTurn("bot", None, None, 2_600, 3_000, False),
            ReportedTurn("caller", "unheard", "unheard", None, None, False),
        ),
        latencies=latencies(sound),
        sound=sound,
        tape=tape,
        traffic=Traffic(175, 12, 3, 3, 1, [0.1, 0.2, 0.3]),
        faults=(),
        notes=("a note",),
        verbs=("Connect",),
        steps_left=0,
        record=None,
    )
    return replace(result, **changes)
