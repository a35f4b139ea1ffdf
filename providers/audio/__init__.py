"""Audio files of any kind: read by pieces, converted, written, cut where nobody speaks.

::

    await convert_file(Path("talk.webm"), Path("talk.mp3"))
    pauses = await find_silences(Path("talk.mp3"))
    async for part in split_on_silence(Path("talk.mp3"), max_ms=60_000):
        ...

What needs no decoder (raw audio, and WAV of PCM16, µ-law or A-law) is read here by `media.files`
and `media.audio`, so that a telephone's recordings need no further package; all else is FFmpeg's,
which PyAV brings (the extra `files`).
"""

from .container import detect
from .convert import convert_file, encode_samples
from .opened import OpenAudio, open_audio
from .reader import AudioInfo, AudioReader
from .silence import Part, find_silences, split_on_silence
from .source import LIMITS, Limits
from .streamed import StreamDecoder
from .writer import AudioWriter, Target, suitable_rate

__all__ = [
    "LIMITS",
    "AudioInfo",
    "AudioReader",
    "AudioWriter",
    "Limits",
    "OpenAudio",
    "Part",
    "StreamDecoder",
    "Target",
    "convert_file",
    "detect",
    "encode_samples",
    "find_silences",
    "open_audio",
    "split_on_silence",
    "suitable_rate",
]
