"""How long the stand-in waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Azure's limits.

    Attributes:
        stt_at_once: recognition streams.
        tts_at_once: synthesis connections (assumed).
        connection_s: so long a connection lasts at most: what the native SDK leaves synthesis
            connections before, and the first version of the protocol said of recognition.
        idle_s: a connection to which nothing is sent for so long is closed (assumed).
        silence_ms: of audio in which nobody speaks, after which a turn is ended (assumed).
        phrase_ms: after so long an utterance is cut, though one speaks on (assumed).
        upload_bytes, upload_ms: of a recording for fast transcription.
        short_ms: of a recording for the short-audio API.
    """

    stt_at_once: int = 100
    tts_at_once: int = 200
    connection_s: float = 600.0
    idle_s: float = 60.0
    silence_ms: float = 15_000.0
    phrase_ms: float = 30_000.0
    upload_bytes: int = 500_000_000
    upload_ms: float = 18_000_000.0
    short_ms: float = 60_000.0
