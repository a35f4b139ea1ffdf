"""How late the worker's audio reaches the phone, by the phone's own play-out buffer.

A worker keeps a second of audio in Twilio's buffer while it speaks (`media.playout`): a message is
due when the buffer has room for it. So the buffer shows, long before anybody would hear it, when a
worker waited for something that it should not have waited for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bot.phone import line
from bot.phone.playback import PlayoutBuffer
from bot.phone.result import CallResult
from bot.phone.speech import FRAME_BYTES, FRAME_MS, SAMPLES_PER_MS

__all__ = ["Arrival", "Arrivals", "late_ms", "watched_arrivals"]

# `lead_ms` of the worker's playout.
LEAD_BYTES = 1_000 * SAMPLES_PER_MS
# The worker learns from marks what was played, and the phone echoes them at the end of a frame: so
# far it may be behind without being late.
BEHIND_MS = FRAME_MS
# After so much silence it is another reply, or a hole that is found by how long the reply took.
PAUSE_BYTES = 900 * SAMPLES_PER_MS


@dataclass(frozen=True, slots=True)
class Arrival:
    """A media message of the worker.

    Attributes:
        at: when it came, in samples of the phone's clock.
        queued: how much audio was still to be played then, in bytes.
        size: of its own audio, in bytes.
    """

    at: int
    queued: int
    size: int


def late_ms(arrivals: Sequence[Arrival]) -> list[tuple[int, float]]:
    """For each message that was due at a known time: when it came, in samples, and how late."""
    found: list[tuple[int, float]] = []
    for before, after in itertools.pairwise(arrivals):
        ahead = before.queued + before.size
        wanted = LEAD_BYTES - after.size
        if ahead <= wanted:
            continue  # the buffer is still being filled: as fast as the synthesizer speaks
        due = before.at + ahead - wanted
        if after.at - (before.at + ahead) < PAUSE_BYTES:
            found.append((after.at, (after.at - due) / SAMPLES_PER_MS - BEHIND_MS))
    return found


class Arrivals:
    """Every media message that came while it was watched."""

    def __init__(self) -> None:
        self._buffers: list[_Watched] = []

    def add(self, buffer: _Watched) -> None:
        self._buffers.append(buffer)

    def latest_ms(self, result: CallResult) -> float:
        """How late the worker was at worst, beyond what the phone itself was late at that time."""
        own = result.traffic.late_ms
        worst = 0.0
        for buffer in self._buffers:
            if buffer.track is not result.tape.bot:
                continue
            for arrivals in buffer.runs:
                for at, late in late_ms(arrivals):
                    near = at // FRAME_BYTES
                    phone_ms = max(own[max(near - 3, 0) : near + 2], default=0.0)
                    worst = max(worst, late - phone_ms)
        return worst


class _Watched(PlayoutBuffer):
    """The phone's buffer, which notes what arrives; `runs` are cut where the worker cleared."""

    def __init__(self, track: bytearray, start_sample: int = 0) -> None:
        super().__init__(track, start_sample)
        self.runs: list[list[Arrival]] = [[]]

    def put(self, audio: bytes) -> None:
        self.runs[-1].append(Arrival(len(self.track), self.queued_bytes, len(audio)))
        super().put(audio)

    def clear(self) -> list[str]:
        self.runs.append([])
        return super().clear()


@contextmanager
def watched_arrivals() -> Iterator[Arrivals]:
    """Watch what arrives in calls that this process places inside."""
    arrivals = Arrivals()

    class Watched(_Watched):
        def __init__(self, track: bytearray, start_sample: int = 0) -> None:
            super().__init__(track, start_sample)
            arrivals.add(self)

    usual = vars(line)["PlayoutBuffer"]
    vars(line)["PlayoutBuffer"] = Watched
    try:
        yield arrivals
    finally:
        vars(line)["PlayoutBuffer"] = usual
