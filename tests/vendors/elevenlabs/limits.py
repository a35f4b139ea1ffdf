"""How long ElevenLabs waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in ms of audio, or in seconds; all as documented, or assumed where it says so.

    Attributes:
        at_once: connections and requests of each service at a time (429 above).
        least_commit_ms: a commit of less audio is refused.
        auto_commit_ms: so much audio without a commit is committed.
        chunk_ms: audio in one message (assumed).
        session_ms: a stream of Scribe in all (assumed).
        stt_idle_s: a stream of Scribe without audio (observed).
        timed_commits: how many commits of a stream are answered with times where these are asked
            for (that they may cease was observed); None is all.
        times_after_s: so long after its text come a commit's times (how long is not told).
        contexts: of a synthesis connection at a time.
        text_characters: of one request, or one context.
        upload_ms: a recording.
    """

    at_once: int = 20
    least_commit_ms: float = 300.0
    auto_commit_ms: float = 90_000.0
    chunk_ms: float = 10_000.0
    session_ms: float = 3 * 3_600_000.0
    stt_idle_s: float = 15.0
    timed_commits: int | None = None
    times_after_s: float = 0.0
    contexts: int = 5
    text_characters: int = 5_000
    upload_ms: float = 10 * 3_600_000.0
