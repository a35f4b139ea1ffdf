"""What is known of a call when Twilio asks what happens next."""

from __future__ import annotations

from bot.dialog.types import SendDigits
from bot.record import Record

from .decision import MAX_RECONNECTS, RECONNECT_WINDOW_S, TERMINAL, CallFacts
from .memory import SharedMemory
from .pending import load_pending

__all__ = ["gather", "refusal_key"]


def refusal_key(call_sid: str) -> str:
    """Under which it is remembered that a stream of the call was turned away."""
    return f"refused:{call_sid}"


async def gather(memory: SharedMemory, record: Record, call_status: str) -> CallFacts:
    """The facts of the call of `record`; counts a reconnection if this is to become one.

    The record itself is left alone: it is its stream's to write, which may do so still.
    """
    pending = load_pending(record.pending)
    if isinstance(pending, SendDigits) and not await memory.once(
        f"digits:{record.sid}:{record.generation}", RECONNECT_WINDOW_S
    ):
        pending = None  # they are sent: the stream after them did not come about
    unplanned = pending is None and call_status not in TERMINAL
    return CallFacts(
        generation=record.generation,
        pending=pending,
        ended=record.ended,
        refused=await memory.recall(refusal_key(record.sid)) is not None,
        reconnects=await _count_reconnects(memory, record) if unplanned else 0,
    )


async def _count_reconnects(memory: SharedMemory, record: Record) -> int:
    """How often the stream was opened again lately without a finished turn, before this time.

    Each time takes one of a few places, which become free again by themselves, or by a turn.
    """
    turns = sum(entry.role == "caller" for entry in record.history)
    for place in range(MAX_RECONNECTS):
        key = f"reconnect:{record.sid}:{turns}:{place}"
        if await memory.once(key, RECONNECT_WINDOW_S):
            return place
    return MAX_RECONNECTS
