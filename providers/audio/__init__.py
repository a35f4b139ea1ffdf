"""Audio files of any kind: read by pieces, converted, written.

What needs no decoder (raw audio, and WAV of PCM16, µ-law or A-law) is read here by `media.files`
and `media.audio`, so that a telephone's recordings need no further package; all else is FFmpeg's,
which PyAV brings (the extra `files`).
"""

from .container import detect
from .convert import convert_file, encode_samples
from .opened import OpenAudio, open_audio
from .reader import AudioInfo, AudioReader
from .source import LIMITS, Limits
from .writer import AudioWriter, Target, suitable_rate

__all__ = [
    "LIMITS",
    "AudioInfo",
    "AudioReader",
    "AudioWriter",
    "Limits",
    "OpenAudio",
    "Target",
    "convert_file",
    "detect",
    "encode_samples",
    "open_audio",
    "suitable_rate",
]
