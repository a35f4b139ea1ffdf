"""PURE: what is still to be written to Redis, and what must be written again should it be lost.

Every change of a call gets the next number of one counter, its *sequence*. Redis keeps the sequence
up to which it has a call's changes, so that a batch that is sent twice, or arrives late, changes
nothing twice, and a Redis that lost something is found out: its sequence is lower than what it
acknowledged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["Backlog", "Write"]

# What is kept of a call's log in memory: some thousand events, and a bound for a call's share.
LOG_BYTES = 128 * 1024
# Calls that are over but not yet written; those in progress are bounded by PARLEY_MAX_CALLS.
RELEASED_CALLS = 1000


@dataclass(frozen=True, slots=True)
class Write:
    """Everything of one call that Redis has not acknowledged.

    Attributes:
        generation: of the writer; None when it holds no record and only adds to the log.
        acknowledged: the sequence up to which Redis said that it has everything.
        sequence: the sequence up to which it has everything after this.
        record: the whole record as JSON, if it changed.
        closed: nothing but the log may be added to the record after this.
        events: each with its sequence, as JSON, in order.
    """

    sid: str
    generation: int | None
    acknowledged: int
    sequence: int
    started_ms: int
    record: bytes | None
    closed: bool
    events: tuple[tuple[int, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes to send, about."""
        return len(self.record or b"") + sum(len(event) for _, event in self.events)


@dataclass(slots=True)
class _Entry:
    """What is remembered of one call."""

    generation: int | None = None
    started_ms: int = 0
    record: bytes | None = None
    record_sequence: int = 0
    closed: bool = False
    events: deque[tuple[int, bytes]] = field(default_factory=deque)
    events_bytes: int = 0
    acknowledged: int = 0
    sequence: int = 0
    released: bool = False

    @property
    def dirty(self) -> bool:
        return self.sequence > self.acknowledged


class Backlog:
    """The changes of this process's calls.

    A call in progress keeps its record and its log here even when they are written, until it is
    released. `dropped` counts what could not be kept.
    """

    def __init__(self, *, log_bytes: int = LOG_BYTES, released_calls: int = RELEASED_CALLS) -> None:
        self._log_bytes = log_bytes
        self._released_calls = released_calls
        self._entries: dict[str, _Entry] = {}
        self._sequence = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def dirty(self) -> int:
        """Calls with something to write."""
        return sum(entry.dirty for entry in self._entries.values())

    def save(
        self, sid: str, generation: int, started_ms: int, record: bytes, *, closed: bool = False
    ) -> bool:
        """Keep the call's latest record; false when this process knows a newer generation."""
        entry = self._entry(sid)
        if generation < (entry.generation or 0):
            return False
        entry.generation, entry.started_ms, entry.released = generation, started_ms, False
        entry.record, entry.closed, entry.record_sequence = record, closed, self._next(entry)
        return True

    def own(self, sid: str, generation: int) -> None:
        """From now on this process writes the call as `generation`."""
        entry = self._entry(sid)
        entry.generation, entry.released = generation, False

    def append(self, sid: str, event: bytes, generation: int | None = None) -> None:
        """Keep one event of the call's log.

        What a stream says of itself, as `generation`, is not kept once a newer one owns the call.
        """
        entry = self._entry(sid)
        if generation is not None:
            if generation < (entry.generation or 0):
                return
            entry.generation = generation
        entry.events.append((self._next(entry), event))
        entry.events_bytes += len(event)
        while entry.events_bytes > self._log_bytes and len(entry.events) > 1:
            sequence, oldest = entry.events.popleft()
            entry.events_bytes -= len(oldest)
            self.dropped += sequence > entry.acknowledged

    def release(self, sid: str) -> None:
        """The call is no longer this process's: forget it once it is written."""
        if (entry := self._entries.get(sid)) is None:
            return
        entry.released = True
        self._forget_written(sid, entry)
        released = [sid for sid, entry in self._entries.items() if entry.released]
        for oldest in released[: len(released) - self._released_calls]:
            lost = self._entries.pop(oldest)
            self.dropped += 1 + len(lost.events)

    def forget_record(self, sid: str) -> None:
        """The record that was saved last is not to be written any more; the log's events are."""
        if (entry := self._entries.get(sid)) is not None:
            entry.generation, entry.record, entry.closed = None, None, False
            entry.sequence = max([entry.acknowledged, *(sequence for sequence, _ in entry.events)])

    def discard(self, sid: str) -> None:
        """Forget the call, written or not."""
        self._entries.pop(sid, None)

    def pending(self) -> list[Write]:
        """What is to be written, call by call."""
        entries = self._entries.items()
        return [self._write(sid, entry) for sid, entry in entries if entry.dirty]

    def write(self, sid: str) -> Write | None:
        """What is to be written of one call."""
        entry = self._entries.get(sid)
        return self._write(sid, entry) if entry is not None and entry.dirty else None

    @staticmethod
    def _write(sid: str, entry: _Entry) -> Write:
        done = entry.acknowledged
        return Write(
            sid=sid,
            generation=entry.generation,
            acknowledged=done,
            sequence=entry.sequence,
            started_ms=entry.started_ms,
            record=entry.record if entry.record_sequence > done else None,
            closed=entry.closed,
            events=tuple(item for item in entry.events if item[0] > done),
        )

    def acknowledge(self, write: Write) -> None:
        """Redis has everything of `write`."""
        if (entry := self._entries.get(write.sid)) is not None:
            entry.acknowledged = max(entry.acknowledged, write.sequence)
            self._forget_written(write.sid, entry)

    def refuse(self, write: Write) -> bool:
        """Redis refused `write`, a newer generation owning the call: forget the call.

        False when that newer generation is this process's own.
        """
        entry = self._entries.get(write.sid)
        if entry is None or entry.generation != write.generation:
            return False
        del self._entries[write.sid]
        return True

    def lost(self, sid: str, sequence: int = 0) -> None:
        """Redis has the call's changes only up to `sequence`: the rest is to be written again.

        The record goes with the rest, being whole in itself.
        """
        if (entry := self._entries.get(sid)) is not None and sequence < entry.acknowledged:
            entry.acknowledged = sequence
            if entry.record is not None:
                entry.record_sequence = self._next(entry)

    def lost_all(self) -> None:
        """Redis came back empty: every call is to be written again."""
        for sid in self._entries:
            self.lost(sid)

    def _entry(self, sid: str) -> _Entry:
        return self._entries.setdefault(sid, _Entry())

    def _next(self, entry: _Entry) -> int:
        self._sequence += 1
        entry.sequence = self._sequence
        return self._sequence

    def _forget_written(self, sid: str, entry: _Entry) -> None:
        if entry.released and not entry.dirty:
            del self._entries[sid]
