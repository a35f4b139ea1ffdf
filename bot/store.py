"""Call state in Redis.

The media path never waits for Redis: `save`, `append` and `release` only put changes into a
backlog, which `run` writes. What decides about a call (`take`, `commit`, `finish`, `once`, ...) is
awaited, and answers or raises `StoreUnavailable` within the deadline.

Keys, each with a time to live::

    PREFIX call:{sid}           hash: json (the record), generation, worker, down, ended,
                                finisher, closer, closed, sequence:{writer}, rescue, rescuer,
                                rescue_until; or deleted
    PREFIX call:{sid}:log       stream: event (JSON)
    PREFIX calls                sorted set: SIDs by start
    PREFIX once:{key}           what may happen once
    PREFIX answer:{key}         what was answered
    PREFIX writer:{id}          there as long as Redis has not lost what this process wrote
    PREFIX workers, worker:…    who is alive and holds what: see `bot.leases`
    PREFIX command:…            see `bot.inbox`
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from .dialog.types import Ended
from .leases import Leases
from .metrics import Metrics
from .record import Record, known_fields, now_ms
from .redis_link import RedisLink, StoreError, StoreUnavailable
from .store_keys import Keys
from .store_scripts import DELETE, FINISH, SUPERSEDED, TAKE, WRITE
from .store_writer import Form, Superseded, Writer
from .write_behind import Backlog, Write

__all__ = ["Store", "StoreError", "StoreUnavailable", "StoredCall", "Superseded", "Taken"]

DEADLINE_S = 0.3

# A call's start, in ms or as Redis writes it, and its SID.
_Place = tuple[float | str, bytes]


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call's record and its log, oldest event first."""

    record: Record
    log: list[dict[str, Any]]

    def values(self) -> dict[str, Any]:
        """Both in one JSON object: what the API and the command show."""
        return {**orjson.loads(self.record.to_json()), "log": self.log}


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was taken for a new stream.

    Attributes:
        record: the call's; None when there is none.
        silent_ms: how long ago, by Redis's clock, the call's former holder last said that it was
            alive; None when nobody held the call's stream.
    """

    record: Record | None
    silent_ms: int | None


def _ignore(sid: str, generation: int) -> None:
    pass


class Store:
    """The store of one process.

    Args:
        url: of Redis: `redis://`, `rediss://` or `unix://`.
        prefix: what every key begins with.
        retention_days: how long a call is kept after its last change.
        metrics: where failures, sizes and times are counted.
        on_superseded: told the SID of a call, and the generation whose write was refused because
            a newer one owns the call.
        deadline_s: within which every call of Redis answers or fails.
        backlog: what is still to be written; None is an empty one with the usual bounds.

    Attributes:
        leases: which workers are alive and whose streams they hold.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "parley:",
        retention_days: int = 30,
        metrics: Metrics | None = None,
        on_superseded: Callable[[str, int], None] = _ignore,
        deadline_s: float = DEADLINE_S,
        backlog: Backlog | None = None,
    ) -> None:
        metrics = Metrics() if metrics is None else metrics
        self._keys = Keys(prefix)
        self._ttl_s = retention_days * 86_400
        self._link = RedisLink(url, metrics, deadline_s)
        self.leases = Leases(self._link, self._keys, self._ttl_s)
        self._backlog = Backlog() if backlog is None else backlog
        self._writer = Writer(
            self._link,
            self._keys,
            Form(WRITE, self._write_arguments),
            self._backlog,
            metrics,
            metrics.store_buffered_calls,
            lambda sid, generation, _: on_superseded(sid, generation),
        )

    async def aclose(self) -> None:
        """Close the connections. What is still buffered is not written: `flush` first."""
        await self._link.aclose()

    # Without waiting

    def save(self, record: Record) -> bool:
        """Keep the record as it is now; it is written soon. False: the call is superseded here.

        Raises:
            TypeError: `record.state` holds what JSON cannot.
        """
        kept = self._keep(record)
        self._writer.wake()
        return kept

    def _keep(self, record: Record) -> bool:
        return self._backlog.save(
            record.sid,
            record.generation,
            record.started_ms,
            record.to_json(),
            closed=record.ended_ms is not None,
        )

    def append(
        self, sid: str, kind: str, at_ms: int, generation: int | None = None, **fields: Any
    ) -> None:
        """Add an event to the call's log: what kind, when (ms since the epoch), and its fields.

        Args:
            sid, kind, at_ms, fields: as said.
            generation: of the stream that says so, which is not heard once a newer one owns the
                call; None when whoever says so has a right to at any time.

        Raises:
            TypeError: a field is no JSON value.
        """
        event = orjson.dumps({"kind": kind, "at_ms": at_ms, **fields})
        self._backlog.append(sid, event, generation)
        self._writer.wake()

    def hurry(self) -> None:
        """Let what was just saved be written at once, not gathered with what comes after it."""
        self._writer.hurry()

    def forget_record(self, sid: str) -> None:
        """The record that was saved last is not to be written after all."""
        self._backlog.forget_record(sid)

    def release(self, sid: str) -> None:
        """The call is over or goes on elsewhere: it need not be remembered once it is written."""
        self._backlog.release(sid)

    # Awaited

    async def ping(self) -> None:
        """Raise `StoreUnavailable` if Redis does not answer."""
        await self._link.ask(lambda redis: redis.ping())

    async def load(self, sid: str) -> Record | None:
        """The record of a call; None when there is none."""
        return _record(await self._link.ask(lambda redis: redis.hgetall(self._keys.call(sid))))

    async def load_all(self, sids: Sequence[str]) -> list[Record | None]:
        """The records of some calls in one step, in their order; as `load`."""

        async def ask(redis: Redis) -> list[dict[bytes, bytes]]:
            async with redis.pipeline(transaction=False) as pipe:
                for sid in sids:
                    pipe.hgetall(self._keys.call(sid))
                return await pipe.execute()

        return [_record(fields) for fields in await self._link.ask(ask)] if sids else []

    async def take(self, sid: str, worker: str, generation: int) -> Taken:
        """Own the call as `generation` from now on, and hold its stream.

        Older generations can write no more. What this process has still buffered of the call is
        written first. Repeating it changes nothing. The owner releases the call in the end.

        Raises:
            Superseded: this generation, or a newer one, is owned by another worker or stream.
            StoreUnavailable: Redis did not answer.
        """
        with suppress(Superseded):  # an older generation of this process, written in vain
            await self._writer.write_now(sid)
        verdict, *found = await self._link.eval(
            TAKE,
            [self._keys.call(sid), self._keys.workers],
            [generation, worker, self._ttl_s, sid, self._keys.worker_base],
        )
        if verdict == SUPERSEDED:
            raise Superseded(sid)
        self._backlog.own(sid, generation)
        silent, *pairs = found
        record = _record(dict(zip(pairs[::2], pairs[1::2], strict=True)))
        return Taken(record, None if silent == b"" else silent)

    async def commit(self, record: Record, deadline_s: float | None = None) -> None:
        """Keep the record and wait until Redis has it.

        After a failure the record is still written when Redis is back, like a saved one: whoever
        then decides otherwise saves that, or has it forgotten (`forget_record`).

        Raises:
            Superseded: a newer generation owns the call.
            StoreUnavailable: Redis did not say that it has it within the deadline.
            TypeError: as `save`.
        """
        if not self._keep(record):
            raise Superseded(record.sid)
        await self._writer.write_now(record.sid, deadline_s)

    async def secure(self, sid: str, deadline_s: float) -> bool:
        """Wait until Redis has everything of the call that was saved; whether it has.

        False at once while Redis is known to be away, and when a newer generation owns the call.
        What is not written then is written later, as ever.
        """
        if not self._link.available:
            return False
        try:
            await self._writer.write_now(sid, deadline_s)
        except StoreError:
            return False
        return True

    async def finish(
        self, sid: str, ended: Ended, generation: int | None = None, *, by: str | None = None
    ) -> bool:
        """The call has ended; true for the first to say so, who is to run `on_end`.

        With `generation`, which is the latest that who says so knows of, it is false and changes
        nothing when the call has gone on with a newer one. Who asks again, not having heard the
        answer, is still the first when he gives the same name (`by`).
        """
        base, known = self._keys.worker_base, "" if generation is None else generation
        values = [orjson.dumps(ended), self._ttl_s, sid, base, known, by or secrets.token_hex(8)]
        return bool(await self._link.eval(FINISH, [self._keys.call(sid)], values))

    async def once(self, key: str, ttl_s: int) -> bool:
        """True the first time within `ttl_s`, false afterwards, for all workers together."""
        name = self._keys.once(key)
        return bool(await self._link.ask(lambda redis: redis.set(name, 1, nx=True, ex=ttl_s)))

    async def remember(self, key: str, answer: str, ttl_s: int) -> str:
        """Keep `answer` unless there is one already; gives the one that counts."""
        name = self._keys.answer(key)

        async def ask(redis: Redis) -> list[Any]:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(name, answer, nx=True, ex=ttl_s)
                pipe.get(name)
                return await pipe.execute()

        _, kept = await self._link.ask(ask)
        return cast(bytes, kept).decode()

    async def recall(self, key: str) -> str | None:
        """What was answered before, if it was."""
        kept = await self._link.ask(lambda redis: redis.get(self._keys.answer(key)))
        return None if kept is None else cast(bytes, kept).decode()

    async def get(self, sid: str) -> StoredCall | None:
        """A call's record and log; None when there is no such call."""
        record = await self.load(sid)
        if record is None:
            return None
        entries = await self._link.ask(lambda redis: redis.xrange(self._keys.log(sid)))
        return StoredCall(record, [orjson.loads(fields[b"event"]) for _, fields in entries])

    async def list_calls(
        self, limit: int = 50, before_ms: int | None = None, before_sid: str = ""
    ) -> list[Record]:
        """The latest calls, newest first; of those of one millisecond, the greatest SID first.

        Args:
            limit: how many; fewer are all that there are.
            before_ms: only calls that started before then.
            before_sid: and those that started at `before_ms` with a smaller SID. Both together are
                the last call of a page, after which the next one begins.
        """
        records: list[Record] = []
        before: _Place = ("+inf" if before_ms is None else before_ms, before_sid.encode())
        while len(records) < limit:
            page = await self._link.ask(partial(self._page, limit=limit, before=before))
            records += [record for _, fields in page if (record := _record(fields)) is not None]
            if len(page) < limit:
                break
            # Some of them have expired: a page that is not full would be taken for the last one.
            before = page[-1][0]
        return records[:limit]

    async def _page(
        self, redis: Redis, limit: int, before: _Place
    ) -> list[tuple[_Place, dict[bytes, bytes]]]:
        """The places of calls in the index, and what is kept of each."""
        index, (ms, before_sid) = self._keys.index, before
        async with redis.pipeline(transaction=True) as pipe:
            pipe.zrevrangebyscore(index, ms, ms, withscores=True)
            pipe.zrevrangebyscore(index, f"({ms}", "-inf", start=0, num=limit, withscores=True)
            tied, earlier = await pipe.execute()
        found = [*((sid, ms) for sid, ms in tied if sid < before_sid), *earlier][:limit]
        async with redis.pipeline(transaction=False) as pipe:
            for sid, _ in found:
                pipe.hgetall(self._keys.call(sid.decode()))
            kept = await pipe.execute()
        return [((ms, sid), fields) for (sid, ms), fields in zip(found, kept, strict=True)]

    async def delete(self, sid: str) -> bool:
        """Delete a call's record and log; false when there is no such call.

        For a day nothing more is kept of it, whoever writes it or says that it has ended.
        """
        self._backlog.discard(sid)
        keys = [self._keys.call(sid), self._keys.log(sid), self._keys.index]
        return bool(await self._link.eval(DELETE, keys, [sid, self._keys.worker_base]))

    # The writer

    async def run(self) -> None:
        """Write what is buffered, for ever; the worker starts this once."""
        await self._writer.run()

    async def flush(self, deadline_s: float) -> bool:
        """Write everything now, trying until the deadline; false when something is left."""
        return await self._writer.flush(deadline_s)

    def _write_arguments(self, write: Write, writer: str) -> tuple[list[str], list[Any]]:
        keys = [self._keys.call(write.sid), self._keys.log(write.sid), self._keys.index]
        values: list[Any] = [
            "" if write.generation is None else write.generation,
            writer,
            write.acknowledged,
            write.sequence,
            write.record or b"",
            self._ttl_s,
            write.sid,
            write.started_ms,
            now_ms() - self._ttl_s * 1000,
            self._keys.worker_base,
            1 if write.closed else "",
        ]
        for sequence, event in write.events:
            values += (sequence, event)
        return keys, values


def _record(fields: dict[bytes, bytes]) -> Record | None:
    if (text := fields.get(b"json")) is None:
        return None
    record = Record.from_json(text)
    # Who owns the call and whether it has ended is decided by fields of their own.
    record.generation = int(fields.get(b"generation", record.generation))
    if b"worker" in fields:
        record.worker = fields[b"worker"].decode()
    if b"ended" in fields:
        # What else changes with it may not be written yet; of two who told it, the first counts.
        # When it was stays unknown until then: a time of reading would be another each time.
        ended_ms, record.ended = record.ended_ms, None
        record.close(Ended(**known_fields(Ended, orjson.loads(fields[b"ended"]))))
        record.ended_ms = ended_ms
    return record
