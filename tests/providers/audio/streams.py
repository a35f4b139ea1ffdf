"""Sounds as they are streamed: what has come of a file when so much of it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

from media.audio import Samples

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

__all__ = ["STREAMS", "Streaming", "recorded", "whole"]


@dataclass(frozen=True, slots=True)
class Streaming:
    """How something streams.

    Attributes:
        muxer: FFmpeg's name, as are those of the codec and the options.
        late_ms: by how much what is decoded of it may be late, the codec's own delay included.
    """

    muxer: str
    codec: str
    rate_hz: int
    late_ms: int
    options: Mapping[str, str] = field(default_factory=dict)
    coding: Mapping[str, str] = field(default_factory=dict)


STREAMS: dict[str, Streaming] = {
    # As Chrome and Firefox record a microphone: clusters and segments of unknown size.
    "webm": Streaming("webm", "libopus", 48_000, 150, {"live": "1", "cluster_time_limit": "100"}),
    "webm of 60 ms": Streaming(
        "webm",
        "libopus",
        48_000,
        150,
        {"live": "1", "cluster_time_limit": "60"},
        {"frame_duration": "60"},
    ),
    "ogg": Streaming("ogg", "libopus", 48_000, 130, {"page_duration": "100000"}),
    "ogg flac": Streaming("ogg", "flac", 16_000, 130, {"page_duration": "20000"}),
    "wav": Streaming("wav", "pcm_s16le", 16_000, 0),
    "wav of 48 kHz": Streaming("wav", "pcm_s16le", 48_000, 150),
    "wav of floats": Streaming("wav", "pcm_f32le", 16_000, 100),
    "wav of µ-law": Streaming("wav", "pcm_mulaw", 16_000, 0),
    # The parsers of these wait for the beginnings of some frames more.
    "flac": Streaming("flac", "flac", 16_000, 800),
    "mp3": Streaming("mp3", "libmp3lame", 16_000, 600, {"write_xing": "0"}),
}


class _Written:
    """A file that cannot seek."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)


def recorded(how: Streaming, samples: Samples, step_ms: int = 20) -> list[tuple[bytes, float]]:
    """The pieces of a recording of samples, mono or of two columns, at its own rate.

    Each comes with how much was said by then, in ms; the last one with all.
    """
    file, pieces, at = _Written(), list[tuple[bytes, float]](), 0
    layout = "mono" if samples.ndim == 1 else "stereo"
    rows = samples.reshape(len(samples), -1)
    to: Any = file
    with av.open(to, "w", format=how.muxer, options=dict(how.options)) as out:
        added = out.add_stream(how.codec, rate=how.rate_hz, layout=layout)
        stream = cast("AudioStream", added)
        stream.codec_context.options = dict(how.coding)
        step = how.rate_hz * step_ms // 1000
        for first in range(0, len(rows), step):
            part = np.ascontiguousarray(rows[first : first + step]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, "s16", layout)
            frame.sample_rate, frame.pts = how.rate_hz, first
            out.mux(stream.encode(frame))
            if len(file.data) > at:
                said_ms = min(first + step, len(rows)) * 1000 / how.rate_hz
                pieces.append((bytes(file.data[at:]), said_ms))
                at = len(file.data)
        out.mux(stream.encode(None))
    pieces.append((bytes(file.data[at:]), len(rows) * 1000 / how.rate_hz))
    return pieces


def whole(how: Streaming, samples: Samples, step_ms: int = 20) -> bytes:
    """All of a recording."""
    return b"".join(piece for piece, _ in recorded(how, samples, step_ms))
