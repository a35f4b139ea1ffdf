"""PURE: how much audio a connection was given, and where in the stream the vendor's times are.

To keep a connection open some vendors must be sent silence, which is no part of the stream: their
clock then runs ahead of it.
"""

from __future__ import annotations

from media.audio import AudioFormat

__all__ = ["SentAudio"]


class SentAudio:
    """Counts what one connection was sent.

    Args:
        audio_format: of the audio.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._bytes = 0
        # Where silence was put in, on the stream's clock, and how much, in ms.
        self._silences: list[tuple[float, float]] = []

    @property
    def stream_ms(self) -> float:
        """How much of the stream was sent."""
        return self._format.duration_ms(self._bytes)

    @property
    def ms(self) -> float:
        """How much was sent in all: the end of the vendor's clock."""
        return self.stream_ms + sum(silence_ms for _, silence_ms in self._silences)

    def add(self, audio: bytes) -> None:
        """More of the stream was sent."""
        self._bytes += len(audio)

    def add_silence(self, duration_ms: float) -> bytes:
        """Silence to be sent, in the format of the audio."""
        at_ms = self.stream_ms
        if self._silences and self._silences[-1][0] == at_ms:
            duration_before_ms = self._silences.pop()[1]
            self._silences.append((at_ms, duration_before_ms + duration_ms))
        else:
            self._silences.append((at_ms, duration_ms))
        return self._format.silence(duration_ms)

    def in_stream_ms(self, vendor_ms: float) -> int:
        """A time of the vendor's as one of the stream's."""
        before_ms = 0.0
        for at_ms, silence_ms in self._silences:
            if vendor_ms <= at_ms + before_ms:
                break
            before_ms += min(silence_ms, vendor_ms - at_ms - before_ms)
        return round(vendor_ms - before_ms)
