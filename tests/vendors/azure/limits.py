"""How long the stand-in waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
        silent_end: what is said at the client's end of a turn in which nobody spoke: users of the
            SDKs report the time-out (its issues 1003 and 2043), and also "EndOfDictation".
        phrase_ms: after so long an utterance is cut, though one speaks on (assumed), if the client
            says nothing of that.
        boundaries: when words of synthesized audio are told of: with the piece that they begin in,
            or all of them before the first or behind the last.
        upload_bytes, upload_ms: of a recording for fast transcription.
        short_ms: of a recording for the short-audio API.
    """

    stt_at_once: int = 100
    tts_at_once: int = 200
    connection_s: float = 600.0
    idle_s: float = 60.0
    silence_ms: float = 15_000.0
    silent_end: Literal["InitialSilenceTimeout", "EndOfDictation"] = "InitialSilenceTimeout"
    phrase_ms: float = 30_000.0
    boundaries: Literal["with", "before", "behind"] = "with"
    upload_bytes: int = 500_000_000
    upload_ms: float = 18_000_000.0
    short_ms: float = 60_000.0
