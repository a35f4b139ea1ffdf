"""PURE: the samples of an HTTP answer that should be headerless PCM and may be a WAV file."""

from __future__ import annotations

import numpy as np

from media.audio import AudioFormat, Encoding, decode, pcm_to_bytes
from media.files import WavHeader
from media.resample import Resampler

from ..errors import UnsupportedFormatError
from .wav_head import ENOUGH_BYTES, WavHead

__all__ = ["PcmAnswer"]

_OTHERS = {b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC"}
_SYNC, _LAYERS, _LAYER_3 = 0xFFE0, 0x0006, 0x0002


class PcmAnswer:
    """Reads one answer: called with its pieces, and at the end with an empty one.

    Servers that other people wrote to speak as OpenAI does do not all make PCM. A WAV file is read
    by its header, and resampled if need be.

    Args:
        provider: the catalogue name, for errors.
        rate_hz: of the samples that are wanted, 16 bits each.
    """

    def __init__(self, provider: str, rate_hz: int) -> None:
        self._provider = provider
        self._rate_hz = rate_hz
        self._head: WavHead | None = WavHead(provider)  # while it is not known what it is
        self._wav: _WavData | None = None

    def __call__(self, piece: bytes) -> bytes:
        """The samples that are ready.

        Raises:
            UnsupportedFormatError: it is audio of another kind.
            InvalidResponseError: it is a WAV file that cannot be read.
        """
        if self._head is None:
            return piece if self._wav is None else self._wav.take(piece)
        begun = self._head.take(piece)
        if begun is None:
            return b""
        self._head = None
        header, data = begun
        if header is None:
            self._check(data)
            return data
        self._wav = _WavData(header, self._rate_hz)
        samples = self._wav.take(data)
        return samples if piece else samples + self._wav.take(b"")

    def _check(self, head: bytes) -> None:
        """Noise in a caller's ear is worse than silence."""
        kind = next((name for mark, name in _OTHERS.items() if head.startswith(mark)), None)
        if kind is None and _begins_as_mpeg(head):
            kind = "MP3 or AAC"
        if kind is not None:
            raise UnsupportedFormatError(
                self._provider,
                f"the server made {kind} though PCM was asked for",
                hint="have it make pcm or wav",
            )


class _WavData:
    """The data of a WAV file, as mono samples at another rate."""

    def __init__(self, header: WavHeader, rate_hz: int) -> None:
        self._format: AudioFormat = header.format
        self._left = header.data_bytes
        self._rest = b""
        self._resampler = Resampler(header.format.sample_rate_hz, rate_hz)

    def take(self, piece: bytes) -> bytes:
        """The samples that are ready; after an empty piece all are."""
        if not piece:
            return pcm_to_bytes(self._resampler.flush())
        # Behind the data there may be more, such as who made it.
        data, self._left = piece[: self._left], max(0, self._left - len(piece))
        data = self._rest + data
        whole = len(data) - len(data) % self._format.frame_bytes
        data, self._rest = data[:whole], data[whole:]
        if self._format == AudioFormat(Encoding.PCM16, self._format.sample_rate_hz):
            samples = decode(data, Encoding.PCM16)
        else:
            sides = decode(data, self._format.encoding).reshape(-1, self._format.channels)
            samples = np.rint(sides.mean(axis=1)).astype(np.int16)
        return pcm_to_bytes(self._resampler.process(samples))


def _begins_as_mpeg(head: bytes) -> bool:
    """Whether it begins with the header of a frame of MP3 or AAC (ISO 11172-3, 13818-7).

    Samples do not: the first ones are nearly silent, and these bits make one below -1000. Those of
    layers I and II, which nobody makes, would make a -1.
    """
    mark = int.from_bytes(head[:2], "big")
    if mark & _SYNC != _SYNC or mark & 0x0018 == 0x0008 or len(head) < ENOUGH_BYTES:
        return False
    if not mark & _LAYERS:
        return mark & 0x0010 != 0  # AAC's layer is always 0
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return mark & _LAYERS == _LAYER_3 and bitrate not in (0, 15) and rate != 3
