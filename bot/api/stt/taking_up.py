"""Sessions that go on: after their connection, on another worker, or when theirs has died."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import orjson

from bot.inbox import Command, CommandFailed, Inbox

from .asked import SessionRequest, from_config
from .ending import CLIENT, ending_of
from .faults import Fault
from .hearing import Hearing
from .held import Held
from .past import Past, joined_of, told_of
from .store import SessionGone, StoreUnavailable, SttStore, Taken
from .wording import utc_now

__all__ = ["LET_GO_S", "WRITE_S", "TakenUp", "TakingUp"]

LET_GO_S = 3.0
"""How long recognizers may take to understand the rest when a session goes on elsewhere."""
WRITE_S = 0.5
"""How long it may then take until what they understood is written."""
HAND_OVER_S = LET_GO_S + 2 * WRITE_S
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A session that is to go on here.

    Attributes:
        past: how it stands.
        request: what it was asked to be.
        missed: the messages of the finals that its client has not got.
        hearing: whoever recognizes it already; None when somebody is to be found.
    """

    past: Past
    request: SessionRequest
    missed: Sequence[bytes] = ()
    hearing: Hearing | None = None


class TakingUp:
    """Finds sessions that are to go on.

    Args:
        store: knows them all.
        inbox: reaches the worker that has one.
    """

    def __init__(self, store: SttStore, inbox: Inbox) -> None:
        self._store = store
        self._inbox = inbox

    async def from_here(self, held: Held, after: int) -> TakenUp:
        """Of a session of this worker, which was let go.

        Args:
            held: it.
            after: the number of the last final that its client has.

        Raises:
            Fault: nobody knows for now what its client has missed.
        """
        session = held.session
        missed = held.kept_after(after)
        if missed is None:
            try:
                logged = await self._store.log(session.id, after)
            except StoreUnavailable as error:
                raise _store_away() from error
            # The latest may not be written yet.
            known = {_sequence(message): message for message in logged} | dict(held.finals)
            missed = [known[sequence] for sequence in sorted(known) if sequence > after]
        past = Past(
            session.id,
            session.generation,
            session.sequence,
            int(session.settled_ms),
            session.joined,
            resumed=True,
            told_ms=session.told_ms,
        )
        return TakenUp(past, session.request, missed)

    async def from_absence(self, held: Held, after: int) -> TakenUp | None:
        """Of a session of this worker whose recognizer waits; None when it does not any more.

        What is understood from now on is for who goes on with it, who is not to be awaited.

        Args:
            held, after: as `from_here`'s.

        Raises:
            Fault: as `from_here`.
        """
        session = held.session
        async with session.turning:
            if held.absent:
                with suppress(Fault):
                    await session.hear_rest()
            if not held.absent:
                return None
            taken_up = await self.from_here(held, after)
            if not held.absent:
                return None
            past = replace(taken_up.past, from_ms=int(session.audio_ms))
            return replace(taken_up, past=past, hearing=session.hand_on())

    async def from_elsewhere(self, session_id: str, key_id: str, after: int) -> TakenUp:
        """Of a session that another worker has, or had, or that this one has forgotten.

        Args:
            session_id: which one.
            key_id: whose it is to be.
            after: as `from_here`'s.

        Raises:
            Fault: there is none, or nobody knows.
        """
        try:
            taken = await self._take(session_id, key_id)
            finals = await self._store.log(session_id, 0)
        except SessionGone as gone:
            code = "session_expired" if gone.expired else "session_ended"
            raise Fault(code, "the session is over: begin another") from gone
        except StoreUnavailable as error:
            raise _store_away() from error
        request = from_config(taken.values, SessionRequest())
        past = Past(
            session_id,
            taken.generation,
            taken.sequence,
            taken.covered_ms,
            joined_of(finals),
            resumed=True,
            told_ms=told_of(finals, request.streams),
        )
        # Of a log that has lost some, the count tells nothing.
        return TakenUp(past, request, finals[bisect_right(finals, after, key=_sequence) :])

    async def ending(self, session_id: str, key_id: str, after: int) -> list[bytes] | None:
        """The last messages of a session that its client has closed; None if there is none, or
        nobody knows for now.

        Args:
            session_id, key_id, after: as `from_elsewhere`'s.
        """
        # This worker may just have ended it.
        await self._store.flush(WRITE_S)
        try:
            shown = await self._store.show(session_id, key_id)
            missed = await self._store.log(session_id, after)
        except (SessionGone, StoreUnavailable):
            return None
        if shown is None or shown.ended != CLIENT:
            return None
        return ending_of(session_id, shown, missed, utc_now())

    async def _take(self, session_id: str, key_id: str) -> Taken:
        owner = await self._store.owner(session_id, key_id)
        if owner is not None:
            # One that does not answer finds itself superseded.
            with suppress(CommandFailed):
                await self._inbox.send(owner, Command("stt_let_go", session_id), HAND_OVER_S)
        taken = await self._store.take(session_id, key_id)
        if taken is None:
            raise Fault(
                "session_not_found", "there is no session of that id for this key: begin one"
            )
        return taken


def _sequence(message: bytes) -> int:
    """The number of a final."""
    sequence: int = orjson.loads(message)["sequence"]
    return sequence


def _store_away() -> Fault:
    return Fault(
        "store_away",
        "the session cannot be looked up for now: try again soon",
        retry_after_s=AGAIN_S,
    )
