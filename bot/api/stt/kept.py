"""PURE: what is kept of a session, as the worker knows it that has the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from media.audio import AudioFormat

__all__ = ["HeardChunk", "Kept", "Pace", "Shown", "Taken", "final_event"]

UNHEARD_MS = 30_000
UNHEARD_BYTES = 8 * 1024 * 1024
"""So much audio may wait to be heard: 30 s, unless its rate is absurd."""
CONTAINER_BYTES = 1024 * 1024
"""So much of a container, which is 30 s of uncompressed speech."""
DOUBTFUL_MS = 40_000.0
"""Heard audio is kept for so long at most when nothing of it is understood for good, as silence is
not: a recognizer gives a final of every 20 s of speech."""
FAULTS = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """A session that was taken from its former owner, or from nobody.

    Attributes:
        generation: as which it is owned.
        values: what was asked for last.
        sequence: of the last final.
        covered_ms: from where on its audio is still to be understood; before that, finals are.
        audio_ms: how much audio its former owner had.
    """

    generation: int
    values: dict[str, Any]
    sequence: int
    covered_ms: int
    audio_ms: int


@dataclass(frozen=True, slots=True)
class Shown:
    """How a session stands.

    Attributes:
        ended: why it has ended; empty while it goes on.
        values: what was asked for last.
        sequence: of the last final.
        audio_ms: how much audio was taken.
        expires_s: in how many seconds it expires if nothing more comes.
        text, confidence: of all finals.
        chunks: how many came by HTTP.
    """

    ended: str
    values: dict[str, Any]
    sequence: int
    audio_ms: int
    expires_s: float
    text: str
    confidence: float | None
    chunks: int


@dataclass(frozen=True, slots=True)
class HeardChunk:
    """A chunk that came by HTTP and was heard.

    Attributes:
        index: its number.
        end_bytes: where in the session's bytes it ends.
        audio_ms: how much audio of the session has come with it.
        fault: what was wrong with it, as JSON.
        not_honoured: parameters of the session of which who recognizes it makes nothing.
    """

    index: int
    end_bytes: int
    audio_ms: float
    fault: bytes | None = None
    not_honoured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How a session's bytes become time.

    Attributes:
        frame_bytes: of one frame.
        rate_bytes: of one second; 0 for a container, of which that is not known.
        most_bytes: so many may wait unheard.
    """

    frame_bytes: int = 1
    rate_bytes: int = 0
    most_bytes: int = CONTAINER_BYTES

    @classmethod
    def of(cls, audio: AudioFormat | None) -> Pace:
        """Of a format; None is a container."""
        if audio is None:
            return cls()
        most_bytes = min(audio.byte_count(UNHEARD_MS), UNHEARD_BYTES)
        return cls(audio.frame_bytes, audio.byte_count(1000), most_bytes)

    def ms(self, count: int) -> float:
        """How long so many bytes last; 0 in a container."""
        return count * 1000 / self.rate_bytes if self.rate_bytes else 0.0


@dataclass(slots=True)
class Kept:
    """What is kept of a session, but for its finals.

    Attributes:
        key_id: whose it is.
        values: what is asked for, in JSON.
        pace: how its bytes become time.
        generation: as which this worker has it.
        audio_ms: how much audio was taken.
        covered_ms: up to where it is understood for good.
        ended: why it has ended; empty while it goes on.
        heard: how many of its chunks this worker, or one before it, has heard; -1 when none came.
        heard_bytes: how much audio was in those.
        interims: messages with what is understood of the latest audio, not for good.
        not_honoured: parameters of which who recognizes it makes nothing.
    """

    key_id: str
    values: bytes
    pace: Pace
    generation: int
    audio_ms: int = 0
    covered_ms: int = 0
    ended: str = ""
    heard: int = -1
    heard_bytes: int = 0
    interims: tuple[bytes, ...] = ()
    not_honoured: tuple[str, ...] = ()
    _faults: dict[int, bytes] = field(default_factory=dict)
    _doubtful: deque[tuple[int, float]] = field(default_factory=deque)  # and where each one ends

    def hear(self, chunk: HeardChunk) -> None:
        """A chunk was heard."""
        self.heard, self.heard_bytes = chunk.index + 1, chunk.end_bytes
        self.audio_ms = max(self.audio_ms, int(chunk.audio_ms))
        self.not_honoured = chunk.not_honoured
        if self.pace.rate_bytes:
            self._doubtful.append((chunk.index, self.pace.ms(chunk.end_bytes)))
        if chunk.fault is not None:
            self._faults[chunk.index] = chunk.fault
            while len(self._faults) > FAULTS:
                del self._faults[next(iter(self._faults))]

    def _keep(self) -> int:
        """The first chunk that another worker would need to go on."""
        if not self.pace.rate_bytes:
            return 0
        done_ms = max(self.covered_ms, self.pace.ms(self.heard_bytes) - DOUBTFUL_MS)
        while self._doubtful and self._doubtful[0][1] <= done_ms:
            self._doubtful.popleft()
        return self._doubtful[0][0] if self._doubtful else max(self.heard, 0)

    def to_json(self) -> bytes:
        """All of it, for the script that writes it."""
        record: Mapping[str, Any] = {
            "key": self.key_id,
            "values": self.values.decode(),
            "frame": self.pace.frame_bytes,
            "rate": self.pace.rate_bytes,
            "most": self.pace.most_bytes,
            "audio_ms": self.audio_ms,
            "covered_ms": self.covered_ms,
            "ended": self.ended,
            "heard": self.heard,
            "heard_bytes": self.heard_bytes,
            "keep": self._keep(),
            "interims": f"[{','.join(message.decode() for message in self.interims)}]",
            "not_honoured": ",".join(self.not_honoured),
            "faults": {str(index): fault.decode() for index, fault in self._faults.items()},
        }
        return orjson.dumps(record)


def final_event(sequence: int, message: bytes) -> bytes:
    """A final for the log: a line about it, and its message as it was sent.

    Args:
        sequence: its number.
        message: a `transcription` in JSON.
    """
    said = orjson.loads(message)
    text, confidence = said["text"].strip(), said.get("confidence")
    rated = 0 if confidence is None else len(text)
    about = {"sequence": sequence, "text": text, "sure": (confidence or 0) * rated, "rated": rated}
    return orjson.dumps(about) + b"\n" + message
