"""A call's record while its stream lasts: what the session says of itself goes to the store."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

import orjson
import structlog

from bot.dialog import Call
from bot.parts import Commit, Counts, Kind, Switch
from bot.progress import Progress
from bot.record import Record, now_ms
from bot.store import Store, StoreError, Superseded
from bot.telephony.pending import Leaving, dump_pending
from providers.usage import Use

__all__ = ["RecordKeeper"]

log = structlog.get_logger(__name__)

COMMIT_DEADLINE_S = 0.3
STALL_S = 0.2
"""Who is told so much after a deadline that it is over was not running."""
MAX_SWITCHES = 100
"""So many of the last switches are kept; the call's log has all."""
SECURE_DEADLINE_S = 0.02
"""A caller does not hear a reply that is so much later."""


class RecordKeeper:
    """Keeps `record` in `store`; the record's history and state are the live call's own.

    Args:
        call: the live call, whose language may change.
        counts: the counters of the stream in progress.
        progress: where the conversation stands; None is where the record says.
    """

    def __init__(
        self,
        store: Store,
        record: Record,
        call: Call,
        counts: Counts,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._record = record
        self._call = call
        self._counts = counts
        self._progress = progress or Progress.of(record)
        # Earlier streams of the call have counted too.
        self._counters_before = dict(record.counters)
        self._latencies_before = list(record.latencies)
        self._said: set[str] = set()

    def save(self, *, at_once: bool = False) -> None:
        """Keep the record as it is now; it is written soon, or `at_once`."""
        try:
            self._store.save(self._current())
            if at_once:
                self._store.hurry()
        except TypeError as error:
            # What the dialog put into the history, say: no reason to lose the call.
            log.error("the call's record holds what JSON cannot: not saved", error=str(error))

    def note(self, kind: str, **fields: Any) -> None:
        """Append an event to the call's log."""
        record = self._record
        self._store.append(record.sid, kind, now_ms(), record.generation, **fields)

    def remark(self, text: str) -> None:
        """Add to the record's notes."""
        self._record.notes.append(text)
        self.save()

    def uses(self, kind: Kind, name: str) -> None:
        """Note which recognizer or synthesizer the call uses."""
        self._record.providers[kind] = name
        self.save()

    def metered(self, use: Use) -> None:
        """Add to what the call used of a recognizer or synthesizer; the next `save` keeps it."""
        kept = self._record.usage.setdefault(f"{use.kind}:{use.provider}", {"amount": 0.0})
        kept["amount"] += use.amount
        if use.usd is not None:
            kept["usd"] = kept.get("usd", 0.0) + use.usd
            kept["priced"] = use.priced

    def switched(self, switch: Switch) -> None:
        """Note that it did not use the same one before."""
        self._record.switches.append(asdict(switch))
        del self._record.switches[:-MAX_SWITCHES]
        change = {"before": switch.before, "after": switch.after, "reason": switch.reason}
        self.note("switch", engine=switch.kind, **change, stream_ms=switch.at_ms)
        self.save()

    async def secure(self) -> bool:
        """Have in Redis what was saved; false when it is not there in time."""
        return await self._store.secure(self._record.sid, SECURE_DEADLINE_S)

    async def commit(self, action: Leaving) -> Commit:
        """Make durable what Twilio is to do when the stream has ended."""
        self._record.pending = dump_pending(action)
        late_s = time.monotonic() + COMMIT_DEADLINE_S + STALL_S
        outcome = await self._commit()
        if outcome == "unavailable" and time.monotonic() > late_s:
            # It was we who were late. What Redis has said is lost, be it that the call, while we
            # were frozen, was given to another worker: Twilio must not hang up on that.
            outcome = await self._commit()
        return outcome

    async def _commit(self) -> Commit:
        try:
            await self._store.commit(self._current(), COMMIT_DEADLINE_S)
        except Superseded:
            return "superseded"
        except StoreError as error:
            log.warning("what comes next is not stored in time", error=str(error))
            return "unavailable"
        except TypeError as error:
            log.error("the call's record holds what JSON cannot: not saved", error=str(error))
            return "unavailable"
        return "kept"

    def withdraw(self) -> None:
        """What was to be made durable is not to be done after all."""
        self._record.pending = None
        self.save()

    def _current(self) -> Record:
        """The record with its counters, and of the user's state what JSON can hold."""
        counts = self._counts
        self._record.language = self._call.language
        self._progress.note(self._record)
        latencies = [asdict(latency) for latency in counts.latencies]
        self._record.latencies = [*self._latencies_before, *latencies]
        own = {"latencies", "failed_hooks", "barge_ins_ms", "provider_errors", "switches"}
        names = [*(name for name in Counts.__slots__ if name not in own), "hook_errors"]
        self._record.counters = {
            name: self._counters_before.get(name, 0) + getattr(counts, name) for name in names
        }
        # While a hook answers, what it has done to the state so far is not to be done twice.
        state = self._record.state
        if self._progress.state_before is not None:
            state = self._progress.state_before
        lost = {key for key, value in state.items() if not _is_json({key: value})}
        if lost - self._said:
            log.error("call.state holds what JSON cannot: not saved", keys=sorted(map(str, lost)))
            self._said |= lost
        kept = {key: value for key, value in state.items() if key not in lost}
        return replace(self._record, state=kept)


def _is_json(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
