"""The simulated calls by their SIDs, and what Twilio's REST API does to those in progress.

To be used in the event loop in which the calls are placed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bot.dialog.types import Ended

from .clock import PhoneClock
from .identity import CallIdentity, IdentifiedCall
from .twiml import Request

__all__ = ["Exchange", "LiveCall", "NotInProgress", "Source"]

Source = Request | str
"""Where TwiML comes from: a request to make, or the document itself."""

_OPEN = {"ringing", "in-progress"}
_MOST_CALLS = 10_000


class NotInProgress(Exception):
    """The call's status does not allow that (Twilio's error 21220)."""


class LiveCall(IdentifiedCall):
    """One simulated call, from its first webhook on.

    Attributes:
        created_s: when it began, in seconds since the epoch.
        answered_s: when it was first in progress, or None.
        ended_s: when it was over, or None.
        status: `ringing`, `in-progress`, `completed`, `busy` or `failed`.
    """

    def __init__(self, identity: CallIdentity, clock: PhoneClock) -> None:
        super().__init__(identity)
        self.created_s = time.time()
        self.answered_s: float | None = None
        self.ended_s: float | None = None
        self.status = "ringing"
        self._clock = clock
        self._interrupt: asyncio.Timeout | None = None
        self._order: Source | None = None

    @property
    def duration_s(self) -> int | None:
        """From answer to end on the phone's clock; None before the end, or without an answer."""
        if self.answered_s is None or self.ended_s is None:
            return None
        return round((self.ended_s - self.answered_s) * self._clock.speed)

    @property
    def clock_ms(self) -> float:
        """The call's clock: what every time in its result and events is on."""
        return self._clock.ms

    def redirect(self, url: str, method: str = "POST") -> None:
        """Abandon whatever is being done, and follow the document at `url`.

        Raises:
            NotInProgress: the call is not answered yet, or is over.
        """
        self._obey(Request(url, method), {"in-progress"})

    def instruct(self, twiml: str) -> None:
        """Abandon whatever is being done, and follow this document.

        What is wrong with the document ends the call, as a wrong answer of a webhook does.

        Raises:
            NotInProgress: the call is not answered yet, or is over.
        """
        self._obey(twiml, {"in-progress"})

    def complete(self) -> None:
        """Hang up.

        Raises:
            NotInProgress: the call is over.
        """
        self._obey(None, _OPEN)
        self.over()

    def answered(self) -> None:
        """The first verb that answers a call is followed."""
        if self.status == "ringing":
            self.status = "in-progress"
            self.answered_s = time.time()

    def over(self, status: str = "completed") -> None:
        """The call has ended; of several reports the first one counts."""
        if self.status in _OPEN:
            self.status = status
            self.ended_s = time.time()

    async def run(self, follow: Callable[[Source], Awaitable[Ended]], first: Source) -> Ended:
        """Follow `first`, and instead of it whatever REST says, to the call's end."""
        source: Source | None = first
        while source is not None:
            try:
                # A deadline that REST brings about: what is awaited is abandoned wherever it is.
                async with asyncio.timeout(None) as interrupt:
                    self._interrupt = interrupt
                    return await follow(source)
            except TimeoutError:
                if not interrupt.expired():
                    raise
                source, self._order = self._order, None
            finally:
                self._interrupt = None
        return Ended("bot", "completed by REST")

    def _obey(self, order: Source | None, allowed: set[str]) -> None:
        if self.status not in allowed or self._interrupt is None:
            raise NotInProgress(f"the call is {self.status}")
        self._order = order
        # A second order before the first one is followed takes its place.
        if not self._interrupt.expired():
            self._interrupt.reschedule(0.0)


class Exchange:
    """Simulated calls, those that are over among them; of more than fit the oldest are dropped."""

    def __init__(self) -> None:
        self.calls: dict[str, LiveCall] = {}

    def add(self, call: LiveCall) -> None:
        if len(self.calls) >= _MOST_CALLS:
            del self.calls[next(iter(self.calls))]
        self.calls[call.sid] = call
