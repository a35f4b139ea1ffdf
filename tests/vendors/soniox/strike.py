"""Does to a connection what its fault says."""

from __future__ import annotations

from .faults import GARBAGE, Fault
from .peer import Gone, Peer
from .refusal import Refusal

__all__ = ["strike"]


async def strike(fault: Fault, peer: Peer) -> None:
    """Do to a connection what its fault says; `hold` and `trickle` are the stream's own matter.

    Raises:
        Gone: the connection is over.
        Refusal: it is to end with this error.
    """
    match fault.kind:
        case "error":
            code = fault.code or 503
            raise Refusal(
                code,
                fault.error_type,
                f"Cannot continue request (code {code}). Please restart the request.",
            )
        case "close":
            await peer.close(fault.code or 1000)
            raise Gone
        case "reset":
            peer.abort()
            raise Gone
        case "stall":
            peer.mute()
        case "deaf":
            peer.deafen()
        case "garbage":
            await peer.send(GARBAGE[fault.garbage])
        case "slow":
            peer.slow_down(fault.delay_ms / 1000)
