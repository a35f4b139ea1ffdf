"""Sessions of the service in Redis, so that any worker can go on with one.

The way of the audio never waits for Redis: `final` and `touch` only put changes into a backlog,
which `run` writes. A worker owns a session as a *generation*: once another has taken it, what the
former one writes is refused.

Keys, each with a time to live::

    PREFIX stt:{id}           hash: key, values, frame, rate, most, generation, worker, sequence,
                              sure, rated, audio_ms, covered_ms, expires, ended, early,
                              sequence:{writer}, claimed, claimer, claimed_until
    PREFIX stt:{id}:log       stream: the finals, each under its sequence
    PREFIX stt:{id}:text      the text of all finals
    PREFIX stt:{id}:chunks    hash: see `chunk_scripts`
    PREFIX stt:{id}:in        stream: chunks that came by HTTP and are not yet understood for good
    PREFIX stt:{id}:waiting   set: workers that are told, by their inbox, of news of it

All but the hash, which holds nothing that was said, are gone when the session has expired. The hash
stays for an hour: it tells a session that has expired from one that never was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import orjson

from bot.metrics import Metrics
from bot.redis_link import RedisLink, StoreError, StoreUnavailable
from bot.store import DEADLINE_S
from bot.store_keys import Keys
from bot.store_writer import Form, Superseded, Writer
from bot.write_behind import Backlog, Write
from media.audio import AudioFormat

from .faults import Fault
from .kept import HeardChunk, Kept, Pace, Taken, final_event
from .lookup import Lookup, SessionGone, check_unknown
from .store_scripts import BEGIN, TAKE, WRITE

__all__ = ["SessionExists", "SessionGone", "StoreUnavailable", "SttStore", "Superseded", "Taken"]


class SessionExists(StoreError):
    """There is, or was, a session of that id."""


class SttStore(Lookup):
    """The sessions of one worker, and what it asks about others.

    Args:
        url, prefix, metrics, deadline_s: as `bot.store.Store`'s.
        worker: who we are.
        idle_s: a session expires when nothing is written of it for so long.
        on_superseded: told a session, the generation of which nothing is written any more because
            another worker has taken it, and whether it was rather deleted.
    """

    def __init__(
        self,
        url: str,
        worker: str,
        *,
        prefix: str = "parley:",
        idle_s: float = 300.0,
        metrics: Metrics | None = None,
        on_superseded: Callable[[str, int, bool], None] = lambda session, generation, deleted: None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        metrics = Metrics() if metrics is None else metrics
        link, keys = RedisLink(url, metrics, deadline_s), Keys(prefix)
        super().__init__(link, keys, worker, round(idle_s * 1000))
        self._on_superseded = on_superseded
        self._kept: dict[str, Kept] = {}
        self._backlog = Backlog()
        self._writer = Writer(
            link,
            keys,
            Form(WRITE, self._arguments),
            self._backlog,
            metrics,
            metrics.stt_store_buffered_sessions,
            self._superseded,
        )

    async def aclose(self) -> None:
        """Close the connections. What is still buffered is not written: `flush` first."""
        await self.link.aclose()

    async def run(self) -> None:
        """Write what is buffered, for ever; the worker starts this once."""
        await self._writer.run()

    async def flush(self, deadline_s: float) -> bool:
        """Write everything now, trying until the deadline; false when something is left."""
        return await self._writer.flush(deadline_s)

    # Having a session

    async def begin(
        self, session: str, key_id: str, values: dict[str, Any], audio: AudioFormat | None
    ) -> int:
        """Begin a session and own it; gives its generation, 1.

        Args:
            session: a UUID.
            key_id: whose it is.
            values: JSON values from which another worker can go on.
            audio: in which format it comes; None for a container.

        Raises:
            SessionExists: there is one of that id.
            StoreUnavailable: Redis did not answer; it is written when that is back.
        """
        pace = Pace.of(audio)
        kept = Kept(key_id, orjson.dumps(values), pace, generation=1)
        told = [key_id, self.worker, kept.values, *astuple(pace), self.idle_ms]
        try:
            begun = await self.link.eval(BEGIN, self.keys(session), told)
        except StoreUnavailable:
            self._own(session, kept)
            raise
        if not begun:
            raise SessionExists(session)
        self._own(session, kept)
        return 1

    async def take(self, session: str, key_id: str) -> Taken | None:
        """Own the session from now on, and nobody else; None if that key has none of that id.

        Raises:
            Fault: its audio comes in chunks, and this worker was not chosen to hear them.
            SessionGone: it has expired or ended.
            StoreUnavailable: Redis did not answer.
        """
        values = [key_id, self.worker, self.idle_ms]
        verdict, *found = await self.link.eval(TAKE, self.keys(session), values)
        if verdict == b"chunks":
            raise Fault("bad_config", "the session's audio comes in chunks: send the next one")
        if verdict != b"taken":
            check_unknown(verdict, found)
            return None
        generation, text, sequence, covered_ms, audio_ms, *pace = found
        self._own(session, Kept(key_id, text, Pace(*pace), generation, audio_ms, covered_ms))
        return Taken(generation, orjson.loads(text), sequence, covered_ms, audio_ms)

    def configured(
        self, session: str, generation: int, values: dict[str, Any], audio: AudioFormat | None
    ) -> None:
        """Its client asks for something else from now on. Never waits.

        Args:
            session, generation: whose, and as which it is owned.
            values, audio: as `begin`'s.
        """
        if (kept := self._written(session, generation)) is not None:
            kept.values, kept.pace = orjson.dumps(values), Pace.of(audio)
            self._save(session, kept)
            self._writer.hurry()

    def final(
        self, session: str, generation: int, sequence: int, message: bytes, covered_ms: float
    ) -> None:
        """Something was understood for good. Never waits.

        Args:
            session, generation: as `configured`'s.
            sequence: its number, the first is 1.
            message: the `transcription`, as it is sent.
            covered_ms: up to where in the session's audio nothing is to be understood any more.
        """
        if (kept := self._written(session, generation)) is not None:
            kept.covered_ms = max(kept.covered_ms, int(covered_ms))
            self._backlog.append(session, final_event(sequence, message), generation)
            self._save(session, kept)
            self._writer.hurry()

    def touch(
        self, session: str, generation: int, audio_ms: float, covered_ms: float = 0.0
    ) -> None:
        """It goes on, with so much audio up to now. Never waits.

        Args:
            session, generation, covered_ms: as `final`'s.
            audio_ms: how much.
        """
        if (kept := self._written(session, generation)) is not None:
            kept.audio_ms = max(kept.audio_ms, int(audio_ms))
            kept.covered_ms = max(kept.covered_ms, int(covered_ms))
            self._save(session, kept)
            self._writer.wake()

    async def ended(self, session: str, generation: int, reason: str) -> None:
        """It is over, and is not resumed.

        Args:
            session, generation: as `configured`'s.
            reason: why; a code of `faults` if that is why.

        Raises:
            Superseded: another has it, or it was deleted.
            StoreUnavailable: Redis did not say that it knows; it is told when it is back.
        """
        if (kept := self._owned(session, generation)) is None:
            raise Superseded(session)
        kept.ended, kept.interims = reason, ()
        self._save(session, kept)
        await self._writer.write_now(session)

    async def heard(
        self,
        session: str,
        generation: int,
        chunk: HeardChunk,
        interims: tuple[bytes, ...],
    ) -> None:
        """A chunk was heard: whoever waits for what came of it is told.

        Args:
            session, generation: as `configured`'s.
            chunk: which.
            interims: messages with what is understood of the latest audio, not for good.

        Raises:
            Superseded: another has the session.
            StoreUnavailable: Redis did not say that it has it; it is written when it is back.
        """
        if (kept := self._owned(session, generation)) is None:
            raise Superseded(session)
        kept.hear(chunk)
        kept.interims = interims
        self._save(session, kept)
        await self._writer.write_now(session)

    def release(self, session: str) -> None:
        """This worker has no more to do with it: it need not be remembered once it is written."""
        self._kept.pop(session, None)
        self._backlog.release(session)

    def pace(self, session: str) -> Pace:
        """How the bytes of a session that this worker has become time."""
        kept = self._kept.get(session)
        return Pace() if kept is None else kept.pace

    def _own(self, session: str, kept: Kept) -> None:
        self._kept[session] = kept
        self._backlog.discard(session)
        self._backlog.own(session, kept.generation)
        self._save(session, kept)
        self._writer.wake()

    def _written(self, session: str, generation: int) -> Kept | None:
        """What is to be written of it; who does not know yet that it is another's is told."""
        if session not in self._kept:
            self._on_superseded(session, generation, False)
        return self._owned(session, generation)

    def _owned(self, session: str, generation: int) -> Kept | None:
        kept = self._kept.get(session)
        return kept if kept is not None and kept.generation == generation else None

    def _save(self, session: str, kept: Kept) -> None:
        self._backlog.save(session, kept.generation, 0, kept.to_json())

    def _superseded(self, session: str, generation: int, deleted: int) -> None:
        if self._owned(session, generation) is not None:
            del self._kept[session]
        self._on_superseded(session, generation, bool(deleted))

    def _arguments(self, write: Write, writer: str) -> tuple[list[str], list[Any]]:
        values: list[Any] = [
            write.generation or 0,
            writer,
            write.acknowledged,
            write.sequence,
            write.record or b"",
            self.idle_ms,
            self.worker,
            write.sid,
            self.worker_base,
        ]
        for sequence, event in write.events:
            values += (sequence, event)
        return self.keys(write.sid), values
