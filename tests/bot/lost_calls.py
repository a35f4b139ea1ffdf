"""A call that loses its worker: what one session has saved is all that the next one knows.

Killing a worker is the same as taking its last saved record and beginning another session with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from bot.dialog import Call, Gap, Turn
from bot.keeping import RecordKeeper
from bot.parts import Commit, Counts
from bot.progress import Progress
from bot.record import Record
from bot.store import Store, StoreUnavailable
from bot.telephony.pending import Leaving
from tests.bot.sessions import CALL, Keeper, Scene, scene

__all__ = [
    "ANSWER",
    "GAP_MS",
    "GREETING",
    "Resuming",
    "Shelf",
    "Shop",
    "bot_heard",
    "lose",
    "stream",
]

GAP_MS = 700
GREETING = ["Welcome to the shop.", "What would you like?"]
ANSWER = ["You want tea.", "Anything else?"]


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


class Shop:
    """Takes orders: a hook of some patience, with state."""

    def __init__(self, *, streams: bool = False, thinks_s: float = 0.6) -> None:
        self.streams = streams
        self.thinks_s = thinks_s
        self.turns: list[Turn] = []

    async def greet(self, call: Call) -> str:
        call.state["greeted"] = True
        return " ".join(GREETING)

    async def on_turn(self, call: Call, turn: Turn) -> AsyncIterator[str]:
        self.turns.append(turn)
        call.state.setdefault("orders", []).append(turn.text)
        await asyncio.sleep(self.thinks_s)
        for sentence in ANSWER:
            yield sentence + " "
            if self.streams:
                await asyncio.sleep(0.9)
        call.state["answered"] = len(call.state["orders"])


class Resuming(Shop):
    """Has something of its own to say after a break."""

    def __init__(self, *answer: object, **more: Any) -> None:
        super().__init__(**more)
        self.answer = list(answer)
        self.resumed: list[tuple[str, Gap | None]] = []

    async def on_resume(self, call: Call, unheard: str) -> list[object]:
        self.resumed.append((unheard, call.gap))
        return self.answer


def bot_heard(s: Scene) -> str:
    return " | ".join(entry.heard for entry in s.call.history if entry.role == "bot")


async def lose(target: Any, shelf: Shelf, after_s: float, texts: list[str | None]) -> Record:
    """The record that is left when the worker is killed some time after the caller has spoken."""
    async with stream(target, shelf, texts=texts) as s:
        await s.say(400, then_s=after_s)
        return shelf.record()
