"""How long Soniox waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, unless they say ms; all as documented, or assumed where it says so.

    Attributes:
        config_s: from the handshake to an STT stream's config (assumed).
        idle_s: an STT stream with neither audio nor keepalive.
        stt_at_once: STT connections at a time (429 above).
        audio_ms: an STT stream in all.
        starts_per_min: connections of each kind that begin within a minute (429 above; that those
            of the two kinds count apart is assumed).
        tts_at_once: TTS connections at a time (429 above; assumed).
        tts_idle_s: a TTS connection without any message (40 s or 3 min, by two of its pages).
        tts_text_s: a TTS stream that waits for text ("a few seconds": assumed to be 5).
        tts_streams: active streams of a TTS connection.
        tts_text_bytes: the text of a TTS stream, as UTF-8.
        tts_audio_ms: the audio of a TTS stream.
    """

    config_s: float = 10.0
    idle_s: float = 20.0
    stt_at_once: int = 10
    audio_ms: float = 300 * 60_000
    starts_per_min: int = 100
    tts_at_once: int = 3
    tts_idle_s: float = 40.0
    tts_text_s: float = 5.0
    tts_streams: int = 5
    tts_text_bytes: int = 5_000
    tts_audio_ms: float = 2 * 60_000
