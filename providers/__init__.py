"""Speech vendors behind one face: speech-to-text and text-to-speech.

Whatever is used is imported when it is used: this package itself loads next to nothing. All errors
are in `providers.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media.audio import AudioFormat, Encoding
    from media.silence import Silence

    from .audio import Limits, Part, convert_file, find_silences, split_on_silence
    from .errors import (
        AudioError,
        AuthenticationError,
        DeadlineError,
        FileError,
        MissingKeyError,
        NetworkError,
        ProviderError,
        QuotaError,
        RateLimitError,
        SessionError,
        UnavailableError,
        UnsupportedError,
    )
    from .ledger import Ledger
    from .library.session import SessionInfo
    from .library.sessions import SessionStatistics
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
    from .types import SynthesisChunk
    from .usage import Use

__all__ = [
    "AudioData",
    "AudioError",
    "AudioFormat",
    "AuthenticationError",
    "DeadlineError",
    "Encoding",
    "FileError",
    "Ledger",
    "Limits",
    "MissingKeyError",
    "NetworkError",
    "Part",
    "ProviderError",
    "QuotaError",
    "RateLimitError",
    "SessionError",
    "SessionInfo",
    "SessionStatistics",
    "Silence",
    "StreamingResult",
    "SttOptions",
    "SynthesisChunk",
    "SynthesisResult",
    "TranscriptionResult",
    "TtsOptions",
    "UnavailableError",
    "UnsupportedError",
    "Use",
    "Voice",
    "VoiceProcessor",
    "Word",
    "convert_file",
    "find_silences",
    "split_on_silence",
]

_HOMES = {
    "media.audio": (
        "AudioFormat",
        "Encoding",
    ),
    "media.silence": ("Silence",),
    "providers.audio": (
        "Limits",
        "Part",
        "convert_file",
        "find_silences",
        "split_on_silence",
    ),
    "providers.errors": (
        "AudioError",
        "AuthenticationError",
        "DeadlineError",
        "FileError",
        "MissingKeyError",
        "NetworkError",
        "ProviderError",
        "QuotaError",
        "RateLimitError",
        "SessionError",
        "UnavailableError",
        "UnsupportedError",
    ),
    "providers.ledger": ("Ledger",),
    "providers.library.session": ("SessionInfo",),
    "providers.library.sessions": ("SessionStatistics",),
    "providers.options": (
        "SttOptions",
        "TtsOptions",
    ),
    "providers.processor": ("VoiceProcessor",),
    "providers.results": (
        "AudioData",
        "StreamingResult",
        "SynthesisResult",
        "TranscriptionResult",
        "Voice",
        "Word",
    ),
    "providers.types": ("SynthesisChunk",),
    "providers.usage": ("Use",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
