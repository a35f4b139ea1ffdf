"""What the streams of one call have in common."""

from __future__ import annotations

from dataclasses import dataclass

from .caller import Caller
from .clock import PhoneClock
from .events import EventKind, Faults, OnEvent, PhoneEvent, Traffic
from .tape import Tape

__all__ = ["CallState"]


@dataclass(frozen=True, slots=True)
class CallState:
    """What outlives one stream of a call."""

    clock: PhoneClock
    caller: Caller
    tape: Tape
    traffic: Traffic
    faults: Faults
    on_event: OnEvent

    def tell(self, kind: EventKind, detail: str = "", at_ms: float | None = None) -> None:
        self.on_event(PhoneEvent(kind, self.clock.ms if at_ms is None else at_ms, detail))

    def fault(self, code: int, message: str) -> None:
        self.tell(EventKind.FAULT, str(self.faults.report(code, message)))
