"""Which sessions this worker has, and what is written down of them until it has them no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import structlog

from .access import SttAccess
from .faults import Fault
from .held import Held
from .partings import TAKEN_OVER
from .past import values_of
from .session import Session
from .store import StoreUnavailable, SttStore, Superseded
from .taking_up import LET_GO_S
from .tally import Tally

__all__ = ["Roster"]

log = structlog.get_logger(__name__)

RESUMABLE = ("stream", "chunk")
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

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._held

    @property
    def active(self) -> Counter[str]:
        """How many sessions go on, by the door by which they came."""
        return Counter(held.door for held in self._held.values() if not held.session.over)

    @property
    def begun(self) -> int:
        """How many sessions go on that are not about to begin."""
        return sum(held.begun and not held.session.over for held in self._held.values())

    def recognizing(self, but: Session | None = None) -> Counter[str]:
        """How many streams each recognizer has for sessions, for others than one."""
        streams: Counter[str] = Counter()
        for held in self._held.values():
            # One that is over may have its recognizer until its connection is closed.
            if held.left_s is None and held.session is not but:
                streams[held.session.provider] += held.session.request.streams
        return streams

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

    async def let_go(self, held: Held, fault: Fault | None) -> None:
        """End this worker's part of a session in order, as far as that can be done in time.

        Cancelled, it ends it all the same: nobody would hear the client any more.
        """
        session = held.session
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LET_GO_S):
                    # Of a client that is lost nobody knows whether it comes back.
                    again = fault is not None and held.door in RESUMABLE
                    await session.let_go(fault, again=again)
        finally:
            if not session.over:
                log.warning("a session was let go before all was understood", session=session.id)
                session.fail(fault or Fault("provider_failed", "the recognizer takes too long"))
            await session.close()
            self.touch(session)

    async def forget(self, held: Held) -> None:
        """Have a session no more, and release what it holds."""
        session = held.session
        if self._held.get(session.id) is held:
            del self._held[session.id]
            # Who has taken it over has taken its place among the sessions of its key, too.
            why = held.lost or session.fault
            if why is None or why.code != TAKEN_OVER:
                await self._access.close_session(session.principal, session.id)
            self._store.release(session.id)
        await session.close()

    def touch(self, session: Session) -> None:
        """Have the store know how far it is, and its key what it has used."""
        audio_ms = session.audio_ms
        if (held := self.of(session)) is not None:
            self._tally.hear(held.uncounted_ms())
        self._store.touch(session.id, session.generation, audio_ms, session.settled_ms)
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
