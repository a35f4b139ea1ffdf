"""A simulated call when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.dialog.types import Ended

from .events import ProtocolFault, Traffic
from .gaps import Gap
from .measure import Latencies, Sound
from .tape import Tape
from .transcript import ReportedTurn

__all__ = ["Artifacts", "CallResult"]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Files that were left of a call; None: not made."""

    recording: Path | None = None
    timeline: Path | None = None
    transcript: Path | None = None
    report: Path | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the phone knows of a call.

    Attributes:
        ended: as the phone saw it.
        duration_s: from the first webhook to the end, on the phone's clock.
        turns: the conversation; words come from the worker, times from the frames.
        latencies: measured on the frames.
        sound: where there was speech.
        tape: both sides' audio, the caller's steps, clears and marks. `tape.bot` is what was really
            played: at a clear, everything before its `at_ms` was heard and nothing after it.
        traffic: messages that were exchanged, and the phone's own lateness.
        faults: what Twilio would have logged as an error.
        notes: what else a reader of the report should know.
        verbs: the TwiML verbs that were followed, in order.
        steps_left: how many of the caller's steps were not reached.
        record: the worker's own record of the call; None when it did not give one.
        gaps: for each stream that ended before the call did, how long the caller had none.
    """

    call_sid: str
    ended: Ended
    duration_s: float
    turns: tuple[ReportedTurn, ...]
    latencies: Latencies
    sound: Sound = field(repr=False)
    tape: Tape = field(repr=False)
    traffic: Traffic = field(repr=False)
    faults: tuple[ProtocolFault, ...]
    notes: tuple[str, ...]
    verbs: tuple[str, ...]
    steps_left: int
    record: Mapping[str, Any] | None = field(repr=False)
    gaps: tuple[Gap, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something went wrong that a caller or Twilio would notice."""
        return bool(self.faults) or self.ended.by == "error"
