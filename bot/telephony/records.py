"""The records of calls, as the webhooks read and write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from bot.record import Record, now_ms
from bot.store import Store, StoreUnavailable, Superseded

from .memory import SharedMemory
from .requests import Form

__all__ = ["Records"]

log = structlog.get_logger(__name__)


class Records:
    """Reads and writes records, with Redis or without.

    Args:
        store: where they are kept.
        memory: knows whether Redis has just failed.
        holds: whether the call's record is this worker's to keep.
    """

    def __init__(self, store: Store, memory: SharedMemory, holds: Callable[[str], bool]) -> None:
        self._store = store
        self._memory = memory
        self._holds = holds

    async def load(self, sid: str) -> Record | None:
        """The call's record.

        Raises:
            StoreUnavailable: Redis is away, or just was.
        """
        if self._memory.away:
            raise StoreUnavailable("Redis has just failed")
        try:
            return await self._store.load(sid)
        except StoreUnavailable:
            self._memory.set_away()
            raise

    async def keep(self, record: Record) -> None:
        """Keep a new call, at once if Redis is there: any worker may get the stream."""
        try:
            if self._memory.away:
                self._store.save(record)
            else:
                await self._store.commit(record)
        except StoreUnavailable:
            log.warning("call taken without Redis", call_sid=record.sid)
        except Superseded:
            log.info("call has a stream already", call_sid=record.sid)
        self._let_go(record.sid)

    def follow(self, record: Record, status: str) -> None:
        """Write Twilio's word into the record of a call that nobody holds yet."""
        record.status = status
        self._store.save(record)
        self._let_go(record.sid)

    async def put_down(self, record: Record) -> None:
        """The call goes on without a stream: the end of who had it must not redirect it."""
        try:
            await self._store.leases.put_down(record.sid, record.generation)
        except StoreUnavailable:
            self._memory.set_away()

    def log(self, form: Form, kind: str, **fields: Any) -> None:
        """Append to the call's log of events."""
        sid = form.get("CallSid")
        self._store.append(sid, kind, now_ms(), **fields)
        self._let_go(sid)

    def _let_go(self, sid: str) -> None:
        """What we wrote of a call that another worker may hold need not be kept in memory."""
        if not self._holds(sid):
            self._store.release(sid)
