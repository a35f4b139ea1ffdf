"""What is measured of sessions, and by whom each stream of the vendor is heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.bench.calls.series import Series
from bot.bench.calls.wheel import Wheel

from .speech import Speech

if TYPE_CHECKING:
    from .speaker import Speaker

__all__ = ["Scene", "Seen"]


@dataclass(slots=True)
class Seen:
    """All in ms.

    Attributes:
        lateness: how late clients sent messages: our own fault.
        started: from the beginning of a connection to `session_started`.
        ways_in: from the message sent that completes a piece of audio to its arrival at the vendor.
        ways_out: from the vendor's message to ours.
        overheads: both for one word: from the message sent, by which the vendor knew it, to ours.
        firsts: from the beginning of speech to the first interim.
        vendor_firsts: the vendor's part of that: of how much speech it waited for the end.
        echoes: the way of a message to the bare echo and back.
        counts: streams of the vendor that are `strange`.
    """

    lateness: Series = field(default_factory=Series)
    started: Series = field(default_factory=Series)
    ways_in: Series = field(default_factory=Series)
    ways_out: Series = field(default_factory=Series)
    overheads: Series = field(default_factory=Series)
    firsts: Series = field(default_factory=Series)
    vendor_firsts: Series = field(default_factory=Series)
    echoes: Series = field(default_factory=Series)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Scene:
    """One round's.

    Attributes:
        speech: what is said.
        wheel: the clock's.
        seen: what was measured.
        speakers: clients, by the first piece of their audio.
    """

    speech: Speech
    wheel: Wheel
    seen: Seen = field(default_factory=Seen)
    speakers: dict[bytes, Speaker] = field(default_factory=dict)

    def forget(self) -> None:
        """The sessions are over: others follow."""
        self.speakers.clear()
        self.seen = Seen()
