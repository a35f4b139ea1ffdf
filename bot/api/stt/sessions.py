"""The sessions that this worker has: begun, taken up, looked after and brought to their end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from uuid import uuid4

from bot.inbox import Command, Inbox
from providers.ears import Ears
from providers.fallback import Fallback
from providers.types import SttProvider

from .absent import Absent
from .access import Principal, SttAccess
from .asked import SessionRequest, from_query
from .faults import Fault
from .held import CHUNK, STREAM, Held
from .partings import draining, over, taken_over
from .past import Past, values_of
from .recognizers import Recognizers
from .room import Room
from .roster import Roster
from .session import Session
from .settings import SttServiceSettings
from .store import SessionExists, StoreUnavailable, SttStore
from .store_scripts import GONE
from .taking_up import WRITE_S, TakenUp, TakingUp
from .tally import Tally
from .upkeep import Upkeep
from .wording import Said, StreamWording, Wording

__all__ = ["Sessions"]

DRAIN_S = 5.0
"""How long clients may take to read the last messages when the worker ends."""


class Sessions:
    """All sessions of this worker; the `Keeper` of each.

    Args:
        settings: their limits.
        recognizers: who recognizes.
        ears: tell where speech is.
        store: keeps what another worker needs to go on.
        access: who may have sessions, and how much of them.
        inbox: reaches the worker that has a session.
        tally: where all is counted.
        calls: how many calls each recognizer has.

    Attributes:
        tally: as given.
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
        tally: Tally,
        calls: Callable[[], Counter[str]] = Counter,
    ) -> None:
        self.tally = tally
        self._recognizers = recognizers
        self._ears = ears
        self._store = store
        self._calls = calls
        self._wording = StreamWording(settings.stt_idle_s)
        self._roster = Roster(store, access, tally)
        self._taking_up = TakingUp(store, inbox)
        self._room = Room(settings.stt_max_sessions, lambda: self._roster.begun)
        self._upkeep = Upkeep(self._roster, settings, access)
        self._absent = Absent(self._roster, settings.stt_max_sessions, calls)

    @property
    def draining(self) -> bool:
        """Whether no session is begun any more."""
        return self._room.closed

    @draining.setter
    def draining(self, closed: bool) -> None:
        self._room.closed = closed

    async def run(self) -> None:
        """Look after all sessions, for ever; the worker starts this once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._upkeep.run())
            group.create_task(self._absent.run())

    @property
    def active(self) -> int:
        """How many sessions go on, or are about to."""
        return self._room.taken

    @property
    def active_by_door(self) -> Counter[str]:
        """Those, by the door by which they came."""
        return self._roster.active

    @property
    def recognizing(self) -> Counter[str]:
        """How many streams each recognizer has for sessions."""
        return self._roster.recognizing()

    def get(self, session_id: str) -> Session | None:
        """A session that goes on here."""
        held = self._roster.find(session_id)
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
            door: by which it comes.
            wording: how its client is told things; None is as on `/stt/stream`.

        Raises:
            Fault: it cannot be had.
            SessionExists: there is one of that id.
        """
        began_s = _now_s()
        with self._room.take():
            self._recognizers.of(request, self._calls() + self.recognizing)
            past = Past(request.session_id or str(uuid4()))
            if past.session_id in self._roster:
                raise SessionExists(past.session_id)
            past.generation = await self._begin(past.session_id, request, principal)
            # One that does not start is not ended: its id may be named again.
            session = await self._start(TakenUp(past, request), principal, door, wording)
        self.tally.began(door, resumed=False)
        self.tally.took("start", _now_s() - began_s)
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
        began_s = _now_s()
        session_id, pairs = request.session_id, list(given)
        assert session_id is not None
        async with self._roster.turn(session_id):
            held = self._roster.find(session_id)
            if held is not None and held.session.principal.key_id != principal.key_id:
                held = None  # which the store will not give it, either
            elif held is not None and held.lost is not None:
                await self._roster.forget(held)
                held = None
            if held is not None and (held.door == CHUNK) != (door == CHUNK):
                raise Fault("bad_config", "the session's audio comes by another door: keep to that")
            with self._room.take(instead=held):
                if held is None:
                    taken_up = await self._taking_up.from_elsewhere(
                        session_id, principal.key_id, request.after
                    )
                    asked = self._asked_anew(pairs, taken_up.request)
                else:
                    asked = self._asked_anew(pairs, held.session.request)
                    taken_up = await self._from_here(held, asked, request.after)
                taken_up = replace(taken_up, request=replace(asked, session_id=session_id))
                session = await self._start(taken_up, principal, door, wording)
        self.tally.began(door, resumed=True)
        self.tally.took("start", _now_s() - began_s)
        return session

    async def ending(self, request: SessionRequest, principal: Principal) -> list[bytes] | None:
        """The last messages of a session that its client has closed; None if there is none.

        Args:
            request: names the session, and the last final that its client has.
            principal: whose it is.
        """
        assert request.session_id is not None
        return await self._taking_up.ending(request.session_id, principal.key_id, request.after)

    def expect(self) -> AbstractContextManager[None]:
        """Keep a place for a session of which is not known yet what it is to be.

        Raises (on entering):
            Fault: there is none.
        """
        return self._room.expect()

    async def _begin(self, session_id: str, request: SessionRequest, principal: Principal) -> int:
        try:
            return await self._store.begin(
                session_id, principal.key_id, values_of(request), request.format
            )
        except StoreUnavailable:
            return 1  # it is written when Redis is back

    async def _from_here(self, held: Held, asked: SessionRequest, after: int) -> TakenUp:
        """What is to go on of a session that this worker has.

        Args:
            held: it.
            asked: what its client asks for now.
            after: the number of the last final that its client has.

        Raises:
            Fault: it cannot go on.
        """
        if held.absent and _hears_alike(asked, held.session.request):
            taken_up = await self._taking_up.from_absence(held, after)
            if taken_up is not None:
                return taken_up
        await self._roster.let_go(held, taken_over(), again=True)
        if held.session.ended:
            raise over()
        return await self._taking_up.from_here(held, after)

    async def _start(
        self, taken_up: TakenUp, principal: Principal, door: str, wording: Wording | None
    ) -> Session:
        session = Session(
            taken_up.past,
            taken_up.request,
            principal,
            keeper=self,
            ears=self._ears,
            wording=wording or self._wording,
        )
        held = Held(session, door, _now_s())
        missed = () if door == CHUNK else taken_up.missed
        try:
            if taken_up.hearing is not None:
                # At once: from now on it is told what is understood.
                session.go_on(taken_up.hearing)
                session.push_missed(missed)
            await self._roster.hold(held)
            if self.draining:
                raise draining()
            if taken_up.hearing is None:
                await self._open(session)
                session.push_missed(missed)
            held.begun = True
            if session.resumed:
                self._roster.configured(session)
        except BaseException:
            held.gone.set()
            await self._roster.forget(held)
            raise
        return session

    async def _open(self, session: Session) -> None:
        """Have a session begin to listen. Raises `Fault`."""
        preferred = self.recognizers(session, session.request).candidates[0].name
        await self._absent.give_way({preferred: session.request.streams})
        await session.open()

    def _asked_anew(self, given: list[tuple[str, str]], before: SessionRequest) -> SessionRequest:
        """What a session is asked to be that goes on.

        Raises:
            Fault: it cannot be that.
        """
        asked = from_query(given, before)
        self._recognizers.of(asked)
        return asked

    # Leaving

    async def leave(self, session: Session) -> None:
        """The client of a session is gone; it may come back for a while.

        Its recognizer waits for it, in the midst of an utterance, say. Clients of other doors than
        `/stt/stream` do not come back: what they said last is understood at once.
        """
        held = self._roster.of(session)
        if held is None:
            await session.close()
            return
        if session.over:
            session.leave()
            await session.close()
            self._roster.touch(session)
        else:
            self.tally.lose()
            if held.door == STREAM:
                session.leave()
                self._roster.touch(session)
            else:
                await self._roster.let_go(held, None, again=False)
        await self._roster.leave(held)
        if held.lost is not None:
            await self._roster.forget(held)

    async def command(self, command: Command) -> None:
        """Carry out what another worker asks for: let a session go, which goes on there.

        Raises:
            LookupError: it is not here.
        """
        held = self._roster.find(command.sid)
        if held is None:
            raise LookupError(command.sid)
        try:
            await self._roster.let_go(held, taken_over(), again=True)
            await self._store.flush(WRITE_S)
        finally:
            await self._roster.forget(held)

    def superseded(self, session_id: str, generation: int, deleted: bool) -> None:
        """Another worker has taken a session, or it was deleted: it does not go on here."""
        held = self._roster.find(session_id)
        if held is not None and held.session.generation == generation and held.lost is None:
            held.lost = over() if deleted else taken_over()
            held.session.fail(held.lost)

    def wake(self, news: str) -> None:
        """What the inbox says there is news of: here, that a session was deleted."""
        session_id, is_gone, _ = news.partition(GONE)
        if is_gone and (held := self._roster.find(session_id)) is not None:
            self.superseded(session_id, held.session.generation, True)

    async def drain(self) -> None:
        """Bring all sessions to where another worker can go on with them; begin none any more."""
        self.draining = True
        held = list(self._roster)
        fault = draining()
        await asyncio.gather(*(self._roster.let_go(one, fault, again=True) for one in held))
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                for one in held:
                    if one.door != CHUNK:
                        await one.gone.wait()
        for one in held:
            await self._roster.forget(one)

    # The `Keeper` of sessions

    def recognizers(self, session: Session, request: SessionRequest) -> Fallback[SttProvider]:
        """Who is to recognize; raises `Fault`."""
        return self._recognizers.of(request, self._calls() + self._roster.recognizing(session))

    def understood(self, session: Session, said: Said) -> None:
        """Keep what was understood for good."""
        self._roster.keep(session, said.sequence, self._wording.said(session, said))

    def configured(self, session: Session) -> None:
        """Keep what its client asks for now."""
        self._roster.configured(session)

    async def ended(self, session: Session) -> None:
        """A session is over for good."""
        self.tally.end(session.reason)
        self._roster.touch(session)
        await self._roster.end(session.id, session.generation, session.reason)
        if (held := self._roster.of(session)) is not None:
            await self._roster.forget(held)


def _hears_alike(one: SessionRequest, other: SessionRequest) -> bool:
    """Whether who recognizes what is asked for in one way does so for the other."""
    return replace(one, session_id=other.session_id, after=other.after) == other


def _now_s() -> float:
    return asyncio.get_running_loop().time()
