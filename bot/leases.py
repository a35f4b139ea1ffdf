"""Who is alive, and whose calls have nobody any more.

A worker renews its lease every second. The clock is Redis's, which all workers share. Who holds a
call's stream is said by the call itself (`bot.store_scripts`), so that it is decided in one step
with who may write it; a worker's set of calls only says where to look.

Keys, each with a time to live::

    PREFIX workers              sorted set: workers by last renewal in ms
    PREFIX worker:{id}          hash: what it says of itself
    PREFIX worker:{id}:calls    set: SIDs of the calls whose stream it holds
    PREFIX worker:{id}:inbox    list: see `bot.inbox`
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import orjson
from redis.asyncio import Redis

from .redis_link import RedisLink, StoreUnavailable
from .store_keys import Keys
from .store_lease_scripts import (
    CLAIM,
    CLAIM_MS,
    FORGET,
    HELD_BY,
    HOLDER,
    LEASE_MS,
    PUT_DOWN,
    RENEW,
)

__all__ = ["CLAIM_S", "LEASE_S", "Held", "Leases", "Renewal"]

LEASE_S = LEASE_MS / 1000
"""How long a worker may be silent before its calls are rescued."""

CLAIM_S = CLAIM_MS / 1000
"""How long one worker has for rescuing a call before another may try."""

MAX_LATE = 1000


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a worker learns when it renews its lease.

    Attributes:
        lapsed_ms: time since its last renewal, by Redis's clock; None for the first.
        dead: the workers whose lease has lapsed, each with the time since its last renewal in ms.
        superseded: SIDs of held calls that a newer stream, elsewhere, owns by now.
        due_ms: when the next lease of another worker lapses, if that is not renewed.
    """

    lapsed_ms: int | None
    dead: dict[str, int]
    superseded: list[str]
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A call whose stream a worker holds; `rescued` says that Twilio was told to bring it back."""

    sid: str
    generation: int
    rescued: bool = False


class Leases:
    """The leases of a deployment, as one process sees them.

    Every method raises `StoreUnavailable` when Redis does not answer.

    Args:
        link, keys: the store's.
        ttl_s: how long what is kept of a call lives.
    """

    def __init__(self, link: RedisLink, keys: Keys, ttl_s: int) -> None:
        self._link = link
        self._keys = keys
        self._ttl_s = ttl_s
        self._registered: dict[str, int] = {}
        self._late: OrderedDict[str, int] = OrderedDict()

    async def renew(self, worker: str, info: Mapping[str, str], held: Mapping[str, int]) -> Renewal:
        """Say that the worker is alive, and which streams it holds: SID and generation.

        A stream that it does not name any more is put down. One that Redis does not know to be
        held is registered, be it that it was taken while Redis was away, or that Redis came back
        empty; but not one that was put down.
        """
        over = {sid: number for sid, number in self._registered.items() if sid not in held}
        late = dict(self._late)
        # Whether Redis does it stays unknown if it does not answer: then all are to be put down.
        self._registered |= held
        question = {
            "worker": worker,
            "info": [text for item in info.items() for text in item],
            "held": list(held.items()),
            "down": list((late | over).items()),
            "call_base": self._keys.call_base,
            "base": self._keys.worker_base,
            "ttl": self._ttl_s,
        }
        answer = await self._link.eval(RENEW, self._worker_keys(worker), [orjson.dumps(question)])
        self._registered = dict(held)
        for sid, generation in late.items():
            if self._late.get(sid) == generation:
                del self._late[sid]
        lapsed, due, dead, superseded = answer
        return Renewal(
            lapsed_ms=None if lapsed < 0 else lapsed,
            dead={name.decode(): ms for name, ms in zip(dead[::2], dead[1::2], strict=True)},
            superseded=[sid.decode() for sid in superseded],
            due_ms=None if due < 0 else due,
        )

    async def alive(self) -> int:
        """How many workers are alive."""

        async def count(redis: Redis) -> int:
            seconds, microseconds = await redis.time()
            lapsed_ms = seconds * 1000 + microseconds // 1000 - LEASE_MS
            return int(await redis.zcount(self._keys.workers, f"({lapsed_ms}", "+inf"))

        return cast(int, await self._link.ask(count))

    async def room(self) -> int:
        """How many calls those that are alive take, all together."""

        async def count(redis: Redis) -> int:
            seconds, microseconds = await redis.time()
            lapsed_ms = seconds * 1000 + microseconds // 1000 - LEASE_MS
            scores = f"({lapsed_ms}", "+inf"
            alive = cast(list[bytes], await redis.zrangebyscore(self._keys.workers, *scores))
            async with redis.pipeline(transaction=False) as pipe:
                for worker in alive:
                    pipe.hget(self._keys.worker(worker.decode()), "max_calls")
                return sum(int(most or 0) for most in await pipe.execute())

        return cast(int, await self._link.ask(count))

    async def held_by(self, worker: str) -> list[Held]:
        """The calls whose streams a worker holds, alive or not."""
        keys = [self._keys.worker_calls(worker)]
        answer = await self._link.eval(HELD_BY, keys, [worker, self._keys.call_base])
        parts = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return [Held(sid.decode(), number, bool(rescued)) for sid, number, rescued in parts]

    async def holder(self, sid: str) -> str | None:
        """The worker that holds the call's stream, if it is alive."""
        answer = await self._link.eval(HOLDER, [self._keys.call(sid), self._keys.workers], [])
        return None if answer is None else cast(bytes, answer).decode()

    async def put_down(self, sid: str, generation: int) -> None:
        """The call's stream of `generation` is over, and none follows yet.

        Nobody then holds the call, and it is never redirected, until a newer stream takes it. If
        Redis does not answer, it is told with the next renewal.
        """
        values = [sid, generation, self._keys.worker_base, self._ttl_s]
        try:
            await self._link.eval(PUT_DOWN, [self._keys.call(sid)], values)
        except StoreUnavailable:
            self._late[sid] = generation
            if len(self._late) > MAX_LATE:
                self._late.popitem(last=False)
            raise

    async def claim_rescue(self, sid: str, generation: int, worker: str) -> bool:
        """Whether `worker` is to see to the call of a dead worker.

        Of all workers only one may, for 10 s, or a minute after `rescued`; it may ask again. Nobody
        may when the holder is alive, or the call is put down, has ended or has a newer generation.
        """
        return await self._claim(sid, generation, worker)

    async def rescued(self, sid: str, generation: int) -> None:
        """Twilio was told to bring the call back, and has a minute for it."""
        await self._claim(sid, generation, "")

    async def forget_worker(self, worker: str) -> bool:
        """Take a dead worker off the list; false if it still holds calls, or is alive."""
        return await self._forget(worker, leaving=False)

    async def leave(self, worker: str) -> None:
        """The worker stops: nobody need wait for its lease to lapse to see to its calls."""
        await self._forget(worker, leaving=True)

    async def _claim(self, sid: str, generation: int, worker: str) -> bool:
        keys = [self._keys.call(sid), self._keys.workers]
        return bool(await self._link.eval(CLAIM, keys, [generation, worker, self._ttl_s]))

    async def _forget(self, worker: str, *, leaving: bool) -> bool:
        keys = [*self._worker_keys(worker), self._keys.inbox(worker)]
        return bool(await self._link.eval(FORGET, keys, [worker, int(leaving)]))

    def _worker_keys(self, worker: str) -> list[str]:
        return [self._keys.workers, self._keys.worker(worker), self._keys.worker_calls(worker)]
