"""Workers that hear chunks, without recognizers: a session of theirs reads what it hears.

The audio of such a session is a row of frames of 20 ms, each of which says its own number: what
was understood then tells which frames were heard, and whether one was lost or heard twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunks import ChunkStore
from bot.api.stt.faults import Fault
from bot.api.stt.intake import Intakes
from bot.api.stt.outbox import Outbox
from bot.api.stt.posting import Posting
from bot.api.stt.store import SessionGone, SttStore, Superseded
from bot.api.stt.wakes import Wakes
from bot.inbox import Inbox
from bot.leases import Leases
from bot.metrics import Metrics
from bot.store_keys import Keys
from tests.background import running

__all__ = ["FRAME", "NumberSession", "NumberSessions", "Worker", "frames", "worker"]

FRAME = 640
"""Bytes of 20 ms at 16 kHz."""
FRAME_MS = 20
FINAL_EVERY = 10
"""Frames, of what is understood for good at once."""


def frames(first: int, end: int) -> bytes:
    """Audio that says the numbers from `first` up to `end`."""
    return b"".join(number.to_bytes(4, "big") * (FRAME // 4) for number in range(first, end))


class NumberSession:
    """A session that understands `frames`: in finals of ten, the rest being interim."""

    def __init__(self, store: SttStore, request: SessionRequest, generation: int) -> None:
        assert request.session_id is not None
        self.id = request.session_id
        self.generation = generation
        self.from_ms = 0
        self.sequence = 0
        self.over = False
        self.audio_ms = 0.0
        self.slow = asyncio.Event()
        self.slow.set()
        self.failing = False
        self.broken = False
        self.asked = 0
        self.not_honoured = ("punctuation",) if request.punctuation else ()
        self._store = store
        self._skip = 0
        self._rest = b""
        self._heard: list[int] = []
        self._outbox = Outbox()

    def skip(self, duration_ms: float) -> None:
        self._skip += round(duration_ms * FRAME / FRAME_MS) // 2 * 2  # whole samples

    async def send(self, audio: bytes) -> None:
        self.asked += 1
        await self.slow.wait()
        if self.broken:
            raise RuntimeError("a fault of ours")
        if audio.startswith(b"broken"):
            raise Fault("bad_audio", "it is broken")
        if self.failing:
            self.fail()
            raise Fault("provider_failed", "nobody can go on")
        skipped = min(self._skip, len(audio))
        self._skip -= skipped
        self._rest += audio[skipped:]
        while len(self._rest) >= FRAME:
            self._heard.append(int.from_bytes(self._rest[:4], "big"))
            self._rest = self._rest[FRAME:]
            self.audio_ms += FRAME_MS
            if self._heard[-1] % FINAL_EVERY == FINAL_EVERY - 1:
                self._final()
        if self._heard:
            self._outbox.put_interim(self._message(self._heard, final=False), 0)

    async def finish(self, reason: str, fault: Fault | None = None) -> None:
        if self.over:
            return
        if self._heard:
            self._final()
        self.fail()
        try:
            await self._store.ended(self.id, self.generation, reason)
        except Superseded:
            return
        self._store.release(self.id)

    def fail(self) -> None:
        self.over = True
        self._outbox.close()

    async def let_go(self) -> None:
        if self._heard:
            self._final()
        self.fail()

    async def next(self) -> bytes | None:
        return await self._outbox.next()

    def take_all(self) -> list[bytes]:
        return self._outbox.take_all()

    async def close(self) -> None:
        self.over = True

    def _final(self) -> None:
        self.sequence += 1
        message = self._message(self._heard, final=True)
        self._heard = []
        self._outbox.outdate(0)
        self._outbox.put(message)
        covered_ms = self.from_ms + self.audio_ms
        self._store.final(self.id, self.generation, self.sequence, message, covered_ms)

    def _message(self, numbers: list[int], *, final: bool) -> bytes:
        return orjson.dumps(
            {
                "type": "transcription",
                "session_id": self.id,
                "sequence": self.sequence,
                "text": " ".join(map(str, numbers)),
                "is_final": final,
                "confidence": 0.5,
                "timestamp": datetime.now(UTC),
                "channel": 0,
            }
        )


@dataclass
class NumberSessions:
    """Begins and resumes such sessions; `faults` are raised first; resumed ones may be failing."""

    store: SttStore
    failing: bool = False
    begun: list[NumberSession] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    async def open(
        self, request: SessionRequest, principal: Principal, *, door: str
    ) -> NumberSession:
        if self.faults:
            raise self.faults.pop(0)
        assert request.session_id is not None
        values = {"language": request.language, "sample_rate": request.sample_rate_hz}
        generation = await self.store.begin(
            request.session_id, principal.key_id, values, request.format
        )
        self.begun.append(NumberSession(self.store, request, generation))
        return self.begun[-1]

    async def resume(
        self, request: SessionRequest, principal: Principal, *, door: str
    ) -> NumberSession:
        if self.faults:
            raise self.faults.pop(0)
        assert request.session_id is not None
        try:
            taken = await self.store.take(request.session_id, principal.key_id)
        except SessionGone as gone:
            raise Fault("session_ended", gone.reason) from None
        if taken is None:
            raise Fault("session_not_found", "there is none")
        session = NumberSession(self.store, request, taken.generation)
        session.from_ms, session.sequence = taken.covered_ms, taken.sequence
        session.failing = self.failing
        self.begun.append(session)
        return session

    def superseded(self, session_id: str, generation: int, deleted: bool = False) -> None:
        """Another worker has taken a session, or it was deleted."""
        for session in self.begun:
            if session.id == session_id and session.generation == generation:
                session.fail()


@dataclass(frozen=True)
class Worker:
    """What of a worker hears chunks."""

    store: SttStore
    chunks: ChunkStore
    sessions: NumberSessions
    intakes: Intakes
    posting: Posting
    inbox: Inbox
    leases: Leases

    async def renew(self) -> None:
        """Say that it is alive."""
        await self.leases.renew(self.store.worker, {"host": "here"}, {})

    async def die(self) -> None:
        """Say that it is not, any more."""
        await self.leases.leave(self.store.worker)


@asynccontextmanager
async def worker(
    url: str, prefix: str, name: str, *, idle_s: float = 300, deadline_s: float = 10
) -> AsyncIterator[Worker]:
    """A worker of that name, until the context is left."""
    sessions: NumberSessions
    store = SttStore(
        url,
        name,
        prefix=prefix,
        idle_s=idle_s,
        deadline_s=deadline_s,
        on_superseded=lambda *lost: sessions.superseded(*lost),
    )
    sessions = NumberSessions(store)
    wakes = Wakes()
    intakes, chunks = Intakes(store, wakes), ChunkStore(store)
    inbox = Inbox(url, name, prefix=prefix, metrics=Metrics())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.aclose)
        stack.push_async_callback(inbox.aclose)
        posting = Posting(chunks, sessions, intakes, wakes, inbox.send)
        leases = Leases(store.link, Keys(prefix), 60)
        made = Worker(store, chunks, sessions, intakes, posting, inbox, leases)
        await made.renew()
        for work in (store.run(), intakes.run(), inbox.run(intakes.command, wakes.wake)):
            await stack.enter_async_context(running(work))
        yield made
