"""PURE: who speaks when: the caller's prepared audio, and what is answered to it.

A call goes round a track of four cycles of 10 s. In each the caller speaks for 4.5 s; 0.2 s later
the recognizer ends the turn, and the bot's reply of 4.2 s follows. The last reply of the track
lasts longer: into the next cycle, where the caller speaks over it. So each of the two speaks 45 %
of the time, and one turn in four begins with a barge-in. Noise, 15 dB below the speech, goes on
throughout.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples, pcm_to_ulaw

__all__ = [
    "CYCLE_FRAMES",
    "FRAME_BYTES",
    "FRAME_MS",
    "Material",
    "Moment",
    "Track",
    "barge_ins_between",
    "make_material",
    "reply_bytes",
    "reply_text",
    "turn_of",
    "turns_between",
]

FRAME_MS = 20
FRAME_BYTES = 160
BYTES_PER_MS = 8

CYCLES = 4
CYCLE_MS = 10_000
CYCLE_FRAMES = CYCLE_MS // FRAME_MS
SPEECH_MS = 4_500
END_MS = SPEECH_MS + 200
INTERIM_MS = 300
REPLY_MS = 4_200
LONG_REPLY_MS = 6_400

Wide: TypeAlias = NDArray[np.float64]

SPEECH_DBFS = -20.0
SNR_DB = 15.0
_FULL_SCALE = 32768.0
# Quieter than this for 10 ms is a pause at the edge of a recording.
_EDGE_DBFS = -45.0
_EDGE_SAMPLES = 80


@dataclass(frozen=True, slots=True)
class Moment:
    """When the recognizer says something: after so many frames of the track; `end` ends a turn."""

    frame: int
    end: bool


@dataclass(frozen=True)
class Track:
    """The caller's audio as it goes round, in frames of 20 ms: µ-law, in base64 as it is sent."""

    payloads: Sequence[bytes]

    @cached_property
    def moments(self) -> list[Moment]:
        """What the recognizer says in one round: interim results, and the end of each turn."""
        moments = []
        for start in range(0, len(self.payloads), CYCLE_FRAMES):
            for at_ms in range(INTERIM_MS, SPEECH_MS, INTERIM_MS):
                moments.append(Moment(start + at_ms // FRAME_MS, end=False))
            moments.append(Moment(start + END_MS // FRAME_MS, end=True))
        return moments


@dataclass(frozen=True)
class Material:
    """Prepared audio: the caller's track, and what the bot's speech is cut from (µ-law)."""

    track: Track
    voice: bytes


def reply_text(call: int, turn: int) -> str:
    """What is recognized as the words of a turn, and spoken as the reply to it."""
    return f"call {call} turn {turn}"


def turn_of(text: str) -> tuple[int, int] | None:
    """Call and turn that a reply's text names; None for any other text."""
    numbers = [int(word) for word in text.replace(".", " ").split() if word.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def reply_bytes(turn: int) -> int:
    """How much µ-law the reply to a turn is; turns are counted by the cycles of the track."""
    barged_in = turn % CYCLES == CYCLES - 1
    return (LONG_REPLY_MS if barged_in else REPLY_MS) * BYTES_PER_MS


def turns_between(start: int, end: int) -> int:
    """How many turns the recognizer ends after one frame, counted on round the track, until
    another."""
    return _turns_until(end) - _turns_until(start)


def _turns_until(frame: int) -> int:
    return (frame - END_MS // FRAME_MS) // CYCLE_FRAMES + 1


def barge_ins_between(start: int, end: int) -> int:
    """How many times the caller begins to speak over a reply that was wanted after `start`."""
    track, lead = CYCLES * CYCLE_FRAMES, (CYCLE_MS - END_MS) // FRAME_MS
    return max(end // track - (start + lead) // track, 0)


def make_material(recordings: Sequence[Samples], seed: int = 1) -> Material:
    """What is spoken: in the track the caller speaks the recordings (8 kHz) by turns."""
    rng = np.random.default_rng(seed)
    size = CYCLES * CYCLE_MS * BYTES_PER_MS
    line = rng.standard_normal(size) * _level(SPEECH_DBFS - SNR_DB)
    spoken = [_spoken(recording) for recording in recordings]
    for cycle in range(CYCLES):
        turn = np.concatenate([*spoken[cycle % len(spoken) :], *spoken, *spoken])
        turn = turn[: SPEECH_MS * BYTES_PER_MS]
        start = cycle * CYCLE_MS * BYTES_PER_MS
        line[start : start + len(turn)] += turn
    ulaw = _ulaw(line)
    frames = (ulaw[at : at + FRAME_BYTES] for at in range(0, len(ulaw), FRAME_BYTES))
    return Material(Track([b64encode(frame) for frame in frames]), _ulaw(np.concatenate(spoken)))


def _ulaw(samples: Wide) -> bytes:
    return pcm_to_ulaw(np.clip(np.rint(samples), -32_767, 32_767).astype(np.int16))


def _level(dbfs: float) -> float:
    """The effective value of a level."""
    return float(_FULL_SCALE * 10 ** (dbfs / 20))


def _spoken(recording: Samples) -> Wide:
    """A recording without the pauses at its ends, at the level of speech."""
    wide = recording.astype(np.float64)
    whole = len(wide) // _EDGE_SAMPLES * _EDGE_SAMPLES
    power = np.square(wide[:whole]).reshape(-1, _EDGE_SAMPLES).mean(axis=1)
    (loud,) = np.nonzero(power > _level(_EDGE_DBFS) ** 2)
    wide = wide[loud[0] * _EDGE_SAMPLES : (loud[-1] + 1) * _EDGE_SAMPLES]
    spoken: Wide = wide * (_level(SPEECH_DBFS) / np.sqrt(np.square(wide).mean()))
    return spoken
