"""A call that loses its worker: what one session has saved is all that the next one knows.

Killing a worker is the same as taking its last saved record and beginning another session with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from bot.dialog import Call, Gap
from bot.keeping import RecordKeeper
from bot.parts import Commit, Counts
from bot.progress import Progress
from bot.record import Record
from bot.store import Store, StoreUnavailable
from bot.telephony.pending import Leaving
from tests.bot.sessions import CALL, Keeper, Scene, scene

__all__ = ["GAP_MS", "Shelf", "stream"]

GAP_MS = 700


class Shelf:
    """Holds a record as Redis does: all that was ever saved, the last of which counts."""

    def __init__(self) -> None:
        self.saved: list[bytes] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.away = False

    def save(self, record: Record) -> None:
        self.saved.append(record.to_json())

    def hurry(self) -> None:
        pass

    def append(self, sid: str, kind: str, at_ms: int, generation: int, **fields: Any) -> None:
        self.events.append((kind, fields))

    async def secure(self, sid: str, deadline_s: float) -> bool:
        await asyncio.sleep(0 if self.away else 0.001)
        return not self.away

    async def commit(self, record: Record, deadline_s: float) -> None:
        self.save(record)
        await asyncio.sleep(deadline_s if self.away else 0.001)
        if self.away:
            raise StoreUnavailable("away")

    def record(self) -> Record:
        """The record as another worker finds it."""
        return Record.from_json(self.saved[-1])


class _Kept(Keeper):
    """A session's keeper that really keeps."""

    def __init__(self, keeper: RecordKeeper) -> None:
        super().__init__()
        self.keeper = keeper

    def save(self, *, at_once: bool = False) -> None:
        self.keeper.save(at_once=at_once)

    def note(self, kind: str, **fields: Any) -> None:
        self.keeper.note(kind, **fields)

    def remark(self, text: str) -> None:
        self.keeper.remark(text)

    async def secure(self) -> bool:
        return await self.keeper.secure()

    async def commit(self, action: Leaving) -> Commit:
        self.commits.append(action)
        return await self.keeper.commit(action)

    def withdraw(self) -> None:
        self.withdrawn += 1
        self.keeper.withdraw()


@asynccontextmanager
async def stream(
    target: Any, shelf: Shelf, record: Record | None = None, **parts: Any
) -> AsyncIterator[Scene]:
    """A stream of the call: the first one, or with a `record` the one after a break."""
    if record is not None:
        parts.setdefault("resuming", True)
        parts.setdefault("gap", Gap(GAP_MS, speech_lost=record.speaking_from_ms is not None))
        parts.setdefault("began_ms", 60_000.0)
    record = record or Record(CALL)
    record.pending = None
    call = Call(CALL, "", "", "inbound", history=record.history, state=record.state)
    progress, counts = Progress.of(record), Counts()
    keeper = _Kept(RecordKeeper(cast(Store, shelf), record, call, counts, progress))
    keeper.save()
    async with scene(
        target,
        call=call,
        keeper=keeper,
        counts=counts,
        progress=progress,
        **parts,
    ) as s:
        yield s
