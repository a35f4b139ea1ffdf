"""A streaming session of the library: audio goes in as it comes, results are taken when wanted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from ..errors import (
    AudioTooLargeError,
    ProviderError,
    SessionActiveError,
    SessionCleanupError,
    SessionNotFoundError,
)
from ..results import StreamingResult, TranscriptionResult
from ..types import Transcript
from .joined import Joined
from .listening import Listening

__all__ = ["SessionInfo", "SessionState", "StreamingSession"]

MAX_WAITING_RESULTS = 1_000
MAX_DURATION_MS = 5 * 3_600_000.0
CLOSE_S = 10.0
SENDING_S = 10.0
"""So long `finish` waits for audio that was handed over before and is still being sent."""

SessionState = Literal["active", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """How a session stands.

    Attributes:
        state: `stopped` was ended in order, `failed` by an error.
        started: when (UTC).
        idle_s: since when neither audio was sent nor a result taken; 0 while audio is being sent.
        audio_ms: how much audio was sent.
        lost_ms: how much of it no recognizer has got.
        results: how many there were, and `finals` among them.
        unread: how many are still to be taken.
        providers: who recognized, in order; more than one when one has failed.
        errors: how often one has failed.
    """

    session_id: str
    state: SessionState
    started: datetime
    idle_s: float
    audio_ms: float
    lost_ms: float
    results: int
    finals: int
    unread: int
    providers: tuple[str, ...]
    errors: int


class StreamingSession:
    """One session, from `open` to `close`; the `Reader` of its stream.

    Args:
        clock: seconds, for idleness.
        now: the time of day.

    Attributes:
        id: a UUID.
        state: whether it goes on.
        counted: whether the statistics have it.
    """

    def __init__(self, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self.id = str(uuid4())
        self._used_s = clock()  # when audio was sent or a result taken last
        self.state: SessionState = "active"
        self.counted = False
        self._clock = clock
        self._now = now
        self._started = now()
        self._held = AsyncExitStack()
        self._opening: asyncio.Task[Listening] | None = None
        self._listening: Listening | None = None
        self._sending = asyncio.Lock()
        self._results: deque[StreamingResult] = deque()
        self._changed = asyncio.Event()
        self._read = False  # somebody waits for the next one
        self._error: Exception | None = None
        self._joined = Joined()
        self._count = self._finals = self._errors = 0
        self._providers: dict[str, None] = {}

    @property
    def opened(self) -> bool:
        """Whether somebody has listened."""
        return self._listening is not None

    @property
    def idle_s(self) -> float:
        """Since when it is not used; 0 while it is opened, sent audio or finished."""
        busy = self._sending.locked() or (self.state == "active" and not self.opened)
        return 0.0 if busy else self._clock() - self._used_s

    async def open(self, stream: AbstractAsyncContextManager[Listening]) -> None:
        """Begin to listen.

        Raises:
            ProviderError: nobody does, or the session was ended meanwhile.
        """
        self._check_wanted()
        self._opening = asyncio.create_task(self._held.enter_async_context(stream))
        try:
            listening = await self._opening
        except asyncio.CancelledError:
            self._check_wanted()
            raise
        self._check_wanted()
        self._used_s = self._clock()
        self._listening = listening

    async def send(self, audio: bytes) -> None:
        """Take audio; returns when more may come.

        Raises:
            SessionNotFoundError: the session was stopped.
            AudioTooLargeError: it lasts for five hours.
            UnavailableError: it was stopped before all of this was sent.
            ProviderError: recognition has failed.
        """
        async with self._sending:
            listening = self._open_stream()
            if listening.fed_ms > MAX_DURATION_MS:
                raise AudioTooLargeError(
                    "audio", "the session has lasted for five hours", hint="start another one"
                )
            try:
                await listening.send(audio)
            finally:
                self._used_s = self._clock()

    async def finish(self) -> TranscriptionResult:
        """No more audio: wait for the last words, and release the recognizer.

        Raises:
            SessionNotFoundError: it was stopped before.
            ProviderError: recognition has failed; the results so far can still be taken.
            SessionCleanupError: it could not be ended in order.
        """
        patience = asyncio.get_running_loop().call_later(SENDING_S, self._take_no_more)
        try:
            await self._sending.acquire()
        finally:
            patience.cancel()
        try:
            try:
                listening = self._open_stream()
                await listening.finish()
            finally:
                await self.close()
            return self._joined.result(",".join(self._providers), listening.fed_ms)
        finally:
            self._sending.release()

    def _take_no_more(self) -> None:
        if self._listening is not None:
            self._listening.take_no_more()

    async def close(self) -> None:
        """Release the recognizer. What was understood can still be taken. Idempotent.

        Raises:
            SessionCleanupError: that took too long, or went wrong.
        """
        if self.state == "active":
            self.state = "stopped"
        self._changed.set()
        try:
            async with asyncio.timeout(CLOSE_S):
                if self._opening is not None and not self._opening.done():
                    self._opening.cancel()
                    await asyncio.wait([self._opening])
                await self._held.aclose()
        except Exception as error:
            self.state = "failed"
            raise SessionCleanupError(
                "session", f"{self.id} was not ended in order: {str(error) or 'it takes too long'}"
            ) from error

    async def next(self, timeout_s: float | None) -> StreamingResult | None:
        """The next result; None when all were given, or none came in time.

        Raises:
            SessionActiveError: somebody else waits for it.
            ProviderError: recognition has failed, and there are no more results.
        """
        if self._read:
            raise SessionActiveError(
                "session", f"the results of {self.id} are read already", hint="read them once"
            )
        self._read = True
        try:
            async with asyncio.timeout(timeout_s):
                while not self._results:
                    if self._error is not None:
                        raise self._error
                    if self.state != "active":
                        return None
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        finally:
            self._read = False
        self._used_s = self._clock()
        return self._results.popleft()

    def end(self, error: ProviderError) -> None:
        """Let whoever sends or reads know why nothing more is taken or given."""
        self._error = error
        self._changed.set()

    def info(self) -> SessionInfo:
        """How it stands."""
        listening = self._listening
        return SessionInfo(
            session_id=self.id,
            state=self.state,
            started=self._started,
            idle_s=self.idle_s,
            audio_ms=listening.fed_ms if listening else 0.0,
            lost_ms=listening.lost_ms if listening else 0.0,
            results=self._count,
            finals=self._finals,
            unread=len(self._results),
            providers=tuple(self._providers),
            errors=self._errors,
        )

    # The `Reader` of the stream

    def uses(self, name: str) -> None:
        """Somebody listens."""
        self._providers[name] = None

    def failed(self, name: str, error: ProviderError) -> None:
        """Somebody has failed; perhaps another one goes on."""
        self._errors += 1

    def understood(self, transcript: Transcript) -> None:
        """Keep a result. One that nobody has taken when the next comes is outdated by it."""
        if transcript.final and not transcript.text:
            return
        if transcript.final:
            self._finals += 1
            self._joined.add(transcript)
        self._count += 1
        if self._results and not self._results[-1].final:
            self._results.pop()
        elif len(self._results) >= MAX_WAITING_RESULTS:
            self._results.popleft()  # nobody reads them; `finish` gives all
        self._results.append(
            StreamingResult(
                session_id=self.id,
                text=transcript.text,
                final=transcript.final,
                timestamp=self._now(),
                confidence=transcript.confidence,
                words=transcript.words,
                language=transcript.language,
            )
        )
        self._changed.set()

    def over(self, error: Exception | None) -> None:
        """There will be no more results."""
        if error is not None and self._error is None:
            self._error, self.state = error, "failed"
        self._changed.set()

    def _check_wanted(self) -> None:
        if self.state == "stopped":
            raise self._error or self._stopped()

    def _open_stream(self) -> Listening:
        if self._error is not None:
            raise self._error
        if self._listening is None or self.state != "active":
            raise self._stopped()
        return self._listening

    def _stopped(self) -> SessionNotFoundError:
        return SessionNotFoundError("session", f"{self.id} was stopped", hint="start another one")
