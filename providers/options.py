"""PURE: what is asked of a recognizer or a synthesizer, and what of it one cannot honour."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, fields

from media.audio import PCM16_16K, AudioFormat

__all__ = ["AUTO", "STT_OPTIONS", "TTS_OPTIONS", "Honours", "SttOptions", "TtsOptions"]
__all__ += ["not_honoured"]

AUTO = "auto"
"""The language that means: find out which one is spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SttOptions:
    """What is asked of one recognition, of a stream or of a file.

    Attributes:
        language: BCP-47 tag, such as `en-US`, or `auto`.
        audio: the format of the audio that will be sent.
        phrases: what the speaker is expected to say; empty for free speech.
        interim_results: whether interim transcripts are wanted.
        languages: further languages that may be spoken.
        model: the vendor's name of a model; None is the one of its settings.
        diarization: whether words are to say who spoke them.
        punctuation: whether the text has punctuation; None is as the vendor does it.
        profanity_filter: whether bad words are masked.
        key_terms: words that matter and are hard to hear: names, products.
        endpointing: whether the vendor, if it can, shall say when a turn is over.
        endpointing_ms: after how much silence; None is what suits a telephone.
    """

    language: str = "en-US"
    audio: AudioFormat = PCM16_16K
    phrases: tuple[str, ...] = ()
    interim_results: bool = True
    languages: tuple[str, ...] = ()
    model: str | None = None
    diarization: bool = False
    punctuation: bool | None = None
    profanity_filter: bool = False
    key_terms: tuple[str, ...] = ()
    endpointing: bool = True
    endpointing_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsOptions:
    """How a text is to be spoken. None is as the vendor, or the voice, does it.

    Attributes:
        language: BCP-47 tag.
        voice: the vendor's id of a voice.
        speed: 1.0 is the voice's own, 2.0 twice as fast.
        model: the vendor's name of a model; None is the one of its settings.
        pitch: in semitones from the voice's own.
        volume: 1.0 is the voice's own, 0.5 half as loud.
        stability: how even it speaks, 0 to 1.
        similarity: how close to the original voice, 0 to 1.
        style: how strongly the voice's own manner shows, 0 to 1.
        speaker_boost: whether to get closer still to the original voice.
        ssml: whether the text is SSML (https://www.w3.org/TR/speech-synthesis11/).
        pronunciations: the vendor's ids of pronunciation dictionaries.
    """

    language: str = "en-US"
    voice: str | None = None
    speed: float = 1.0
    model: str | None = None
    pitch: float | None = None
    volume: float | None = None
    stability: float | None = None
    similarity: float | None = None
    style: float | None = None
    speaker_boost: bool | None = None
    ssml: bool = False
    pronunciations: tuple[str, ...] = ()


Honours = Callable[[SttOptions], Container[str]]
"""The names of the options that are honoured when these are asked for."""


def _optional(options: type, always: Container[str]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(options) if field.name not in always)


STT_OPTIONS = _optional(SttOptions, ("language", "audio"))
"""What a recognizer may be unable to honour: capabilities say what it honours."""
TTS_OPTIONS = _optional(TtsOptions, ("language", "voice"))
"""Likewise for a synthesizer."""


def not_honoured(asked: SttOptions | TtsOptions, honoured: Container[str]) -> tuple[str, ...]:
    """Which options were asked for, in that they differ from the default, and are not honoured."""
    plain = type(asked)()
    names = STT_OPTIONS if isinstance(asked, SttOptions) else TTS_OPTIONS
    return tuple(
        name
        for name in names
        if name not in honoured and getattr(asked, name) != getattr(plain, name)
    )
