"""Asking Twilio about many calls, when it may answer none of the questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from bot.telephony.rest_errors import RestUnavailable
from bot.telephony.rest_resources import RestCall

__all__ = ["AT_ONCE", "TAKEN_BACK_AT_ONCE", "Asking", "Patience"]

AT_ONCE = 4
"""How many calls Twilio is asked about at the same time."""

TAKEN_BACK_AT_ONCE = 12
"""How many are taken back meanwhile: somebody may be dialled who must not be."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Asking(Protocol):
    """What of Twilio's REST is needed; `bot.telephony.rest.TwilioRest` is one."""

    async def fetch(self, sid: str) -> RestCall: ...

    async def cancel(self, sid: str) -> RestCall: ...

    async def list_calls(self, *, to: str, from_: str, limit: int) -> list[RestCall]: ...


class Patience:
    """Asks as long as there is a point in it: the rest of a tick must not wait for Twilio.

    What is urgent, to take back calls that must not be dialled, is counted apart, and asked as long
    as the tick goes on, whatever fails.
    """

    def __init__(self, rest: Asking) -> None:
        self._rest = rest
        self._until_s = 0.0
        self._in_vain = {False: 0, True: 0}

    def begin(self, until_s: float) -> None:
        """A tick begins, which goes on until then on the loop's clock."""
        self._until_s = until_s
        self._in_vain = {False: 0, True: 0}

    def failed(self, *, urgent: bool) -> None:
        """What was to be learned of a call was not."""
        self._in_vain[urgent] += 1

    def report(self) -> None:
        """Log what was asked in vain since the tick began."""
        if self._in_vain[False]:
            log.warning("Twilio does not say how calls are", calls=self._in_vain[False])
        if self._in_vain[True]:
            log.warning("calls could not be taken back", calls=self._in_vain[True])

    async def ask(self, question: Callable[[Asking], Awaitable[T]], *, urgent: bool = False) -> T:
        """Ask Twilio, unless it does not answer now.

        Raises:
            RestError: Twilio refused, gave no answer, or was not asked.
        """
        is_late = asyncio.get_running_loop().time() >= self._until_s
        if self._in_vain[urgent] >= AT_ONCE and (is_late or not urgent):
            raise RestUnavailable("Twilio's REST API was not asked again")
        return await question(self._rest)
