"""Speech vendors behind one face: speech-to-text and text-to-speech.

Whatever is used is imported when it is used: this package itself loads next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media.audio import AudioFormat, Encoding

    from .errors import ProviderError
    from .options import SttOptions, TtsOptions
    from .processor import VoiceProcessor
    from .results import (
        AudioData,
        StreamingResult,
        SynthesisResult,
        TranscriptionResult,
        Voice,
        Word,
    )

__all__ = [
    "AudioData",
    "AudioFormat",
    "Encoding",
    "ProviderError",
    "StreamingResult",
    "SttOptions",
    "SynthesisResult",
    "TranscriptionResult",
    "TtsOptions",
    "Voice",
    "VoiceProcessor",
    "Word",
]

_HOMES = {
    "media.audio": ("AudioFormat", "Encoding"),
    "providers.errors": ("ProviderError",),
    "providers.options": ("SttOptions", "TtsOptions"),
    "providers.processor": ("VoiceProcessor",),
    "providers.results": (
        "AudioData",
        "StreamingResult",
        "SynthesisResult",
        "TranscriptionResult",
        "Voice",
        "Word",
    ),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
