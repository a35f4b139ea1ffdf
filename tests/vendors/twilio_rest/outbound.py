"""Calls as the API shows them, and those that it was asked to make."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from bot.phone.exchange import Exchange, LiveCall, NotInProgress
from bot.phone.identity import CallIdentity, IdentifiedCall

from .order import Order

__all__ = ["OutboundCall", "TwilioCall"]


class TwilioCall(Protocol):
    """What the API shows of a call and does to it: `bot.phone.exchange.LiveCall` is one."""

    @property
    def sid(self) -> str: ...
    @property
    def account_sid(self) -> str: ...
    @property
    def from_number(self) -> str: ...
    @property
    def to_number(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def created_s(self) -> float: ...
    @property
    def answered_s(self) -> float | None: ...
    @property
    def ended_s(self) -> float | None: ...
    @property
    def duration_s(self) -> int | None: ...

    def redirect(self, url: str, method: str = "POST") -> None: ...
    def instruct(self, twiml: str) -> None: ...
    def complete(self) -> None: ...


class OutboundCall(IdentifiedCall):
    """A call that REST had made: queued, ringing, and once somebody talks, the simulated phone's.

    Attributes:
        order: what was asked for.
        queue_time_ms: how long it was to wait when it was made.
        answered_by: Twilio's verdict, in the words of its callbacks; empty without one.
        turn: set when the queue lets it go, or when it is over before.
        gone: set when REST has ended it and the phone has no part in it.
    """

    def __init__(self, account_sid: str, order: Order, exchange: Exchange, speed: float) -> None:
        super().__init__(
            CallIdentity(account_sid, order.from_number, order.to_number, direction="outbound-api")
        )
        self.order = order
        self.created_s = time.time()
        self.queue_time_ms = 0
        self.answered_by = ""
        self.turn = asyncio.Event()
        self.gone = asyncio.Event()
        self._exchange = exchange
        self._speed = speed
        self._status = "queued"
        self._answered_s: float | None = None
        self._ended_s: float | None = None

    @property
    def status(self) -> str:
        live = self._live
        return live.status if live is not None and self._ended_s is None else self._status

    @property
    def answered_s(self) -> float | None:
        return self._answered_s

    @property
    def ended_s(self) -> float | None:
        live = self._live
        return live.ended_s if live is not None and self._ended_s is None else self._ended_s

    @property
    def duration_s(self) -> int | None:
        """From answer to end on the phone's clock; None before the end, or without an answer."""
        if self._answered_s is None or (ended_s := self.ended_s) is None:
            return None
        return round((ended_s - self._answered_s) * self._speed)

    def rings(self) -> None:
        """The telephone of whoever is called rings."""
        self._status = "ringing"

    def answered(self) -> None:
        """Somebody picked up."""
        self._status, self._answered_s = "in-progress", time.time()

    def over(self, status: str) -> None:
        """It has ended; of several reports the first one counts."""
        if self._ended_s is None:
            self._status, self._ended_s = status, time.time()
            self.turn.set()
            self.gone.set()

    async def gone_within(self, ms: float) -> bool:
        """Let `ms` of the phone's time pass; True as soon as the call is over before."""
        try:
            async with asyncio.timeout(ms / 1000 / self._speed):
                await self.gone.wait()
        except TimeoutError:
            return False
        return True

    def redirect(self, url: str, method: str = "POST") -> None:
        """Only a call in progress can be redirected."""
        self._talking().redirect(url, method)

    def instruct(self, twiml: str) -> None:
        """Only a call in progress can be given TwiML."""
        self._talking().instruct(twiml)

    def complete(self) -> None:
        """Take it out of the queue, stop it ringing, or hang up.

        Raises:
            NotInProgress: it is over.
        """
        if self._ended_s is not None:
            raise NotInProgress(f"the call is {self.status}")
        if (live := self._live) is not None:
            live.complete()
        else:
            self.over("completed" if self._answered_s else "canceled")

    @property
    def _live(self) -> LiveCall | None:
        return self._exchange.calls.get(self.sid)

    def _talking(self) -> LiveCall:
        live = self._live
        if live is None or self._ended_s is not None:
            raise NotInProgress(f"the call is {self.status}")
        return live
