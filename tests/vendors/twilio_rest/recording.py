"""A recording of a call in progress, and what it may become.

in-progress ⇄ paused, either → stopped; the call's end completes it. That a change to the present
status is none and no error, and that nothing can be done after the end, is assumed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bot.phone.identity import new_sid

from .outbound import TwilioCall
from .problem import not_in_progress

__all__ = ["Recording"]

_MAY_BECOME = {
    "in-progress": {"in-progress", "paused", "stopped"},
    "paused": {"paused", "in-progress", "stopped"},
    "stopped": {"stopped"},
}


@dataclass(slots=True)
class Recording:
    """One recording; `source` is who asked for it."""

    call: TwilioCall
    channels: int
    track: str
    source: str = "StartCallRecordingAPI"
    sid: str = field(default_factory=lambda: new_sid("RE"))
    started_s: float = field(default_factory=time.time)
    updated_s: float = field(default_factory=time.time)
    pauses: list[str] = field(default_factory=list)
    _status: str = "in-progress"

    @property
    def status(self) -> str:
        return self._status if self.call.ended_s is None else "completed"

    @property
    def ended_s(self) -> float | None:
        return self.updated_s if self._status == "stopped" else self.call.ended_s

    @property
    def is_current(self) -> bool:
        """Whether `Twilio.CURRENT` means this one."""
        return self.status in {"in-progress", "paused"}

    def become(self, status: str, pause_behavior: str | None) -> None:
        """Pause, resume or stop.

        Raises:
            Problem: it is over.
        """
        if status not in _MAY_BECOME.get(self.status, set()):
            raise not_in_progress(f"Recording is {self.status}. Cannot become {status}.")
        if status == "paused" and self._status != "paused":
            self.pauses.append(pause_behavior or "silence")
        self._status = status
        self.updated_s = time.time()
