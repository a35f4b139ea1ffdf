"""Which sessions this worker has, and what is written down of them until it has them no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from weakref import WeakValueDictionary

import structlog

from .access import SttAccess
from .faults import Fault
from .held import CHUNK, STREAM, Held
from .partings import TAKEN_OVER
from .past import values_of
from .session import Session
from .store import StoreUnavailable, SttStore, Superseded
from .taking_up import LET_GO_S
from .tally import Tally

__all__ = ["Roster"]

log = structlog.get_logger(__name__)

RESUMABLE = (STREAM, CHUNK)
"""The doors whose clients send again what was not understood, or whose audio is kept."""


class Roster:
    """The sessions of one worker.

    Args:
        store: keeps what another worker needs to go on.
        access: counts the open sessions of each key, and their audio.
        tally: where all is counted.
    """

    def __init__(self, store: SttStore, access: SttAccess, tally: Tally) -> None:
        self._store = store
        self._access = access
        self._tally = tally
        self._held: dict[str, Held] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._held

    @property
    def active(self) -> Counter[str]:
        """How many sessions go on, by the door by which they came."""
        return Counter(held.door for held in self._held.values() if held.live)

    @property
    def begun(self) -> int:
        """How many sessions go on that are not about to begin."""
        return sum(held.begun and held.live for held in self._held.values())

    @property
    def live(self) -> Counter[str]:
        """How many sessions of each key go on, or are about to begin."""
        return Counter(held.session.principal.key_id for held in self._held.values() if held.live)

    @property
    def absent(self) -> list[Held]:
        """The sessions that wait for their clients, those that have waited longest first."""
        absent = (held for held in self._held.values() if held.absent)
        return sorted(absent, key=lambda held: held.left_s or 0.0)

    def recognizing(self, but: Session | None = None) -> Counter[str]:
        """How many streams each recognizer has for sessions, for others than one."""
        streams: Counter[str] = Counter()
        for held in self._held.values():
            # One that is over may have its recognizer until its connection is closed.
            if held.left_s is None and held.session is not but:
                streams[held.session.provider] += held.session.request.streams
        return streams

    def turn(self, session_id: str) -> asyncio.Lock:
        """Who holds it may take a session up, or forget it: one at a time."""
        return self._turns.setdefault(session_id, asyncio.Lock())

    def find(self, session_id: str) -> Held | None:
        """A session, if this worker has it."""
        return self._held.get(session_id)

    def of(self, session: Session) -> Held | None:
        """What is held of this very part of a session, if it was not taken up anew."""
        held = self._held.get(session.id)
        return held if held is not None and held.session is session else None

    async def hold(self, held: Held) -> None:
        """Have one more.

        Raises:
            Fault: its key has too many, or may not have it.
        """
        session = held.session
        self._held[session.id] = held
        await self._access.open_session(session.principal, session.id)

    async def let_go(self, held: Held, fault: Fault | None, *, again: bool) -> None:
        """End this worker's part of a session in order, as far as that can be done in time.

        Cancelled, it ends it all the same: nobody would hear the client any more.

        Args:
            held: it.
            fault: why; None when its client is gone.
            again: as of `Session.let_go`, where the door is one whose clients send it again.
        """
        session = held.session
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LET_GO_S):
                    await session.let_go(fault, again=again and held.door in RESUMABLE)
        finally:
            if not session.over:
                log.warning("a session was let go before all was understood", session=session.id)
                session.fail(fault or Fault("provider_failed", "the recognizer takes too long"))
            await session.close()
            self.touch(session)

    async def leave(self, held: Held) -> None:
        """Its client is gone: it has no place among the sessions of its key until it comes back."""
        held.left_s = _now_s()
        held.gone.set()
        await self._vacate(held)

    async def forget(self, held: Held) -> None:
        """Have a session no more, and release what it holds."""
        session = held.session
        if self._held.get(session.id) is held:
            del self._held[session.id]
            self._store.release(session.id)
            await self._vacate(held)
        await session.close()

    async def _vacate(self, held: Held) -> None:
        # Who has taken it over has taken its place, too.
        why = held.lost or held.session.fault
        if why is None or why.code != TAKEN_OVER:
            await self._access.close_session(held.session.principal, held.session.id)

    def touch(self, session: Session) -> None:
        """Have the store know how far it is, and its key what it has used."""
        audio_ms = session.audio_ms
        held = self.of(session)
        if held is not None:
            self._tally.hear(held.uncounted_ms())
        self._store.touch(session.id, session.generation, audio_ms, session.settled_ms)
        if held is not None and held.left_s is None:
            # Of one that was left that was said, and it has no place that is to be kept.
            self._access.used(session.principal, session.id, audio_ms)

    def keep(self, session: Session, sequence: int, message: bytes) -> None:
        """Keep what was understood for good."""
        if (held := self.of(session)) is not None:
            held.finals.append((sequence, message))
        self._store.final(session.id, session.generation, sequence, message, session.covered_ms)

    def configured(self, session: Session) -> None:
        """Keep what its client asks for now, from which another worker can go on."""
        request = session.request
        self._store.configured(session.id, session.generation, values_of(request), request.format)

    async def end(self, session_id: str, generation: int, reason: str) -> None:
        """Have a session over for everybody."""
        # What Redis does not take now is written when it is back; another's is not ours to end.
        with suppress(StoreUnavailable, Superseded):
            await self._store.ended(session_id, generation, reason)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
