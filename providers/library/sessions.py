"""The streaming sessions of one processor: found by their ids, and ended when nobody uses them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import structlog

from ..errors import (
    CapacityError,
    ProviderError,
    SessionCleanupError,
    SessionExpiredError,
    SessionNotFoundError,
    UnavailableError,
)
from ..results import StreamingResult, TranscriptionResult
from .listening import Listening
from .session import SessionInfo, StreamingSession

__all__ = ["IDLE_S", "SessionStatistics", "Sessions"]

log = structlog.get_logger(__name__)

IDLE_S = 300.0
"""A session that nobody has used for five minutes is ended."""
SWEEP_S = 15.0
MAX_SESSIONS = 100
REMEMBERED = 1_000
"""So many ids of sessions that have expired are known as such."""

_End = Literal["stopped", "failed", "expired"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class SessionStatistics:
    """What became of sessions.

    Attributes:
        started: how many there were.
        stopped: how many were ended by who started them.
        expired: how many were ended since nobody used them.
        failed: how many could not be recognized to their end.
        active: how many there are now.
        audio_ms: how much audio those had that have ended.
    """

    started: int = 0
    stopped: int = 0
    expired: int = 0
    failed: int = 0
    active: int = 0
    audio_ms: float = 0.0


class Sessions:
    """All sessions.

    Args:
        clock: seconds, for idleness.
        now: the time of day.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._clock = clock
        self._now = now
        self._sessions: dict[str, StreamingSession] = {}
        self._expired: deque[str] = deque(maxlen=REMEMBERED)
        self._sweeper: asyncio.Task[None] | None = None
        self._statistics = SessionStatistics()

    async def start(
        self, listen: Callable[[StreamingSession], AbstractAsyncContextManager[Listening]]
    ) -> str:
        """Begin a session; returns its id.

        Args:
            listen: opens the stream of a session.

        Raises:
            CapacityError: there are a hundred.
            UnavailableError: all sessions were ended meanwhile.
            ProviderError: nobody can recognize it.
        """
        active = [one for one in self._sessions.values() if one.state == "active"]
        if len(active) >= MAX_SESSIONS:
            raise CapacityError(
                "session", f"there are {MAX_SESSIONS} sessions", hint="stop one that is not needed"
            )
        session = StreamingSession(self._clock, self._now)
        self._sessions[session.id] = session
        try:
            await self._forget()
            await session.open(listen(session))
        except BaseException:
            self._sessions.pop(session.id, None)  # unless all were ended meanwhile
            raise
        self._statistics.started += 1
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())
        return session.id

    async def send(self, session_id: str, audio: bytes) -> None:
        """Have more audio of a session recognized; returns when more may come.

        Raises:
            SessionNotFoundError: there is none of that id.
            SessionExpiredError: it was not used for five minutes.
            ProviderError: recognition has failed.
        """
        await self._get(session_id).send(audio)

    def results(
        self, session_id: str, timeout_s: float | None = None
    ) -> AsyncIterator[StreamingResult]:
        """The results of a session as they come, until it is stopped and all were given.

        Args:
            session_id: which one.
            timeout_s: end, too, when none came for so long; None is never.

        Raises:
            SessionNotFoundError, SessionExpiredError: as `send`.
            SessionActiveError (from the iterator): somebody else waits for the next one.
            ProviderError (from the iterator): recognition has failed.
        """
        return _Results(self._get(session_id), timeout_s)

    async def stop(self, session_id: str) -> TranscriptionResult:
        """End a session; returns all that was understood.

        What was not read of its results can be read for five minutes more.

        Raises:
            SessionNotFoundError, SessionExpiredError: as `send`.
            ProviderError: recognition has failed before its end.
            SessionCleanupError: it could not be ended in order.
        """
        session = self._get(session_id)
        try:
            result = await session.finish()
        except SessionNotFoundError:
            raise
        except BaseException:
            self._count(session, "failed")
            raise
        self._count(session, "stopped")
        return result

    async def cleanup(self) -> int:
        """End the sessions that nobody has used for five minutes; returns how many.

        Raises:
            SessionCleanupError: some could not be ended in order. They are gone all the same.
        """
        idle = [one for one in self._sessions.values() if self._idle(one)]
        self._expired += [one.id for one in idle if one.state == "active"]
        return await self._end(idle, "expired", _expiry)

    async def aclose(self) -> None:
        """End all sessions at once. Raises as `cleanup`."""
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.wait([sweeper])
        await self._end(list(self._sessions.values()), "stopped", _closing)

    def infos(self) -> list[SessionInfo]:
        """How the sessions stand."""
        return [session.info() for session in self._sessions.values()]

    def statistics(self) -> SessionStatistics:
        """What became of all sessions."""
        active = sum(one.state == "active" for one in self._sessions.values())
        return replace(self._statistics, active=active)

    def _get(self, session_id: str) -> StreamingSession:
        session = self._sessions.get(session_id)
        if session_id in self._expired or (session is not None and self._idle(session)):
            raise _expiry(session_id)
        if session is None:
            raise SessionNotFoundError(
                "session",
                f"there is no session {session_id!r}",
                hint="begin with start_streaming_transcription",
            )
        return session

    def _idle(self, session: StreamingSession) -> bool:
        return session.idle_s >= IDLE_S

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.cleanup()
            except SessionCleanupError as error:
                log.warning("sessions were not ended in order", error=str(error))

    async def _end(
        self, sessions: list[StreamingSession], how: _End, why: Callable[[str], ProviderError]
    ) -> int:
        """End these, unless they were stopped, and forget them all."""
        faults: list[SessionCleanupError] = []
        for session in sessions:
            self._sessions.pop(session.id, None)
            failed = session.state == "failed"
            session.end(why(session.id))
            try:
                await session.close()
            except SessionCleanupError as error:
                faults.append(error)
            self._count(session, "failed" if failed else how)
        if faults:
            raise SessionCleanupError(
                "session", f"{len(faults)} of {len(sessions)} sessions were not ended in order"
            ) from faults[0]
        return len(sessions)

    async def _forget(self) -> None:
        """What sessions gave that are over is kept for a while, but not of too many."""
        over = [one for one in self._sessions.values() if one.state != "active"]
        for session in over[:-MAX_SESSIONS]:
            self._sessions.pop(session.id, None)
            self._count(session, "failed" if session.state == "failed" else "stopped")
            try:
                await session.close()
            except SessionCleanupError as error:
                log.warning("a session was not ended in order", error=str(error))

    def _count(self, session: StreamingSession, how: _End) -> None:
        """Note, once, what became of a session that has begun."""
        if session.counted or not session.opened:
            return
        session.counted = True
        counts = self._statistics
        setattr(counts, how, getattr(counts, how) + 1)
        counts.audio_ms += session.info().audio_ms


class _Results:
    """The results of a session; whoever leaves it may go on with it, or with another."""

    def __init__(self, session: StreamingSession, timeout_s: float | None) -> None:
        self._session = session
        self._timeout_s = timeout_s

    def __aiter__(self) -> _Results:
        return self

    async def __anext__(self) -> StreamingResult:
        result = await self._session.next(self._timeout_s)
        if result is None:
            raise StopAsyncIteration
        return result


def _expiry(session_id: str) -> ProviderError:
    return SessionExpiredError(
        "session",
        f"{session_id} was not used for {IDLE_S / 60:g} minutes",
        hint="start another one",
    )


def _closing(session_id: str) -> ProviderError:
    return UnavailableError(
        "session",
        f"{session_id} was ended with all others",
        hint="start another one",
        retryable=False,
    )
