"""PURE: what comes back whole: transcripts, synthesized texts, voices, and audio itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from media.audio import AudioFormat

__all__ = [
    "AudioData",
    "Container",
    "ContainerName",
    "StreamingResult",
    "SynthesisResult",
    "TranscriptionResult",
    "Voice",
    "Word",
]

Container = Literal["raw", "wav", "flac", "mp3", "m4a", "aac", "ogg", "webm"]
"""What audio is wrapped or compressed in; `raw` is neither. An `mp4` is an `m4a` here."""
ContainerName = Container | Literal["mp4"]
"""What it may be called by who wants one."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word; times count from the first sample of the stream or file."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class AudioData:
    """Audio, whole.

    Attributes:
        data: the bytes.
        format: what the samples are like; None when the container alone knows.
        container: what they are in; `raw` needs a format.
    """

    data: bytes = field(repr=False)
    format: AudioFormat | None = None
    container: Container = "raw"

    @property
    def duration_ms(self) -> float | None:
        """How long it plays; None when only decoding would tell."""
        if self.container != "raw" or self.format is None:
            return None
        return self.format.duration_ms(len(self.data))


@dataclass(frozen=True, slots=True)
class TranscriptionResult:
    """What was understood of a whole recording.

    Attributes:
        text: all of it.
        provider: the catalogue name of who understood it.
        duration_ms: how long the recording is.
        language: which one was spoken (BCP-47), as the vendor found or was told.
        confidence: 0 to 1; None when the vendor gives none.
        words: with their times and speakers, as far as the vendor gives them.
        final: false for what is known so far of a recording that still goes on.
    """

    text: str
    provider: str
    duration_ms: float
    language: str | None = None
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    final: bool = True


@dataclass(frozen=True, slots=True)
class StreamingResult:
    """What a streaming session understood so far of one utterance.

    An interim result (`final` false) replaces the interim one before it.

    Attributes:
        session_id: the session's UUID.
        timestamp: when it was known (UTC).
    """

    session_id: str
    text: str
    final: bool
    timestamp: datetime
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SynthesisResult:
    """A text that was spoken, whole.

    Attributes:
        audio: the bytes, in `container`.
        format: what the samples are like.
        duration_ms: how long it plays.
        provider: the catalogue name of who spoke it.
    """

    audio: bytes = field(repr=False)
    format: AudioFormat
    duration_ms: float
    provider: str
    container: Container = "raw"

    @property
    def size(self) -> int:
        """How many bytes the audio has."""
        return len(self.audio)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a provider offers.

    Attributes:
        id: what `TtsOptions.voice` takes.
        language: BCP-47 tag; empty when it speaks them all.
        provider: the catalogue name of who offers it.
    """

    id: str
    name: str
    language: str
    gender: str | None = None
    description: str = ""
    age: str | None = None
    accent: str | None = None
    use_cases: tuple[str, ...] = ()
    provider: str = ""
