"""PURE: audio of one channel in one format, turned piece by piece into another."""

from __future__ import annotations

from collections.abc import Sequence

from media.audio import AudioFormat, Encoding, Samples, decode, encode
from media.resample import Resampler, Upsampler

__all__ = ["Converter", "wanted_format"]


def wanted_format(offered: Sequence[AudioFormat], audio: AudioFormat) -> AudioFormat:
    """Which of the formats that a recognizer takes is the best for audio in this one.

    A telephone's audio goes as the recognizer prefers it. Other audio goes as it is; else as PCM of
    a rate at which nothing of it is lost, the lowest such; else of the highest rate.
    """
    if audio.encoding is not Encoding.PCM16:
        return offered[0]
    if audio in offered:
        return audio
    linear = [format for format in offered if format.encoding is Encoding.PCM16]
    enough = [format for format in linear if format.sample_rate_hz >= audio.sample_rate_hz]
    if enough:
        return min(enough, key=lambda format: format.sample_rate_hz)
    return max(linear, key=lambda format: format.sample_rate_hz, default=offered[0])


class Converter:
    """Converts a stream piece by piece.

    Args:
        source: what comes.
        target: what is wanted.

    Raises:
        ValueError: one of them has more than one channel.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        if source.channels != 1 or target.channels != 1:
            raise ValueError("only audio of one channel can be converted")
        self._source, self._target = source, target
        self.restart()

    def restart(self) -> None:
        """What comes next does not go on from what came before."""
        rates = (self._source.sample_rate_hz, self._target.sample_rate_hz)
        # Where a caller waits: `Resampler` is 100 ms late.
        self._resampler = Upsampler() if rates == (8_000, 16_000) else Resampler(*rates)

    def convert(self, audio: bytes) -> bytes:
        """As much as is ready of the next piece and those before it."""
        if self._source == self._target:
            return audio
        return self._encoded(self._resampler.process(decode(audio, self._source.encoding)))

    def rest(self) -> bytes:
        """What is still to come of the pieces so far."""
        if isinstance(self._resampler, Upsampler):
            return b""  # less than 2 ms, by which the stream would get longer each time
        return self._encoded(self._resampler.flush())

    def _encoded(self, samples: Samples) -> bytes:
        return encode(samples, self._target.encoding)
