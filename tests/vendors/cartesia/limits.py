"""How long the stand-in waits, how much it takes, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Cartesia's limits, those of its Scale plan where it depends on that.

    Attributes:
        stt_at_once: recognition streams of both kinds.
        ahead_ms: so much more audio may have come on a stream than time has passed. That it takes a
            second of audio a second is documented, how exactly is not (assumed).
        stt_idle_s: a recognition stream without a frame for so long is closed (assumed).
        contexts_at_once: texts being spoken, on all connections.
        sockets: synthesis connections: ten times as many.
        tts_idle_s: a synthesis connection without a text for so long is closed.
        sure_ms: after so much silence a stream that finds turns is sure that one is over (assumed);
            None: it never is, and goes by `end_timeout_ms` alone.
        hurries: whether a shorter `end_timeout_ms` holds for the turn that has begun (assumed).
        text_s: a context that waits for more text for so long is over (assumed).
    """

    stt_at_once: int = 60
    ahead_ms: float = 1_000.0
    stt_idle_s: float = 180.0
    contexts_at_once: int = 15
    sockets: int = 150
    tts_idle_s: float = 300.0
    sure_ms: int | None = 500
    hurries: bool = True
    text_s: float = 5.0
