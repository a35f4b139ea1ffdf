"""A session that this worker has, and what it needs to know about it to bring it to its end."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from .faults import Fault
from .session import Session
from .settings import SttServiceSettings

__all__ = ["CHUNK", "STREAM", "Held"]

STREAM = "stream"
CHUNK = "chunk"
"""The door of sessions that have no connection that could be lost."""
KEPT = 50
"""Clients come back soon; the store has all."""


@dataclass(slots=True, eq=False)
class Held:
    """A session of this worker.

    Attributes:
        session: it.
        door: by which it came.
        began_s: when it was begun or taken up here (the loop's time).
        begun: whether its client was told that it has begun.
        left_s: when its client was gone; None while it is there.
        counted_ms: how much of its audio was counted; None before the first time.
        looks: how often it was looked after.
        due: why it must end, if it must.
        ending: whether it is being brought to its end.
        lost: why this worker has it no more; None while it has.
        finals: the latest messages of what was understood for good, each with its number.
        gone: set when its connection is closed.
    """

    session: Session
    door: str
    began_s: float
    begun: bool = False
    left_s: float | None = None
    counted_ms: float | None = None
    looks: int = 0
    due: Fault | None = None
    ending: bool = False
    lost: Fault | None = None
    finals: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=KEPT))
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.left_s is None and not self.session.over

    @property
    def absent(self) -> bool:
        """Whether its client is lost, and its recognizer waits for who may come back."""
        return self.left_s is not None and not self.session.over

    def uncounted_ms(self) -> float:
        """How much audio has come here since this was asked last."""
        before_ms = self.session.from_ms if self.counted_ms is None else self.counted_ms
        self.counted_ms = self.session.audio_ms
        return max(0.0, self.counted_ms - before_ms)

    def kept_after(self, after: int) -> list[bytes] | None:
        """All finals with a greater number, if they are all here."""
        missed = self.session.sequence - after
        kept = [message for sequence, message in self.finals if sequence > after]
        return kept if len(kept) == max(0, missed) else None

    def why_end(self, limits: SttServiceSettings, now_s: float) -> Fault | None:
        """Why it must end, if it must."""
        session, idle_s, most_s = self.session, limits.stt_idle_s, limits.stt_max_session_s
        if not session.sending and now_s - session.touched_s >= idle_s:
            return Fault("idle", f"nothing came for {idle_s:g} s: begin another")
        if now_s - self.began_s >= most_s or session.audio_ms >= most_s * 1000:
            return Fault("too_long", f"a session lasts {most_s:g} s at most: begin another")
        return None
