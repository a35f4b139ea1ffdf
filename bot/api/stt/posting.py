"""A chunk of audio that came by HTTP, from its arrival to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

from bot.inbox import Command, CommandFailed

from .access import Principal
from .asked import SessionRequest, from_config
from .chunk_answers import refusal, told
from .chunk_scripts import CAME
from .chunks import Answer, Chunk, ChunkStore, Put, Wait
from .faults import Fault
from .intake import ChunkSession, Intakes
from .parameters import PARAMETERS
from .store import SessionExists, StoreUnavailable
from .wakes import Wakes

__all__ = ["ChunkSessions", "Posting"]

WAIT_S = 2.0
LATER = ("early", "full")
"""How long a chunk waits for the one before it, or for room."""
ANSWER_S = 10.0
"""How long one waits to be heard; one who sends faster than is spoken is so slowed."""
FINAL_S = 30.0
"""How long the final one waits for all that was said."""
LOOK_S = 1.0
"""It is looked for so often: the owner may have died without waking anybody."""
ASK_S, HEARS_S = 3.0, 1.0
"""And that worker is asked so often whether it has the session, and given so long to say so."""
RESUMES = 3
"""So often a session is taken up for one chunk: a recognizer may fail again and again."""
BEGINNINGS = 3
"""So often a session is begun, or found to have been begun meanwhile, before that is a fault."""

DOOR = "chunk"
FIXED = PARAMETERS.keys() - {"session_id", "after", "chunk_size"}
"""What must be the same with each chunk that has it; the last one may well be shorter."""


class ChunkSessions(Protocol):
    """Where sessions are begun; `sessions.Sessions` is one."""

    async def open(
        self, request: SessionRequest, principal: Principal, *, door: str
    ) -> ChunkSession:
        """Begin the session that the request names. Raises `Fault` or `SessionExists`."""

    async def resume(
        self, request: SessionRequest, principal: Principal, *, door: str
    ) -> ChunkSession:
        """Go on with it. Raises `Fault`."""


class Posting:
    """Takes chunks, and answers them.

    Args:
        chunks: where they are kept.
        sessions: where sessions are begun and resumed.
        intakes: hears those that this worker has.
        wakes: told of news by the inbox.
        send: sends a command to another worker, with its deadline; `Inbox.send`.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        sessions: ChunkSessions,
        intakes: Intakes,
        wakes: Wakes,
        send: Callable[[str, Command, float], Awaitable[bool]],
    ) -> None:
        self._chunks = chunks
        self._sessions = sessions
        self._intakes = intakes
        self._wakes = wakes
        self._send = send

    async def post(
        self,
        request: SessionRequest,
        chunk: Chunk,
        principal: Principal,
        given: Collection[str] = (),
    ) -> dict[str, Any]:
        """Have a chunk heard; gives what is answered.

        Args:
            request: what the session is to be, or which one it is.
            chunk: its audio.
            principal: whose session it is.
            given: the names of the parameters that came with it.

        Raises:
            Fault: it is not heard.
        """
        known = request.session_id is not None
        session = request.session_id or str(uuid4())
        request = replace(request, session_id=session)
        posted = _Posted(session, request, chunk, principal)
        try:
            if known and (fixed := FIXED.intersection(given)):
                await self._check_same(request, principal, fixed)
            with self._wakes.news_of(session) as news:
                put = await self._put(posted, news)
                answer = await self._answer(posted, put, news)
        except StoreUnavailable:
            raise Fault(
                "store_away",
                "sessions cannot be kept for now: send the chunk again",
                retry_after_s=LOOK_S,
            ) from None
        return told(session, put, answer, request.ignored)

    async def _check_same(
        self, request: SessionRequest, principal: Principal, given: Collection[str]
    ) -> None:
        """See that a chunk does not ask for another session than there is.

        Raises:
            Fault: bad_config.
        """
        assert request.session_id is not None
        values = await self._chunks.asked(request.session_id, principal.key_id)
        if values is None:
            return
        before = from_config(values, SessionRequest())
        wrong = [name for name in sorted(given) if _of(request, name) != _of(before, name)]
        if wrong:
            raise Fault(
                "bad_config",
                f"{', '.join(wrong)}: the session was begun with another: it cannot be changed by"
                " a chunk",
                allowed={name: values.get(name) for name in wrong},
            )

    async def _put(self, posted: _Posted, news: asyncio.Event) -> Put:
        """Have the chunk kept, if it is the next one of its session, or was that before."""
        until_s, begun = _now_s() + WAIT_S, 0
        while True:
            news.clear()
            put = await self._chunks.put(
                posted.session,
                posted.principal.key_id,
                posted.chunk,
                held=self._intakes.holds(posted.session),
            )
            if put.fate in ("stored", "again"):
                if put.owner == self._chunks.worker:
                    self._wakes.wake(posted.session + CAME)
                return put
            if put.fate == "unknown" and not posted.chunk.index and begun < BEGINNINGS:
                begun += 1
                await self._begin(posted)
            elif put.fate not in LATER or not await _news(news, until_s - _now_s()):
                raise refusal(put, posted.chunk)

    async def _begin(self, posted: _Posted) -> None:
        opening = partial(self._sessions.open, posted.request, posted.principal, door=DOOR)
        with suppress(SessionExists):  # another chunk of it came at the same time
            await self._intakes.adopt(posted.session, opening)

    async def _answer(self, posted: _Posted, put: Put, news: asyncio.Event) -> Answer:
        """Wait until the chunk was heard, and see to it that somebody hears it."""
        session, ask_s = posted.session, _now_s() + LOOK_S
        until_s = _now_s() + (FINAL_S if posted.chunk.final else ANSWER_S)
        wait: Answer | Wait = Wait(put.owner, put.orphan)
        known, unreachable, resumed = put.fate == "again", "", 0
        while isinstance(wait, Wait):
            if wait.orphan:
                resumed += 1
                await self._take_up(posted, resumed)
            elif wait.owner not in ("", self._chunks.worker) and _now_s() > ask_s:
                ask_s = _now_s() + ASK_S
                if not await self._hears(wait.owner, session):
                    unreachable = wait.owner
            elif not known:
                await _news(news, min(LOOK_S, until_s - _now_s()))
            known = False
            news.clear()
            wait = await self._chunks.answer(
                session,
                posted.principal.key_id,
                put.number,
                held=self._intakes.holds(session),
                unreachable=unreachable,
                now=_now_s() >= until_s,
            )
        return wait

    async def _take_up(self, posted: _Posted, times: int) -> None:
        """Hear the session here, which nobody hears."""
        if times > RESUMES:
            raise Fault(
                "provider_failed",
                "no recognizer goes on: send the chunk again",
                retry_after_s=ASK_S,
            )
        opening = partial(self._sessions.resume, posted.request, posted.principal, door=DOOR)
        try:
            await self._intakes.adopt(posted.session, opening)
        except Fault as fault:
            # Where it has just ended, its answer is there.
            if fault.code != "session_ended":
                raise

    async def _hears(self, owner: str, session: str) -> bool:
        """Whether the worker that has the session knows of it."""
        try:
            return await self._send(owner, Command("stt_hear", session), HEARS_S)
        except CommandFailed:
            return False


@dataclass(frozen=True, slots=True)
class _Posted:
    session: str
    request: SessionRequest
    chunk: Chunk
    principal: Principal


def _of(request: SessionRequest, name: str) -> Any:
    return getattr(request, PARAMETERS[name].field)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _news(news: asyncio.Event, wait_s: float) -> bool:
    """Whether there was news before so much time had passed."""
    try:
        async with asyncio.timeout(wait_s):
            await news.wait()
    except TimeoutError:
        return False
    return True
