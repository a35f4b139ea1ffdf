"""How long the stand-in waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """AssemblyAI's limits.

    Attributes:
        at_once: sessions.
        shortest_ms, longest_ms: of a message with audio.
        ahead_ms: so much more audio may have come than time has passed since `Begin`. That audio
            may not come faster than it is spoken is documented, how exactly that is measured is
            not: one of the longest messages is assumed.
        writes: whether it gets as far as telling a turn with marks and capitals.
        session_s: so long a session lasts at most.
        heartbeat_ms: so often, in ms of audio, comes what tells how much has arrived (assumed).
    """

    at_once: int = 100
    shortest_ms: float = 50.0
    longest_ms: float = 1_000.0
    ahead_ms: float = 1_000.0
    writes: bool = True
    session_s: float = 3 * 3_600.0
    heartbeat_ms: int = 1_000
