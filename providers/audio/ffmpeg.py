"""Audio that FFmpeg decodes and encodes, by PyAV (the extra `files`), imported when it is needed.

Files are untrusted. FFmpeg is told what a file is in, by its first bytes, and given an open file:
left to guess it would take a playlist for audio, and open what that names.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from media.audio import Samples

from ..errors import InvalidAudioError, MissingKeyError
from ..results import Container
from .source import Source

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

__all__ = ["DEMUXERS", "DecodedAudio", "audio_of", "frames_of", "import_av", "lenient"]
__all__ += ["open_encoded"]

MAX_CHANNELS = 8
DEMUXERS: dict[Container, str] = {
    "wav": "wav",
    "flac": "flac",
    "mp3": "mp3",
    "m4a": "mp4",
    "aac": "aac",
    "ogg": "ogg",
    "webm": "webm",
}
"""What FFmpeg calls those who read each."""
# These write down how long they are; of others FFmpeg reckons it from the file's size.
_TELL_DURATION: frozenset[Container] = frozenset({"wav", "flac", "m4a", "webm"})
_MICROSECONDS = 1_000_000
_LEAST_LATE_S = 0.1
# Files in the wild end in junk and begin in mid-stream; a player goes on, and so is done here.
_MOST_DAMAGED, _DAMAGED_SHARE = 3, 0.05


def import_av() -> ModuleType:
    """PyAV.

    Raises:
        MissingKeyError: it is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError:
        raise MissingKeyError(
            "audio",
            "files other than raw and plain WAV need PyAV",
            hint="pip install 'parley[files]'",
        ) from None
    # Else FFmpeg writes on stderr what it finds odd in a file.
    av.logging.set_libav_level(av.logging.PANIC)
    return av


class DecodedAudio:
    """The samples of a file that has to be decoded.

    Attributes:
        duration_ms: how long they play, as the file says; None when it does not say.
    """

    def __init__(
        self, source: Source, container: Container, file: InputContainer, stream: AudioStream
    ) -> None:
        self._name = source.name
        self._file = file
        self._stream = stream
        self._av = import_av()
        self.sample_rate_hz = stream.rate
        self.channels = stream.channels
        late_s = _late_s(file, stream)
        self._late = round(late_s * stream.rate)
        told_ms = _duration_ms(file, stream) if container in _TELL_DURATION else None
        self.duration_ms = None if told_ms is None else told_ms + late_s * 1000

    def pieces(self) -> Iterator[Samples]:
        """The samples, one row for each moment, a frame at a time.

        Where a film begins without sound there is silence, so that times are those of the film.

        Raises:
            InvalidAudioError: the file is damaged, or changes its format midway.
        """
        for first in range(0, self._late, self.sample_rate_hz):
            count = min(self.sample_rate_hz, self._late - first)
            yield np.zeros((count, self.channels), np.int16)
        layout = self._stream.layout.name
        # A decoder gives samples of many kinds; this only makes 16-bit ones of them.
        to_16_bits = self._av.AudioResampler("s16", layout, self.sample_rate_hz)
        for frame in frames_of(self._file, self._stream, self._name):
            if (frame.sample_rate, frame.layout.name) != (self.sample_rate_hz, layout):
                raise InvalidAudioError("audio", f"{self._name} changes its format midway")
            frame.pts = None
            yield from self._rows(to_16_bits, frame)
        yield from self._rows(to_16_bits, None)

    def close(self) -> None:
        """Release what FFmpeg holds."""
        self._file.close()

    def _rows(self, to_16_bits: AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
        for converted in to_16_bits.resample(frame):
            samples: Any = converted.to_ndarray()
            yield np.asarray(samples, np.int16).reshape(-1, self.channels)


def frames_of(file: InputContainer, stream: AudioStream, name: str) -> Iterator[AudioFrame]:
    """What is decoded of a stream, frame by frame; what is damaged is left out while it is little.

    Raises:
        InvalidAudioError: it is too damaged.
    """
    av = import_av()
    packets = damaged = 0
    try:
        for packet in file.demux(stream):
            packets += 1
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                damaged += 1
                if damaged > _MOST_DAMAGED + packets * _DAMAGED_SHARE:
                    raise
    except av.FFmpegError:
        raise InvalidAudioError(
            "audio", f"{name} is damaged: it cannot be decoded", hint="get it again"
        ) from None


def open_encoded(source: Source, container: Container) -> DecodedAudio:
    """Open a file that is in `container`.

    Raises:
        InvalidAudioError: it is not, is broken, or holds no audio.
        MissingKeyError: PyAV is not installed.
    """
    av = import_av()
    source.file.seek(0)
    try:
        file = av.open(source.file, "r", format=DEMUXERS[container], **lenient(av))
    except av.FFmpegError:
        raise InvalidAudioError(
            "audio",
            f"{source.name} begins like {container}, and cannot be read as such",
            hint="it is cut off or damaged: get it again",
        ) from None
    try:
        return DecodedAudio(source, container, file, audio_of(file, source.name))
    except BaseException:
        file.close()
        raise


def _duration_ms(file: InputContainer, stream: AudioStream) -> float | None:
    """How long the audio plays, as the file says: a film's picture may last longer."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base * 1000)
    if file.duration is None or len(file.streams) > 1:
        return None
    return file.duration * 1000 / _MICROSECONDS


def _late_s(file: InputContainer, stream: AudioStream) -> float:
    """How long after the picture the sound of a film begins; codecs' delays do not count."""
    if stream.start_time is None or stream.time_base is None or file.start_time is None:
        return 0.0
    late_s = float(stream.start_time * stream.time_base) - file.start_time / _MICROSECONDS
    return late_s if late_s > _LEAST_LATE_S else 0.0


def lenient(av: ModuleType) -> dict[str, str]:
    """What has PyAV take tags that are no UTF-8: from 19 on (Python 3.12 and later) it does."""
    return {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}


def audio_of(file: InputContainer, name: str) -> AudioStream:
    """The audio stream of a file; the first one, if there are several.

    Raises:
        InvalidAudioError: it has none that can be decoded.
    """
    stream = next(iter(file.streams.audio), None)
    if stream is None:
        raise InvalidAudioError("audio", f"{name} holds no audio")
    if stream.codec_context is None:  # whatever the type says: FFmpeg does not know the codec
        raise InvalidAudioError("audio", f"{name} holds audio that nobody here can decode")
    if not stream.rate or not stream.channels:
        raise InvalidAudioError("audio", f"{name} holds no audio that could be found")
    if stream.channels > MAX_CHANNELS:
        raise InvalidAudioError("audio", f"{name} has {stream.channels} channels")
    return stream
