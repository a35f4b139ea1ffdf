"""A call's record while its stream lasts: what the session says of itself goes to the store."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Any

import orjson
import structlog

from bot.dialog import Call
from bot.parts import Counts
from bot.record import Record, now_ms
from bot.store import Store, StoreError, Superseded
from bot.telephony.pending import Leaving, dump_pending

__all__ = ["RecordKeeper"]

log = structlog.get_logger(__name__)

COMMIT_TRIES = 10
COMMIT_PAUSE_S = 1.0


class RecordKeeper:
    """Keeps `record` in `store`; the record's history and state are the live call's own.

    Args:
        call: the live call, whose language may change.
        counts: the counters of the stream in progress.
    """

    def __init__(self, store: Store, record: Record, call: Call, counts: Counts) -> None:
        self._store = store
        self._record = record
        self._call = call
        self._counts = counts
        # Earlier streams of the call have counted too.
        self._counters_before = dict(record.counters)
        self._latencies_before = list(record.latencies)
        self._said: set[str] = set()

    def save(self) -> None:
        """Keep the record as it is now; it is written soon."""
        try:
            self._store.save(self._current())
        except TypeError as error:
            # What the dialog put into the history, say: no reason to lose the call.
            log.error("the call's record holds what JSON cannot: not saved", error=str(error))

    def note(self, kind: str, **fields: Any) -> None:
        """Append an event to the call's log."""
        self._store.append(self._record.sid, kind, now_ms(), **fields)

    async def commit(self, action: Leaving) -> bool:
        """Make durable what Twilio is to do when the stream has ended."""
        self._record.pending = dump_pending(action)
        for _ in range(COMMIT_TRIES):
            try:
                await self._store.commit(self._current())
            except Superseded:
                return False
            except StoreError as error:
                log.warning("what comes next is not stored yet", error=str(error))
                await asyncio.sleep(COMMIT_PAUSE_S)
            else:
                return True
        self._record.pending = None
        self.save()
        return False

    def _current(self) -> Record:
        """The record with its counters, and of the user's state what JSON can hold."""
        counts = self._counts
        self._record.language = self._call.language
        latencies = [asdict(latency) for latency in counts.latencies]
        self._record.latencies = [*self._latencies_before, *latencies]
        names = [name for name in Counts.__slots__ if name != "latencies"]
        self._record.counters = {
            name: self._counters_before.get(name, 0) + getattr(counts, name) for name in names
        }
        lost = {key for key, value in self._record.state.items() if not _is_json({key: value})}
        if not lost:
            return self._record
        if lost - self._said:
            log.error("call.state holds what JSON cannot: not saved", keys=sorted(map(str, lost)))
            self._said |= lost
        kept = {key: value for key, value in self._record.state.items() if key not in lost}
        return replace(self._record, state=kept)


def _is_json(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
