"""WAV files: the headers that vendors put before audio, and the recordings that clients send."""

from __future__ import annotations

import struct

from media.audio import AudioFormat, Encoding, pcm_to_bytes
from media.files import read_wav

__all__ = ["ENDLESS", "audio_in", "wav_header"]

ENDLESS = 0xFFFFFFFF
"""The size that is claimed of data of which nobody knows how much it will be."""
_TAGS = {Encoding.PCM16: 1, Encoding.ALAW: 6, Encoding.ULAW: 7}


def wav_header(
    audio_format: AudioFormat, data_bytes: int = ENDLESS, *, extended: bool = False
) -> bytes:
    """What stands before the data.

    Args:
        audio_format: the data's.
        data_bytes: how much of it there shall be.
        extended: whether the header is one of 58 bytes, which formats other than PCM have by the
            specification, or one of 44.
    """
    rate_hz, frame_bytes = audio_format.sample_rate_hz, audio_format.frame_bytes
    shape = struct.pack(
        "<HHIIHH",
        _TAGS[audio_format.encoding],
        audio_format.channels,
        rate_hz,
        rate_hz * frame_bytes,
        frame_bytes,
        frame_bytes // audio_format.channels * 8,
    )
    chunks = b""
    if extended:
        shape += struct.pack("<H", 0)
        chunks = b"fact" + struct.pack("<II", 4, min(data_bytes // frame_bytes, ENDLESS))
    chunks = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + chunks
    riff_bytes = min(len(chunks) + 8 + data_bytes, ENDLESS)
    head = b"RIFF" + struct.pack("<I", riff_bytes)
    return head + chunks + b"data" + struct.pack("<I", data_bytes)


def audio_in(wav: bytes) -> tuple[AudioFormat, bytes]:
    """The audio of a WAV file, as PCM16.

    Raises:
        AudioFileError: it is none.
    """
    read = read_wav(wav)
    shape = AudioFormat(Encoding.PCM16, read.sample_rate_hz, read.samples.shape[1])
    return shape, pcm_to_bytes(read.samples)
