"""Does to a connection what its fault says, when its moment has come."""

from __future__ import annotations

from typing import Protocol

from .faults import GARBAGE, Fault, When
from .peer import Gone
from .refusal import Refusal

__all__ = ["Striker", "Struck", "refusal_of"]


class Struck(Protocol):
    """Whose connection it is: a `Peer`, or a `Caller`."""

    async def send(self, data: str | bytes) -> None: ...
    async def close(self, code: int = 1000) -> None: ...
    def abort(self) -> None: ...
    def mute(self) -> None: ...
    def deafen(self) -> None: ...
    def slow_down(self, delay_s: float) -> None: ...


class Striker:
    """The fault that a connection has yet to meet.

    Attributes:
        fault: it; None once it has struck, or when there is none.
    """

    def __init__(self, peer: Struck, fault: Fault | None) -> None:
        self.fault = fault
        self._peer = peer

    def due(self, when: When, now_ms: float) -> bool:
        """Whether this is its moment, after so much audio."""
        fault = self.fault
        if fault is None or fault.when != when:
            return False
        return when == "open" or now_ms >= fault.at_ms

    async def strike_if(self, when: When, now_ms: float) -> None:
        """Strike if it is `due`; raises as `strike` does."""
        if self.due(when, now_ms):
            await self.strike()

    async def strike(self) -> None:
        """Do what it says; `hold` and `trickle` are the stream's own matter.

        Raises:
            Gone: the connection is over.
            Refusal: it is to end with this error.
        """
        assert self.fault is not None
        fault, self.fault = self.fault, None
        match fault.kind:
            case "error":
                raise refusal_of(fault)
            case "close":
                await self._peer.close(fault.code or 1000)
                raise Gone
            case "reset":
                self._peer.abort()
                raise Gone
            case "stall":
                self._peer.mute()
            case "deaf":
                self._peer.deafen()
            case "garbage":
                await self._peer.send(GARBAGE[fault.garbage])
            case "slow":
                self._peer.slow_down(fault.delay_ms / 1000)


def refusal_of(fault: Fault) -> Refusal:
    """The error that a fault stands for: an `error`, or one that refuses a client at once."""
    match fault.kind:
        case "denied":
            return Refusal(401, None, "Unauthorized")
        case "busy":
            return Refusal(503, None, "no upstream")
        case "limited":
            return Refusal(429, None, "Too many requests", retry_after_s=fault.retry_after_s)
        case "quota":
            return Refusal(402, None, "The quota is used up")
        case _:
            code = fault.code or 503
            message = f"Cannot continue request (code {code}). Please restart the request."
            return Refusal(code, fault.error_type, message)
