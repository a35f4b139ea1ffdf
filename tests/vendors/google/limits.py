"""How long Google waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, unless they say ms; all as documented, or assumed where it says so.

    Attributes:
        stream_s: a recognition stream in all, by the clock and in audio.
        idle_s: a recognition stream without a message (5 to 10 s were seen).
        utterance_ms: how long somebody may speak without a pause until what was said is final
            (assumed).
        final_s: from the last message of a call until all is final (assumed).
        ends_unfinal: whether such a call then ends without that, as users have seen it do.
        step_ms: in what steps the times of words are told; users have seen 100.
        config_s: from the call to its first message (assumed).
        audio_bytes: of one message of a stream, by version: a page says 25 kB, the definition of
            version 2 says 15 kB.
        at_once: recognition streams at a time, of a project in a region.
        file_ms, file_bytes: a recording that is sent at once.
        phrases, phrase_characters: how many may be expected, and how long each.
        tts_idle_s: a synthesis stream that waits for text.
        tts_at_once: synthesis streams at a time.
        tts_headers: whether the µ-law of such a stream is a WAV file (nothing is said of that).
    """

    stream_s: float = 305.0
    idle_s: float = 10.0
    utterance_ms: float = 15_000.0
    final_s: float = 0.0
    ends_unfinal: bool = False
    step_ms: int = 1
    config_s: float = 10.0
    audio_bytes: tuple[int, int] = (25_600, 15_360)
    at_once: int = 300
    file_ms: float = 60_000.0
    file_bytes: int = 10 << 20
    phrases: int = 5_000
    phrase_characters: int = 100
    tts_idle_s: float = 5.0
    tts_at_once: int = 100
    tts_headers: bool = False
