"""The sessions that this worker has: begun, taken up, looked after and brought to their end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from uuid import uuid4

import structlog

from bot.inbox import Command, CommandFailed, Inbox
from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Fallback
from providers.types import SttProvider

from .access import Principal, SttAccess
from .asked import SessionRequest, from_config, from_query
from .faults import Fault
from .held import Held
from .past import Past, joined_of, values_of
from .recognizers import Recognizers
from .session import Session
from .settings import SttServiceSettings
from .store import SessionGone, StoreUnavailable, SttStore, Superseded, Taken
from .wording import Said, StreamWording, Wording

__all__ = ["Sessions"]

log = structlog.get_logger(__name__)

RESUME_S = 30.0
"""So long a session whose client is gone stays here, and counts as open for its key."""
LET_GO_S = 3.0
"""How long recognizers may take to understand the rest when a session goes on elsewhere."""
DRAIN_S = 5.0
"""Likewise when the worker ends, with the last messages to clients."""
LOOK_S = 1.0
TOUCH_EVERY = 5
"""Of how many looks one is written down."""
_TAKEN_OVER = "session_taken_over"


class Sessions:
    """All sessions of this worker; the `Keeper` of each.

    Args:
        settings: their limits.
        recognizers: who recognizes.
        ears: tell where speech is.
        store: keeps what another worker needs to go on.
        access: who may have sessions, and how much of them.
        inbox: reaches the worker that has a session.

    Attributes:
        draining: whether no session is begun any more.
        counts: of sessions that were `begun`, `resumed`, `ended`, `lost` (without their client) and
            ended or interrupted by a fault, by its code.
    """

    def __init__(
        self,
        settings: SttServiceSettings,
        *,
        recognizers: Recognizers,
        ears: Ears,
        store: SttStore,
        access: SttAccess,
        inbox: Inbox,
    ) -> None:
        self.draining = False
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._recognizers = recognizers
        self._ears = ears
        self._store = store
        self._access = access
        self._inbox = inbox
        self._wording = StreamWording(settings.stt_idle_s)
        self._held: dict[str, Held] = {}
        self._opening = 0

    @property
    def active(self) -> int:
        """How many sessions go on."""
        return sum(not held.session.over for held in self._held.values())

    def get(self, session_id: str) -> Session | None:
        """A session that goes on here."""
        held = self._held.get(session_id)
        return None if held is None or held.session.over else held.session

    # Beginning

    async def open(
        self,
        request: SessionRequest,
        principal: Principal,
        *,
        door: str,
        wording: Wording | None = None,
    ) -> Session:
        """Begin a session, under the id that the request names, if it names one.

        Args:
            request: what it is to be.
            principal: whose it is.
            door: by which it comes; one of `chunk` has no connection that could be lost.
            wording: how its client is told things; None is as on `/stt/stream`.

        Raises:
            Fault: it cannot be had.
            SessionExists: there is one of that id.
        """
        with self._room():
            self._recognizers.of(request)
            past = Past(request.session_id or str(uuid4()))
            await self._access.open_session(principal, past.session_id)
            try:
                past.generation = await self._begin(past.session_id, request, principal)
                session = await self._start(past, request, principal, door, wording)
            except BaseException as error:
                if isinstance(error, Fault):
                    await self._ended(past.session_id, past.generation, error.code)
                await self._leave_out(past.session_id, principal)
                raise
        self.counts["begun"] += 1
        return session

    async def resume(
        self,
        request: SessionRequest,
        principal: Principal,
        *,
        door: str = "stream",
        wording: Wording | None = None,
        given: Iterable[tuple[str, str]] = (),
    ) -> Session:
        """Go on with a session that this worker has, another one has, or none any more.

        Args:
            request: names the session, and the last final that its client has.
            principal, door, wording: as `open`'s.
            given: what its client asks for anew; the rest is as it was.

        Raises:
            Fault: there is no such session, or it cannot go on.
        """
        session_id, after, pairs = request.session_id, request.after, list(given)
        assert session_id is not None
        with self._room():
            held = self._held.get(session_id)
            if held is not None and held.session.principal.key_id == principal.key_id:
                asked = self._asked_anew(pairs, held.session.request, session_id, after)
                past, missed = await self._from_here(held, after)
            else:
                taken, finals = await self._from_store(session_id, principal)
                asked = self._asked_anew(
                    pairs, from_config(taken.values, SessionRequest()), session_id, after
                )
                joined = joined_of(finals)
                past = Past(
                    session_id, taken.generation, taken.sequence, taken.covered_ms, joined, True
                )
                missed = finals[max(0, len(finals) - max(0, taken.sequence - after)) :]
            try:
                await self._access.open_session(principal, session_id)
                session = await self._start(past, asked, principal, door, wording)
            except BaseException:
                await self._leave_out(session_id, principal)
                raise
        if door != "chunk":
            for message in missed:
                session.push(message)
        self.counts["resumed"] += 1
        return session

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Take a place for a session that is about to be.

        Raises:
            Fault: there is none.
        """
        if self.draining:
            raise _draining()
        most = self._settings.stt_max_sessions
        if self.active + self._opening >= most:
            raise Fault(
                "too_many_sessions",
                f"this worker has as many sessions as it takes, {most}: try again soon",
                retry_after_s=LOOK_S,
            )
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    async def _begin(self, session_id: str, request: SessionRequest, principal: Principal) -> int:
        try:
            return await self._store.begin(
                session_id, principal.key_id, values_of(request), request.format
            )
        except StoreUnavailable:
            return 1  # it is written when Redis is back

    async def _start(
        self,
        past: Past,
        request: SessionRequest,
        principal: Principal,
        door: str,
        wording: Wording | None,
    ) -> Session:
        session = Session(
            past,
            request,
            principal,
            keeper=self,
            ears=self._ears,
            wording=wording or self._wording,
        )
        held = Held(session, door, _now_s())
        self._held[session.id] = held
        try:
            await session.open()
        except BaseException:
            if self._held.get(session.id) is held:
                del self._held[session.id]
            await session.close()
            raise
        return session

    def _asked_anew(
        self,
        given: list[tuple[str, str]],
        before: SessionRequest,
        session_id: str,
        after: int,
    ) -> SessionRequest:
        """What a session is asked to be that goes on.

        Raises:
            Fault: it cannot be that.
        """
        asked = from_query(given, replace(before, session_id=session_id, after=0))
        self._recognizers.of(asked)
        return replace(asked, session_id=session_id, after=after)

    # Taking up

    async def _from_here(self, held: Held, after: int) -> tuple[Past, list[bytes]]:
        """What there is of a session of this worker, which is ended here."""
        session = held.session
        await self._let_go(held, _taken_over())
        self._held.pop(session.id, None)
        missed = held.kept_after(after)
        if missed is None:
            try:
                missed = await self._store.log(session.id, after)
            except StoreUnavailable:
                missed = [message for sequence, message in held.finals if sequence > after]
        past = Past(
            session.id,
            session.generation,
            session.sequence,
            int(session.settled_ms),
            session.joined,
            resumed=True,
        )
        return past, missed

    async def _from_store(self, session_id: str, principal: Principal) -> tuple[Taken, list[bytes]]:
        """What there is of a session that another worker had, and all that was understood.

        Raises:
            Fault: there is none, or nobody knows.
        """
        try:
            owner = await self._store.owner(session_id)
            if owner is not None:
                # Should it not answer, it finds itself superseded.
                with suppress(CommandFailed):
                    await self._inbox.send(owner, Command("stt_let_go", session_id), LET_GO_S)
            taken = await self._store.take(session_id, principal.key_id)
            if taken is None:
                raise Fault(
                    "session_not_found", "there is no session of that id for this key: begin one"
                )
            return taken, await self._store.log(session_id, 0)
        except SessionGone as gone:
            code = "session_expired" if gone.expired else "session_ended"
            raise Fault(code, "the session is over: begin another") from gone
        except StoreUnavailable as error:
            raise Fault(
                "store_away",
                "the session cannot be looked up for now: try again soon",
                retry_after_s=LOOK_S,
            ) from error

    # Leaving

    async def leave(self, session: Session) -> None:
        """The client of a session is gone; it may come back for a while."""
        held = self._held.get(session.id)
        if held is None or held.session is not session:
            await session.close()
            return
        if session.over:
            await session.close()
            self._touch(session)
        else:
            self.counts["lost"] += 1
            await self._let_go(held, None)
        held.left_s = _now_s()
        held.gone.set()

    async def command(self, command: Command) -> None:
        """Carry out what another worker asks for: let a session go, which goes on there.

        Raises:
            LookupError: it is not here.
        """
        held = self._held.get(command.sid)
        if held is None:
            raise LookupError(command.sid)
        await self._let_go(held, _taken_over())
        await self._store.flush(LET_GO_S)
        await self._forget(held)

    def superseded(self, session_id: str, generation: int) -> None:
        """Another worker has taken a session."""
        held = self._held.get(session_id)
        if held is not None and held.session.generation == generation:
            held.session.fail(_taken_over())

    async def drain(self) -> None:
        """Bring all sessions to where another worker can go on with them; begin none any more."""
        self.draining = True
        held = list(self._held.values())
        fault = _draining()
        await asyncio.gather(*(self._let_go(one, fault) for one in held))
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                for one in held:
                    if one.door != "chunk":
                        await one.gone.wait()
        for one in held:
            await self._forget(one)

    async def _let_go(self, held: Held, fault: Fault | None) -> None:
        """End this worker's part of a session in order, as far as that can be done in time."""
        session = held.session
        try:
            async with asyncio.timeout(LET_GO_S):
                await session.let_go(fault)
        except TimeoutError:
            log.warning("a session was let go before all of it was understood", session=session.id)
            session.fail(fault or Fault("provider_failed", "the recognizer takes too long"))
        await session.close()
        self._touch(session)

    async def _forget(self, held: Held) -> None:
        session = held.session
        if self._held.get(session.id) is held:
            del self._held[session.id]
            # Who has taken it over has taken its place among the sessions of its key, too.
            if session.fault is None or session.fault.code != _TAKEN_OVER:
                await self._access.close_session(session.principal, session.id)
            self._store.release(session.id)
        await session.close()

    async def _leave_out(self, session_id: str, principal: Principal) -> None:
        """A session that could not begin here is none of this worker's."""
        self._store.release(session_id)
        await self._access.close_session(principal, session_id)

    async def _ended(self, session_id: str, generation: int, reason: str) -> None:
        # What Redis does not take now is written when it is back; another's is not ours to end.
        with suppress(StoreUnavailable, Superseded):
            await self._store.ended(session_id, generation, reason)

    # The `Keeper` of sessions

    def recognizers(self, request: SessionRequest) -> Fallback[SttProvider]:
        """Who is to recognize; raises `Fault`."""
        return self._recognizers.of(request)

    def understood(self, session: Session, said: Said) -> None:
        """Keep what was understood for good."""
        message = self._wording.said(session, said)
        held = self._held.get(session.id)
        if held is not None and held.session is session:
            held.finals.append((said.sequence, message))
        self._store.final(
            session.id, session.generation, said.sequence, message, session.covered_ms
        )

    def provider_failed(self, session: Session, name: str, error: ProviderError) -> None:
        """Count the failure of a recognizer."""
        self.counts[f"provider {name}"] += 1

    async def ended(self, session: Session) -> None:
        """A session is over for good."""
        self.counts[session.fault.code if session.fault else "ended"] += 1
        self._touch(session)
        await self._ended(session.id, session.generation, session.reason)
        held = self._held.get(session.id)
        if held is not None and held.session is session:
            await self._forget(held)

    # Looking after

    async def run(self) -> None:
        """Look after all sessions, for ever; the worker starts this once."""
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(LOOK_S)
                for held in list(self._held.values()):
                    if not held.ending and (work := self._look_at(held)) is not None:
                        held.ending = True
                        group.create_task(self._see_to(held, work))

    def _look_at(self, held: Held) -> Coroutine[None, None, None] | None:
        """See to one session; what takes longer is given back."""
        session, now_s = held.session, _now_s()
        held.looks += 1
        if session.over:
            stays_s = min(RESUME_S, self._settings.stt_idle_s)
            left = held.left_s is not None and now_s - held.left_s >= stays_s
            return self._forget(held) if left or held.door == "chunk" else None
        session.look_after(now_s)
        if held.looks % TOUCH_EVERY == 0:
            self._touch(session)
        fault = self._limit(held, now_s)
        return None if fault is None else self._end(session, fault)

    def _limit(self, held: Held, now_s: float) -> Fault | None:
        """Why a session must end, if it must."""
        session, settings = held.session, self._settings
        if not session.sending and now_s - session.touched_s >= settings.stt_idle_s:
            return Fault("idle", f"nothing came for {settings.stt_idle_s:g} s: begin another")
        most_s = settings.stt_max_session_s
        if now_s - held.began_s >= most_s or session.audio_ms >= most_s * 1000:
            return Fault("too_long", f"a session lasts {most_s:g} s at most: begin another")
        return self._access.why_end(session.principal)

    async def _end(self, session: Session, fault: Fault) -> None:
        # Of one that cannot be understood to its end its client is told, and it may be resumed.
        with suppress(Fault):
            await session.finish(fault.code, fault)

    async def _see_to(self, held: Held, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("a session was not ended in order", session=held.session.id)
        finally:
            held.ending = False

    def _touch(self, session: Session) -> None:
        """Have the store know how far it is, and its key what it has used."""
        audio_ms = session.audio_ms
        self._store.touch(session.id, session.generation, audio_ms, session.settled_ms)
        self._access.used(session.principal, session.id, audio_ms)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _taken_over() -> Fault:
    return Fault(_TAKEN_OVER, "another connection has resumed the session")


def _draining() -> Fault:
    return Fault(
        "draining", "this worker ends: connect again, and resume the session", retry_after_s=LOOK_S
    )
