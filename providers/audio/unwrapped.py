"""The samples of a stream that is read as it comes. It blocks: see `StreamDecoder`.

FFmpeg is told what a stream is in, by its first bytes, and given these bytes alone; of its decoders
it may use those for speech and music that such streams have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, get_args

import numpy as np

from media.audio import Samples
from media.channels import Unpacker, mixed
from media.files import AudioFileError, WavHeader, read_wav_header
from media.resample import Resampler

from ..errors import InvalidAudioError, UnsupportedFormatError
from .container import HEAD_BYTES, detect
from .ffmpeg import DEMUXERS, audio_of, frames_of, import_av, lenient
from .rate import check_rate

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer

__all__ = ["Pipe", "Streamed", "unwrapped"]

Streamed = Literal["ogg", "webm", "wav", "flac", "mp3"]
"""What can be decoded as it comes."""

WHOSE = "the stream"
_MAGIC_BYTES = 12
_READ_BYTES = 4_096
_HEADERS_BYTES = 8_192
"""A stream that ends within so much may just have had no audio yet."""
_CODECS = (
    "opus,libopus,vorbis,libvorbis,flac,mp3,mp3float,speex,libspeex,"
    "pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,pcm_mulaw,pcm_alaw,"
    "adpcm_ms,adpcm_ima_wav"
)
_OPTIONS = {
    # Begin with the first frame. (`nobuffer` would leave that out.)
    "probesize": "32",
    "analyzeduration": "0",
    "max_streams": "8",
    "codec_whitelist": _CODECS,
}
_ENDLESS = 0x7FFF0000
"""Who writes a WAV file into a pipe claims so many bytes of data or more, not knowing better."""


class Pipe(Protocol):
    """What is read as it comes.

    Attributes:
        ended: whether all of it has come.
    """

    ended: bool

    def read(self, size: int, /) -> bytes:
        """Wait for some bytes; return `size` at most, and none at the end."""
        ...


class _Rewound:
    """A pipe with what was read of it before."""

    def __init__(self, head: bytes, pipe: Pipe) -> None:
        self._head = head
        self._pipe = pipe
        self.count = 0  # bytes that were read

    def read(self, size: int) -> bytes:
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
        else:
            taken = self._pipe.read(size)
        self.count += len(taken)
        return taken


def unwrapped(
    container: Streamed | Literal["auto"], rate_hz: int, channels: int, pipe: Pipe
) -> Iterator[Samples]:
    """The samples, as soon as they can be had: shape [n], or, of two channels, [n, 2].

    Of a stream that has one where two are wanted, the shape is [n, 1].

    Raises:
        InvalidAudioError: it is not what it is said to be, is damaged, or holds no audio.
        UnsupportedFormatError: it is of a kind that cannot be decoded as it comes.
        UnsupportedRateError: its rate is below 4 or above 192 kHz.
        MissingKeyError: it has to be decoded, and PyAV is not installed.
    """
    head = _read(pipe, b"", _MAGIC_BYTES)
    if not head:
        return
    found = _checked(container, head)
    header = None
    if found == "wav":
        head, header = _wav(head, pipe)
    file, silent = _Rewound(head if header is None else head[header.data_at :], pipe), True
    if header is None:
        pieces = _decoded(file, pipe, found, rate_hz, channels)
    else:
        pieces = _plain(file, header, rate_hz, channels)
    for piece in pieces:
        if len(piece):
            silent = False
            yield piece[:, 0] if channels == 1 else piece
    if silent and file.count > _HEADERS_BYTES:
        raise InvalidAudioError("audio", f"{WHOSE} holds no audio that can be decoded")


def _read(pipe: Pipe, head: bytes, size: int) -> bytes:
    """More of the head, up to `size`, unless the stream ends before."""
    while len(head) < size and (some := pipe.read(size - len(head))):
        head += some
    return head


def _checked(container: Streamed | Literal["auto"], head: bytes) -> Streamed:
    """What a stream is in."""
    found = detect(head)
    if found in get_args(Streamed) and container in (found, "auto"):
        return cast(Streamed, found)
    if found is None and container == "mp3":
        return container  # it may begin in the midst of a frame
    known = ", ".join(get_args(Streamed))
    if found is None:
        said = "no audio that is known" if container == "auto" else f"no {container}"
        raise InvalidAudioError(
            "audio",
            f"{WHOSE} begins like {said}",
            hint=f"known are {known}, each from its very beginning; of bare samples say the format",
        )
    if container != "auto":
        raise InvalidAudioError(
            "audio", f"{WHOSE} begins like {found} and not like {container}", hint=f"say {found}"
        )
    raise UnsupportedFormatError(
        "audio", f"{found} cannot be decoded as it comes", hint=f"send one of {known}"
    )


# WAV that needs no decoder


def _wav(head: bytes, pipe: Pipe) -> tuple[bytes, WavHeader | None]:
    """What was read until the header was whole, and that; None when FFmpeg is to see to it."""
    while True:
        try:
            return head, read_wav_header(head)
        except AudioFileError:
            known = b"data" in head[_MAGIC_BYTES:] or len(head) >= HEAD_BYTES
            if known or not (some := pipe.read(_READ_BYTES)):
                return head, None
            head += some


def _plain(file: _Rewound, header: WavHeader, rate_hz: int, channels: int) -> Iterator[Samples]:
    # FFmpeg would look through much of it for what may be hidden in it.
    left = header.data_bytes if header.data_bytes < _ENDLESS else None
    unpacker = Unpacker(header.format)
    columns = min(channels, header.format.channels)
    resamplers = [Resampler(header.format.sample_rate_hz, rate_hz) for _ in range(columns)]
    while left != 0 and (data := file.read(min(_READ_BYTES, left or _READ_BYTES))):
        left = None if left is None else left - len(data)
        frames = unpacker.process(data)
        frames = mixed(frames) if channels == 1 else frames
        pairs = zip(resamplers, frames.T, strict=True)
        yield np.stack([one.process(np.ascontiguousarray(column)) for one, column in pairs], 1)
    yield np.stack([one.flush() for one in resamplers], 1)


# What FFmpeg decodes


def _decoded(
    file: _Rewound, pipe: Pipe, container: Streamed, rate_hz: int, channels: int
) -> Iterator[Samples]:
    shaped = _Shaped(rate_hz, channels)
    opened = _opened(file, container)
    if opened is None:
        return
    with closing(opened):
        stream = audio_of(opened, WHOSE)
        codec = stream.codec_context.name
        if codec not in _CODECS.split(","):
            raise InvalidAudioError(
                "audio", f"{WHOSE} holds {codec}", hint="send Opus, Vorbis, FLAC, MP3 or PCM"
            )
        try:
            for frame in frames_of(opened, stream, WHOSE):
                yield from shaped.rows(frame)
        except InvalidAudioError:
            if not pipe.ended:
                raise
        yield from shaped.rows(None)


def _opened(file: _Rewound, container: Streamed) -> InputContainer | None:
    """The stream, once its header was read; None if it ended before there was any audio."""
    av = import_av()
    try:
        opened: InputContainer = av.open(
            file,
            "r",
            format=DEMUXERS[container],
            options=_OPTIONS,
            buffer_size=_READ_BYTES,
            **lenient(av),
        )
    except av.error.EOFError:
        return None
    except av.FFmpegError:
        raise InvalidAudioError(
            "audio", f"{WHOSE} begins like {container}, and cannot be read as such"
        ) from None
    return opened


class _Shaped:
    """Frames of any kind, made what is wanted."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._resampler: AudioResampler | None = None
        self._columns = channels  # that it gives
        self._kind: tuple[str, str, int] | None = None

    def rows(self, frame: AudioFrame | None) -> Iterator[Samples]:
        """What is ready after one more frame; None is for the rest."""
        if frame is not None:
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != self._kind:
                yield from self._resampled(None)
                self._begin(frame)
                self._kind = kind
            frame.pts = None
        yield from self._resampled(frame)

    def _begin(self, frame: AudioFrame) -> None:
        check_rate(frame.sample_rate, WHOSE)
        # FFmpeg makes one channel two that are less loud.
        self._columns = min(self._channels, frame.layout.nb_channels)
        layout = "mono" if self._columns == 1 else "stereo"
        self._resampler = import_av().AudioResampler("s16", layout, self._rate_hz)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Samples]:
        for converted in () if self._resampler is None else self._resampler.resample(frame):
            samples: Any = converted.to_ndarray()
            yield np.asarray(samples, np.int16).reshape(-1, self._columns)
