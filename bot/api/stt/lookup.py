"""What is asked of sessions in Redis, whoever has them."""

from __future__ import annotations

from typing import Any, cast

import orjson

from bot.redis_link import RedisLink, StoreError
from bot.store_keys import Keys

from .kept import Shown
from .store_scripts import FORGET, OWNER, SHOW

__all__ = ["Lookup", "SessionGone", "check_unknown"]

PARTS = ("", "log", "text", "chunks", "in", "waiting")


class SessionGone(StoreError):
    """The session is over.

    Attributes:
        expired: whether it was left idle; else it has ended.
        reason: why it has ended.
    """

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason or "expired")
        self.expired = reason is None
        self.reason = reason or "expired"


class Lookup:
    """Finds sessions.

    Args:
        link, keys: of Redis.
        worker: who asks.
        idle_ms: a session expires when nothing is written of it for so long.
    """

    def __init__(self, link: RedisLink, keys: Keys, worker: str, idle_ms: int) -> None:
        self.link = link
        self.worker = worker
        self.worker_base = keys.worker_base
        self.idle_ms = idle_ms
        self._keys = keys

    async def log(self, session: str, after: int) -> list[bytes]:
        """The messages of all finals with a greater sequence than `after`, in order."""
        name = self._keys.stt(session, "log")
        entries = await self.link.ask(lambda redis: redis.xrange(name, min=f"({after}-0"))
        return [fields[b"message"] for _, fields in entries]

    async def owner(self, session: str, key_id: str) -> str | None:
        """The other worker that has the session, if one has it and is alive, and if that key and
        this worker may take it."""
        worker = await self.link.eval(OWNER, self.keys(session), [key_id, self.worker])
        owner = None if worker is None else cast(bytes, worker).decode()
        return None if owner == self.worker else owner

    async def show(self, session: str, key_id: str) -> Shown | None:
        """How it stands; None if that key has none of that id.

        Raises:
            SessionGone: it has expired, or was deleted.
            StoreUnavailable: Redis did not answer.
        """
        verdict, *found = await self.link.eval(SHOW, self.keys(session), [key_id])
        if verdict not in (b"active", b"ended") or len(found) < 3:
            check_unknown(verdict, found)
            return None
        reason, values, _, sequence, audio_ms, left_ms, text, sure, rated, chunks = found
        return Shown(
            ended=reason.decode(),
            values=orjson.loads(values),
            sequence=sequence,
            audio_ms=audio_ms,
            expires_s=left_ms / 1000,
            text=text.decode(),
            confidence=float(sure) / float(rated) if float(rated) else None,
            chunks=chunks,
        )

    async def delete(self, session: str, key_id: str) -> bool:
        """End it, and delete what is kept of it; false if that key has none of that id.

        Raises:
            SessionGone: it has expired, or was deleted.
            StoreUnavailable: Redis did not answer.
        """
        values = [key_id, self.idle_ms, session, self.worker_base]
        verdict, *found = await self.link.eval(FORGET, self.keys(session), values)
        if verdict != b"deleted":
            check_unknown(verdict, found)
        return bool(verdict == b"deleted")

    def keys(self, session: str) -> list[str]:
        """What every script about a session gets."""
        return [*(self._keys.stt(session, part) for part in PARTS), self._keys.workers]


def check_unknown(verdict: bytes, found: list[Any]) -> None:
    """See that there never was such a session.

    Raises:
        SessionGone: there was.
    """
    if verdict != b"unknown":
        raise SessionGone(cast(bytes, found[0]).decode() if found else None)
