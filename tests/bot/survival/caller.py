"""A call while it is made: its clock, what happens in it, and, in the end, what it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.phone.balancer import Balancer
from bot.phone.call import place_call_by
from bot.phone.config import PhoneConfig
from bot.phone.events import EventKind, PhoneEvent
from bot.phone.exchange import Exchange, LiveCall
from bot.phone.result import CallResult
from bot.phone.steps import Step

__all__ = ["Caller"]

REACH_DEADLINE_S = 120.0


class Caller:
    """Somebody who calls a deployment.

    Args:
        balancer: by way of which it is called.
        config: whom to call; `from_number` is no other caller's.
        steps: what the caller does.
        exchange: where Twilio's REST stand-in finds the call.
    """

    def __init__(
        self, balancer: Balancer, config: PhoneConfig, steps: Sequence[Step], exchange: Exchange
    ) -> None:
        self._from = config.from_number
        self._exchange = exchange
        self.events: list[PhoneEvent] = []
        self._notifying = asyncio.Event()
        self.placed = asyncio.create_task(
            place_call_by(balancer, config, steps, self._hear, exchange)
        )

    @property
    def live(self) -> LiveCall:
        """The call at Twilio."""
        return next(c for c in self._exchange.calls.values() if c.from_number == self._from)

    @property
    def sid(self) -> str:
        return self.live.sid

    @property
    def now_ms(self) -> float:
        """The phone's clock, on which everything in the call's result is."""
        return self.live.clock_ms

    @property
    def zero_ms(self) -> float:
        """When the phone's clock was zero, in ms since the epoch."""
        return time.time_ns() / 1e6 - self.now_ms

    async def reach(self, kind: EventKind, number: int = 1) -> PhoneEvent:
        """Wait for the `number`-th event of this kind.

        Raises:
            TimeoutError: it did not come within two minutes.
            RuntimeError: the call was over before it came.
        """
        async with asyncio.timeout(REACH_DEADLINE_S):
            while len(found := [event for event in self.events if event.kind is kind]) < number:
                if any(event.kind is EventKind.ENDED for event in self.events):
                    raise RuntimeError(f"the call was over before {kind.value!r} {number}")
                self._notifying.clear()
                await self._notifying.wait()
        return found[number - 1]

    async def until(self, at_ms: float) -> None:
        """Wait until the phone's clock shows `at_ms`."""
        await asyncio.sleep(max(at_ms - self.now_ms, 0) / 1000)

    async def result(self) -> CallResult:
        """The call when it is over."""
        return await self.placed

    def _hear(self, event: PhoneEvent) -> None:
        self.events.append(event)
        self._notifying.set()
