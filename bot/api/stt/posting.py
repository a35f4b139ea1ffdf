"""A chunk of audio that came by HTTP, from its arrival to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

from bot.inbox import Command, CommandFailed

from .access import Principal
from .asked import SessionRequest
from .chunks import Answer, Chunk, ChunkStore, Put, Wait
from .faults import FAULTS, Fault
from .intake import ChunkSession, Intakes
from .store import SessionExists, StoreUnavailable
from .wakes import Wakes

__all__ = ["ChunkSessions", "Posting", "gone"]

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
BEGINNINGS = 3
"""So often a session is begun, or found to have been begun meanwhile, before that is a fault."""

DOOR = "chunk"


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
        self, request: SessionRequest, chunk: Chunk, principal: Principal
    ) -> dict[str, Any]:
        """Have a chunk heard; gives what is answered.

        Args:
            request: what the session is to be, or which one it is.
            chunk: its audio.
            principal: whose session it is.

        Raises:
            Fault: it is not heard.
        """
        session = request.session_id or str(uuid4())
        request = replace(request, session_id=session)
        posted = _Posted(session, request, chunk, principal)
        try:
            with self._wakes.news_of(session) as news:
                put = await self._put(posted, news)
                answer = await self._answer(posted, put, news)
        except StoreUnavailable:
            raise Fault(
                "store_away",
                "sessions cannot be kept for now: send the chunk again",
                retry_after_s=LOOK_S,
            ) from None
        return _told(posted, put, answer)

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
                return put
            if put.fate == "unknown" and not posted.chunk.index and begun < BEGINNINGS:
                begun += 1
                await self._begin(posted)
            elif put.fate not in LATER or not await _news(news, until_s - _now_s()):
                raise _refusal(put, posted)

    async def _begin(self, posted: _Posted) -> None:
        form, size = posted.request.format, len(posted.chunk.audio)
        if form is not None and size % form.frame_bytes:
            raise _refusal(Put("odd", form.frame_bytes), posted)
        opening = partial(self._sessions.open, posted.request, posted.principal, door=DOOR)
        with suppress(SessionExists):  # another chunk of it came at the same time
            await self._intakes.adopt(posted.session, opening)

    async def _answer(self, posted: _Posted, put: Put, news: asyncio.Event) -> Answer:
        """Wait until the chunk was heard, and see to it that somebody hears it."""
        session, ask_s = posted.session, _now_s() + LOOK_S
        until_s = _now_s() + (FINAL_S if posted.chunk.final else ANSWER_S)
        wait: Answer | Wait = Wait(put.owner, put.orphan)
        known, unreachable = put.fate == "again", ""
        while isinstance(wait, Wait):
            if wait.orphan:
                opening = partial(
                    self._sessions.resume, posted.request, posted.principal, door=DOOR
                )
                await self._intakes.adopt(session, opening)
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


def _refusal(put: Put, posted: _Posted) -> Fault:
    """What the client is told of a chunk that is not kept."""
    given, number = posted.chunk.index, put.number
    if put.fate == "early":
        return Fault(
            "chunk_out_of_order",
            f"chunk {number} has not come: send that first, then {given} again",
            allowed={"chunk_index": number},
        )
    if put.fate == "conflict":
        return Fault(
            "chunk_conflict",
            f"chunk {number} came with other bytes: a chunk is sent again as it was, and another"
            " one has the next index",
        )
    if put.fate == "odd":
        size = len(posted.chunk.audio)
        return Fault(
            "bad_audio",
            f"{size} bytes are no whole number of frames of {number} bytes: cut the audio between"
            " them",
        )
    if put.fate == "full":
        return Fault(
            "too_fast",
            f"so much audio waits to be heard that there is no room: send it again in {number} s",
            retry_after_s=float(number),
        )
    if put.fate == "long":
        return Fault(
            "too_long",
            "a container that is sent in chunks may have 16 MiB, in 20000 chunks: begin another"
            " session, send bare samples, or use the WebSocket",
        )
    if put.fate == "streamed":
        return Fault("bad_config", "the session's audio comes by a WebSocket: resume it there")
    return gone(put.fate, put.reason)


def gone(fate: str, reason: str = "") -> Fault:
    """What the client is told of a session that is not to be had.

    Args:
        fate: `unknown`, `expired`, or `ended`.
        reason: why it has ended.
    """
    if fate == "unknown":
        return Fault(
            "session_not_found",
            "there is no session of that id: one begins with chunk 0, or without chunk_index",
        )
    if fate == "expired":
        return Fault("session_expired", "the session was left idle for too long: begin another")
    return Fault("session_ended", f"the session has ended ({reason}): begin another")


def _told(posted: _Posted, put: Put, answer: Answer) -> dict[str, Any]:
    """What the client is told of a chunk that was kept.

    Raises:
        Fault: it was not heard, and will not be; or something was wrong with it.
    """
    if (wrong := answer.fault) is not None:
        raise Fault(
            wrong["code"],
            wrong["error"],
            allowed=wrong.get("allowed"),
            retry_after_s=wrong.get("retry_after_s"),
        )
    if answer.gone:
        raise gone(answer.gone)
    if answer.status == "unheard":
        code = answer.reason if answer.reason in FAULTS else "session_ended"
        raise Fault(code, "the session has ended, and the chunk was not heard")
    return {
        "session_id": posted.session,
        "chunk_index": put.number,
        "duplicate": put.fate == "again",
        "status": answer.status,
        "results": answer.results,
        "transcript": {"text": answer.text, "confidence": answer.confidence},
        "audio_ms": answer.audio_ms,
    }
