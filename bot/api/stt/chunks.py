"""Chunks that came by HTTP, in Redis: any worker takes them, one hears them, any one answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from .chunk_scripts import ANSWER, PUT
from .store import SttStore

__all__ = ["Answer", "Chunk", "ChunkStore", "Fate", "Put", "Wait", "Waiting"]

_Refused = Literal["early", "conflict", "full", "long", "streamed", "unknown", "expired", "ended"]
Fate = Literal["stored", "again"] | _Refused


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a session's audio.

    Attributes:
        index: its number from 0; None when the client does not count.
        final: whether it is the session's last one.
        digest: of the audio.
        silent: whether all bytes of it are the same.
    """

    index: int | None
    audio: bytes
    final: bool
    digest: bytes
    silent: bool


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a chunk.

    Attributes:
        fate: `stored`, or `again` when it was stored before; else why not.
        number: of those two, and of a `conflict`, its index; of `early` the next index; of `full`
            the seconds after which there is room.
        owner: the worker that hears the session.
        orphan: whether this worker is to take the session, which nobody hears.
        reason: why it has `ended`.
    """

    fate: Fate
    number: int = 0
    owner: str = ""
    orphan: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chunk that is kept, and that nobody has heard yet."""

    index: int
    start_bytes: int
    audio: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """There is no answer yet; `owner` and `orphan` are as in `Put`."""

    owner: str
    orphan: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a chunk.

    Attributes:
        fault: what was wrong with the chunk, as JSON values; the rest means nothing then.
        gone: that there is no such session any more, `unknown` or `expired`; likewise.
        status: `active`, or `ended` with all that was said; `waiting` when the chunk was not heard
            in time; `unheard` when the session has ended before it was.
        reason: why the session has ended.
        results: messages of the finals that are new, and of what is not final.
        text, confidence: of all finals so far.
        audio_ms: how much audio was heard.
        not_honoured: parameters of which who recognizes makes nothing.
    """

    fault: dict[str, Any] | None = None
    gone: str = ""
    status: Literal["active", "ended", "waiting", "unheard"] = "unheard"
    reason: str = ""
    results: tuple[dict[str, Any], ...] = ()
    text: str = ""
    confidence: float | None = None
    audio_ms: int = 0
    not_honoured: tuple[str, ...] = ()


class ChunkStore:
    """The chunks of all sessions.

    Every method raises `StoreUnavailable` when Redis does not answer.
    """

    def __init__(self, store: SttStore) -> None:
        self._store = store
        self.worker = store.worker

    async def put(self, session: str, key_id: str, chunk: Chunk, *, held: bool) -> Put:
        """Have a chunk heard, by whoever has the session.

        Args:
            session, key_id: whose.
            chunk: which.
            held: whether this worker has the session.
        """
        store = self._store
        values = [key_id, self.worker, int(held), "" if chunk.index is None else chunk.index]
        values += [chunk.digest, chunk.audio, int(chunk.final), int(chunk.silent)]
        values += [store.idle_ms, session, store.worker_base]
        fate, *rest = await store.link.eval(PUT, store.keys(session), values)
        said = cast(Fate, fate.decode())
        if said in ("stored", "again"):
            index, owner, orphan = rest
            return Put(said, index, owner.decode(), bool(orphan))
        if said == "ended":
            return Put(said, reason=rest[0].decode())
        return Put(said, rest[0] if rest else 0)

    async def asked(self, session: str, key_id: str) -> dict[str, Any] | None:
        """What a session was asked to be; None if that key has none of that id that goes on."""
        name = self._store.keys(session)[0]

        async def ask(redis: Any) -> list[Any]:
            return cast(list[Any], await redis.hmget(name, "key", "values", "ended"))

        key, values, ended = await self._store.link.ask(ask)
        if key is None or key.decode() != key_id or ended is not None:
            return None
        return cast(dict[str, Any], orjson.loads(values))

    async def waiting(
        self, session: str, index: int, most: int
    ) -> tuple[list[Waiting], int | None]:
        """Chunks from an index on, as many as there are or `most`; and the final one's index."""
        input_, hash_ = self._store.keys(session)[4], self._store.keys(session)[3]

        async def ask(redis: Any) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                pipe.xrange(input_, min=f"{index + 1}-0", count=most)
                pipe.hget(hash_, "last")
                return cast(list[Any], await pipe.execute())

        entries, last = await self._store.link.ask(ask)
        chunks = [
            Waiting(int(name.partition(b"-")[0]) - 1, int(fields[b"at"]), fields[b"audio"])
            for name, fields in entries
        ]
        return chunks, None if last is None else int(last)

    async def answer(
        self, session: str, key_id: str, index: int, *, held: bool, unreachable: str, now: bool
    ) -> Answer | Wait:
        """What came of a chunk, once it is known; the same whenever it is asked for.

        Args:
            session, key_id: whose.
            index: the chunk's.
            held: whether this worker has the session.
            unreachable: a worker that does not hear it, whatever its lease says.
            now: whether to answer with what is known.
        """
        store = self._store
        values = [key_id, self.worker, int(held), unreachable, index, int(now)]
        kind, *rest = await store.link.eval(ANSWER, store.keys(session), values)
        if kind == b"wait":
            return Wait(rest[0].decode(), bool(rest[1]))
        if kind == b"fault":
            return Answer(fault=orjson.loads(rest[0]))
        if kind != b"answer":
            return Answer(gone=kind.decode())
        about, text, reason, *finals = rest
        return _answer(orjson.loads(about), text.decode(), reason.decode(), finals)


def _answer(about: dict[str, Any], text: str, reason: str, finals: list[bytes]) -> Answer:
    interims = orjson.loads(about["interims"] or b"[]")
    return Answer(
        status=about["status"],
        reason=reason,
        results=(*(orjson.loads(message) for message in finals), *interims),
        text=text,
        confidence=about["sure"] / about["rated"] if about["rated"] else None,
        audio_ms=round(about["audio_ms"]),
        not_honoured=tuple(filter(None, about["not_honoured"].split(","))),
    )
