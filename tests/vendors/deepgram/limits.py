"""How long the stand-in waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Deepgram's limits.

    Attributes:
        stt_at_once: streams of both kinds.
        tts_at_once: synthesis connections.
        idle_s: a stream without audio, or a KeepAlive, for so long is closed. For Flux it is
            assumed.
        tts_session_s: so long a synthesis connection lasts at most.
        text_characters: in one message, or one request.
        flushes_per_min: how many of a connection's are processed.
    """

    stt_at_once: int = 50
    tts_at_once: int = 45
    idle_s: float = 10.0
    tts_session_s: float = 3_600.0
    text_characters: int = 2_000
    flushes_per_min: int = 20
