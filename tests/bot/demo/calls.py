"""A demo's call as the phone reports it, made up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.demo.run import Outcome
from bot.dialog.types import Ended
from bot.phone.events import Traffic
from bot.phone.measure import latencies, listen
from bot.phone.playback import Clear
from bot.phone.result import Artifacts, CallResult
from bot.phone.speech import Span
from bot.phone.tape import SpokenStep, Tape
from bot.phone.transcript import read_history, reported_turns
from tests.bot.phone.sounds import quiet, tone

BOOKING = {"day": "friday", "time": "10:00"}
LINES = 2


def entry(role: str, text: str, start_ms: int, end_ms: int, **more: Any) -> dict[str, Any]:
    said = {"role": role, "text": text, "heard": text, "start_ms": start_ms, "end_ms": end_ms}
    return {**said, "interrupted": False, **more}


WELCOME = entry("bot", "Welcome. On which day?", 100, 1100, heard="Welcome. On", interrupted=True)
HISTORY = (
    WELCOME,
    entry("caller", "on friday", 1000, 2000),
    entry("bot", "At what time?", 2700, 3500),
    entry("caller", "at ten", 4500, 5500),
    entry("bot", "Goodbye.", 6300, 7000),
)
ANSWERS = [{"endpointing_ms": 600.0, "reply_ms": 4.0}, {"endpointing_ms": 650.0, "reply_ms": 6.0}]


def record(
    history: tuple[dict[str, Any], ...] = HISTORY, booking: Mapping[str, str] = BOOKING
) -> dict[str, Any]:
    return {"history": list(history), "state": {"result": booking}, "latencies": ANSWERS}


def result(held: dict[str, Any] | None = None, *, cleared: bool = True) -> CallResult:
    """The call of `HISTORY`: the caller speaks from 1000 ms over the welcome, and from 4500 ms."""
    held = record() if held is None else held
    tape = Tape(
        bytearray(quiet(1000) + tone(1000) + quiet(2500) + tone(1000) + quiet(100)),
        bytearray(quiet(100) + tone(1100) + quiet(1500) + tone(800) + quiet(2800) + tone(700)),
        [SpokenStep("a.ulaw", Span(900, 2100)), SpokenStep("b.ulaw", Span(4400, 5600))],
        [Clear(1200.0, 8800, 4000)] if cleared else [],
    )
    sound = listen(tape)
    return CallResult(
        call_sid="CA" + "0" * 32,
        ended=Ended("bot", "hung up"),
        duration_s=7.5,
        turns=tuple(reported_turns(sound, read_history(held))),
        latencies=latencies(sound),
        sound=sound,
        tape=tape,
        traffic=Traffic(late_ms=[0.5, 1.5]),
        faults=(),
        notes=(),
        verbs=("Connect", "Hangup"),
        steps_left=1,
        record=held,
    )


def outcome(*faults: str) -> Outcome:
    files = Artifacts(Path("out/recording.wav"), None, Path("out/transcript.txt"), None)
    return Outcome(result(), files, ("no picture",), faults, Path("out/worker.log"))
