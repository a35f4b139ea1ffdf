"""PURE: what the parent and a recognizer's worker process say to each other over its pipes.

A frame is one byte of kind, the payload's length as a big-endian unsigned 32-bit number, and the
payload.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

__all__ = ["Command", "Failure", "FrameReader", "Report", "Result", "WireError", "frame"]

_HEADER = struct.Struct("!cI")
_LONGEST = 4 * 1024 * 1024  # bytes; more than any frame that either side sends


class WireError(ValueError):
    """What came over the pipe is not a frame."""


class Command(Enum):
    """What the parent says."""

    OPEN = b"o"  # a lessee begins: JSON object of what it wants, as its recognizer takes it
    AUDIO = b"a"  # PCM16 at 16 kHz
    EXPECT = b"e"  # JSON list of phrases, from the next utterance on
    FINALIZE = b"f"  # the utterance is over
    CLOSE = b"c"  # the lessee has left: forget everything, then say READY


class Report(Enum):
    """What the worker says."""

    READY = b"r"  # loaded, or done with the lessee; JSON object: what its models can do
    TAKEN = b"h"  # bytes of audio decoded since the last such report, as an unsigned 32-bit number
    RESULT = b"t"  # JSON of `Result`
    FAILED = b"x"  # JSON of `Failure`: why the worker ends


@dataclass(frozen=True, slots=True)
class Result:
    """One transcript. `words` are (text, start_ms, end_ms, confidence)."""

    text: str
    final: bool
    start_ms: int
    end_ms: int
    confidence: float | None = None
    words: tuple[tuple[str, int, int, float], ...] = ()
    rejected: bool = False
    language: str | None = None

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, payload: bytes) -> Result:
        fields: dict[str, Any] = json.loads(payload)
        fields["words"] = tuple((w[0], w[1], w[2], w[3]) for w in fields["words"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker ends.

    Attributes:
        lasting: whether another process would fail in the same way, until the user acts.
    """

    reason: str
    hint: str = ""
    lasting: bool = False

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, payload: bytes) -> Failure:
        return cls(**json.loads(payload))


def frame(kind: Command | Report, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    code: bytes = kind.value
    return _HEADER.pack(code, len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes, however it comes, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The (kind, payload) of each frame that `data` completes.

        Raises:
            WireError: a frame claims to be longer than any is.
        """
        self._buffer += data
        frames = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer, start)
            if length > _LONGEST:
                raise WireError(f"a frame of {length} bytes; at most {_LONGEST} are expected")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((kind, bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
