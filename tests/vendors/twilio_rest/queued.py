"""A call that was created by REST: queued, and never dialled here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from bot.phone.exchange import NotInProgress
from bot.phone.identity import new_sid

__all__ = ["QueuedCall", "TwilioCall"]


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

    def redirect(self, url: str, method: str = "POST") -> None: ...
    def instruct(self, twiml: str) -> None: ...
    def complete(self) -> None: ...


@dataclass(slots=True)
class QueuedCall:
    """An outbound call that waits for its turn."""

    account_sid: str
    from_number: str
    to_number: str
    sid: str = field(default_factory=lambda: new_sid("CA"))
    direction: str = "outbound-api"
    status: str = "queued"
    created_s: float = field(default_factory=time.time)
    answered_s: float | None = None
    ended_s: float | None = None

    def redirect(self, url: str, method: str = "POST") -> None:
        """Only a call in progress can be redirected."""
        raise NotInProgress(f"the call is {self.status}")

    def instruct(self, twiml: str) -> None:
        """Only a call in progress can be given TwiML."""
        raise NotInProgress(f"the call is {self.status}")

    def complete(self) -> None:
        """Take it out of the queue."""
        if self.status != "queued":
            raise NotInProgress(f"the call is {self.status}")
        self.status, self.ended_s = "canceled", time.time()
