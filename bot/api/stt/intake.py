"""Sessions whose audio comes by HTTP: the worker that has one hears its chunks, in their order.

The chunks wait in Redis, whichever worker they came to. When this worker dies, the one that gets
the next chunk takes the session, and hears again what was not understood for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Protocol

import orjson
import structlog

from bot.inbox import Command

from .chunk_scripts import CAME
from .chunks import ChunkStore, Waiting
from .faults import Fault
from .kept import HeardChunk
from .partings import draining
from .store import StoreUnavailable, SttStore, Superseded
from .wakes import Wakes

__all__ = ["ChunkSession", "Intakes"]

log = structlog.get_logger(__name__)

READ = 8
"""How many chunks are read at once."""
LOOK_S = 5.0
"""Chunks are looked for at least so often: somebody may have died before waking us."""
PAUSE_S = 10.0
"""After so long without a chunk a session is let go: others, and calls, want its recognizer."""
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
CLOSE_S = 10.0
FINISH_S = 60.0
CLIENTS = frozenset({"bad_audio", "bad_channels", "too_long"})
"""What is the client's fault, and not to be tried again elsewhere."""


class ChunkSession(Protocol):
    """What of a session is needed here; `session.Session` is one."""

    id: str
    generation: int
    from_ms: int
    over: bool

    @property
    def audio_ms(self) -> float:
        """How much audio of it has come."""

    @property
    def not_honoured(self) -> tuple[str, ...]:
        """What its client asked for and the recognizer makes nothing of."""

    def skip(self, duration_ms: float) -> None:
        """Leave out so much of the audio that comes next: it was heard before."""

    async def send(self, audio: bytes) -> None:
        """Take audio; returns when more may come. Raises `Fault`."""

    async def finish(self, reason: str, fault: Fault | None = None) -> None:
        """End it when all is understood. Raises `Fault` when that fails: it may be resumed."""

    async def let_go(self) -> None:
        """Have what came understood, and go on no more here. It may be resumed."""

    async def next(self) -> bytes | None:
        """The next message for its client; None when there are no more."""

    def take_all(self) -> list[bytes]:
        """The messages that wait, without waiting."""

    async def close(self) -> None:
        """Release what is held at once. Idempotent."""


class Intakes:
    """The sessions that this worker hears the chunks of.

    Args:
        store: of sessions.
        wakes: told of news by the inbox.
    """

    def __init__(self, store: SttStore, wakes: Wakes) -> None:
        self._store = store
        self._chunks = ChunkStore(store)
        self._wakes = wakes
        self._held: set[str] = set()
        self._group: asyncio.TaskGroup | None = None

    def holds(self, session: str) -> bool:
        """Whether this worker hears the session, or is about to."""
        return session in self._held

    async def command(self, command: Command) -> None:
        """Say whether a session is heard here.

        Raises:
            LookupError: it is not.
        """
        if not self.holds(command.sid):
            raise LookupError("the session is not heard here")

    async def adopt(self, session: str, opening: Callable[[], Awaitable[ChunkSession]]) -> None:
        """Hear a session from now on, unless this worker does so already.

        Args:
            session: its id.
            opening: begins or resumes it.

        Raises:
            Fault, SessionExists: as `opening` does.
        """
        if self.holds(session):
            return
        self._held.add(session)
        try:
            opened = await opening()
            assert self._group is not None, "it does not run"
            hearing = self._hear(opened)
            try:
                self._group.create_task(hearing)
            except RuntimeError:
                hearing.close()
                await opened.close()
                raise draining() from None  # the worker has ended meanwhile
        except BaseException:
            self._lose(session)
            raise

    async def run(self) -> None:
        """Hear chunks, for ever; the worker starts this once."""
        async with asyncio.TaskGroup() as self._group:
            await asyncio.get_running_loop().create_future()

    async def _hear(self, session: ChunkSession) -> None:
        try:
            with self._wakes.news_of(session.id + CAME) as news:
                await Intake(session, self._store, self._chunks, self._wakes, news).run()
        except Exception as error:
            # One session's fault must not end the others: its next chunk has it taken up anew.
            log.error("session is not heard any more", session=session.id, exc_info=error)
        finally:
            self._lose(session.id)
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await session.close()

    def _lose(self, session: str) -> None:
        self._held.discard(session)
        self._wakes.wake(session)


class Intake:
    """The hearing of one session.

    Args:
        session: which.
        store, chunks: where its chunks are, and what came of them is kept.
        wakes: wakes those who wait for that.
        news: is set when a chunk came.
    """

    def __init__(
        self,
        session: ChunkSession,
        store: SttStore,
        chunks: ChunkStore,
        wakes: Wakes,
        news: asyncio.Event,
    ) -> None:
        self._session = session
        self._store = store
        self._chunks = chunks
        self._wakes = wakes
        self._news = news
        self._interims: dict[int, bytes] = {}  # the latest of each channel
        self._next = 0
        self._begun = False
        self._cut = 0  # bytes of a frame whose beginning is not kept
        self._finishing = False

    async def run(self) -> None:
        """Hear its chunks until it is over, or has another owner."""
        async with asyncio.TaskGroup() as group:
            reading, feeding = group.create_task(self._read()), group.create_task(self._feed())
            await asyncio.wait([reading, feeding], return_when=asyncio.FIRST_COMPLETED)
            if self._finishing:
                await asyncio.wait([feeding], timeout=FINISH_S)
            reading.cancel()
            feeding.cancel()

    async def _read(self) -> None:
        while (message := await self._session.next()) is not None:
            self._note(message)

    def _note(self, message: bytes) -> None:
        said = orjson.loads(message)
        if said["type"] == "transcription":
            self._interims.pop(said["channel"], None)
            if said["text"] and not said["is_final"]:
                self._interims[said["channel"]] = message

    async def _feed(self) -> None:
        heard_s = _now_s()
        while True:
            self._news.clear()
            chunks, last, more = await self._waiting()
            for chunk in chunks:
                if not await self._hear(chunk):
                    return
                heard_s = _now_s()
            if last is not None and (self._next > last or not chunks):
                await self._finish()
                return
            if _now_s() - heard_s >= PAUSE_S:
                await self._pause()
                return
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._news.wait()

    async def _waiting(self) -> tuple[list[Waiting], int | None, bool]:
        """Chunks that wait, the index of the final one, and whether more may wait."""
        most = READ
        for pause_s in chain(BACKOFF_S, repeat(BACKOFF_S[-1])):
            with suppress(StoreUnavailable):
                chunks, last = await self._chunks.waiting(self._session.id, self._next, most)
                return chunks, last, len(chunks) == most
            await asyncio.sleep(pause_s)
            most = 1  # they may be so large that no more come within the deadline
        raise AssertionError

    async def _hear(self, chunk: Waiting) -> bool:
        """Hear a chunk; false when no more of them are to be heard here."""
        session, fault = self._session, None
        if not self._begun:
            # Of the first one that is kept, some may be understood for good.
            pace = self._store.pace(session.id)
            self._cut = -chunk.start_bytes % pace.frame_bytes
            session.skip(max(0.0, session.from_ms - pace.ms(chunk.start_bytes + self._cut)))
            self._begun = True
        cut = min(self._cut, len(chunk.audio))
        self._cut -= cut
        try:
            await session.send(chunk.audio[cut:])
        except Fault as error:
            if error.code not in CLIENTS:
                log.info("session is not heard here any more", session=session.id, why=error.code)
                return False
            fault = error
        for message in session.take_all():
            self._note(message)
        self._next = chunk.index + 1
        said = None if fault is None else orjson.dumps(fault.values(time.time()))
        end_bytes = chunk.start_bytes + len(chunk.audio)
        heard = HeardChunk(chunk.index, end_bytes, session.audio_ms, said, session.not_honoured)
        try:
            with suppress(StoreUnavailable):  # it is written when Redis is back
                interims = tuple(self._interims.values())
                await self._store.heard(session.id, session.generation, heard, interims)
            self._wakes.wake(session.id)
            if fault is not None:
                await self._end(fault)
        except Superseded:
            return False
        return fault is None

    async def _end(self, fault: Fault) -> None:
        """Its audio is broken: whoever took it up would hear the same."""
        session = self._session
        with suppress(StoreUnavailable):
            await self._store.ended(session.id, session.generation, fault.code)
        with suppress(Fault):
            await session.finish(fault.code, fault)

    async def _pause(self) -> None:
        """Let it go until its next chunk comes, with which it is taken up again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._session.let_go()

    async def _finish(self) -> None:
        self._finishing = True
        try:
            await self._session.finish("final_chunk")
        except Fault as fault:
            # Whoever waits for what it said has it taken up again.
            log.warning("session not finished here", session=self._session.id, why=fault.code)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
