"""How many sessions are open for each key, and how much audio they take: told to Redis in time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from time import monotonic

from bot.redis_link import StoreUnavailable

from .ledger import Ledger
from .store import KeyStore, Verdict

__all__ = ["Meter"]

BEAT_S = 3.0
"""How often `beat` is to be called: several times in a session's lease."""
BATCH = 200
"""So many sessions are told in one script."""


class Meter:
    """Counts sessions and their audio for keys.

    Args:
        store: where all workers count.
        worker: who we are.
        now_s: a clock that never goes back.
    """

    def __init__(
        self, store: KeyStore, worker: str, *, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._worker = worker
        self._now_s = now_s
        self._ledger = Ledger()

    async def open(self, key_id: str, session_id: str, most: int | None) -> Verdict:
        """Ask for a session's place; `most` is how many there may be.

        While Redis is away, only this worker's sessions are known.
        """
        told_ms = 0
        try:
            verdict = await self._store.open(key_id, session_id, self._worker)
        except StoreUnavailable:
            if most is not None and self._ledger.count(key_id) >= most:
                return Verdict("sessions", (most,))
            verdict = Verdict("open")
        else:
            if verdict.kind != "open":
                return verdict
            told_ms = verdict.numbers[1]
        self._ledger.open(key_id, session_id, told_ms, self._now_s())
        return verdict

    def used(self, key_id: str, session_id: str, audio_ms: int) -> None:
        """An open session has taken so much audio in all. Never waits."""
        self._ledger.used(key_id, session_id, audio_ms, self._now_s())

    async def close(self, key_id: str, session_id: str) -> None:
        """Free a session's place; later, when Redis is away."""
        audio_ms = self._ledger.close(key_id, session_id)
        if audio_ms is not None:
            with suppress(StoreUnavailable):
                await self._tell_closed(key_id, session_id, audio_ms)

    def is_revoked(self, key_id: str) -> bool:
        """Whether a key with open sessions is known to be revoked."""
        return self._ledger.is_revoked(key_id)

    def used_ms(self, key_id: str) -> int:
        """How much audio a key with open sessions has used today, as far as it is known here."""
        return self._ledger.used_ms(key_id, self._now_s())

    def left_s(self, key_id: str) -> float:
        """How much of the day is left of whose audio `used_ms` tells."""
        return self._ledger.left_s(key_id, self._now_s())

    async def beat(self) -> None:
        """Tell Redis of all sessions, and learn of those of other workers."""
        with suppress(StoreUnavailable):
            for key_id in self._ledger.keys:
                await self._tell(key_id)
        self._ledger.settle()

    async def _tell(self, key_id: str) -> None:
        self._ledger.let_go(key_id, self._now_s())
        for session_id, audio_ms in self._ledger.closed(key_id).items():
            await self._tell_closed(key_id, session_id, audio_ms)
        sessions = iter(self._ledger.open_here(key_id))
        while part := list(islice(sessions, BATCH)):
            # Asked only now: one that was closed meanwhile would have a place again.
            batch = self._ledger.audio_of(key_id, part)
            beat = await self._store.beat(key_id, self._worker, batch)
            self._ledger.answered(key_id, batch, beat.lost, revoked=beat.revoked)
            self._ledger.shared(key_id, beat.audio_ms, self._now_s() + beat.left_ms / 1000)

    async def _tell_closed(self, key_id: str, session_id: str, audio_ms: int) -> None:
        await self._store.close(key_id, session_id, self._worker, audio_ms)
        self._ledger.told_closed(key_id, session_id)
