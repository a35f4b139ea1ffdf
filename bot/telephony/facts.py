"""What is known of a call when Twilio asks what happens next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.dialog.types import Hangup, SendDigits, Transfer
from bot.record import Record

from .decision import (
    DIALLED,
    MAX_RECONNECTS,
    RECONNECT_WINDOW_S,
    RETRY_WINDOW_S,
    TERMINAL,
    CallFacts,
    Connect,
    Decision,
)
from .memory import SharedMemory
from .pending import Leaving, SayByTwilio, load_pending
from .prelude import prelude_s
from .token import TTL_S

__all__ = ["ASKED_TTL_S", "Question", "asked_key", "gather", "refusal_key", "renumber"]

ASKED_TTL_S = 60
MAX_SKIPPED = 16
"""More streams than this are not promised to a call within one token's life."""


@dataclass(frozen=True, slots=True)
class Question:
    """What Twilio asks with a request to `next`.

    Attributes:
        delivery: names the request, and is the same when it is delivered again, perhaps to another
            worker: what may happen once may happen again for the same delivery.
        dial_status: DialCallStatus, empty unless a `<Dial>` is over.
    """

    delivery: str
    call_status: str
    dial_status: str = ""


def refusal_key(call_sid: str) -> str:
    """Under which it is remembered that a stream of the call was turned away."""
    return f"refused:{call_sid}"


def asked_key(call_sid: str, generation: int) -> str:
    """Under which it is remembered, for `ASKED_TTL_S`, that Twilio knows what follows a stream.

    Who had the stream waits for that, and must not take the call for ended when another worker was
    asked, whose answer takes a while: touch tones, an announcement, a handshake that fails.
    """
    return f"asked:{call_sid}:{generation}"


async def gather(
    memory: SharedMemory, record: Record, question: Question, fallback_number: str | None = None
) -> CallFacts:
    """The facts of the call of `record`; counts a reconnection if this is to become one.

    The record itself is left alone: it is its stream's to write, which may do so still.
    """
    pending = load_pending(record.pending)
    if pending is not None and not isinstance(pending, Hangup | Transfer):
        # Digits sent, a call moved: once. If the stream after them did not come about, they are
        # done all the same.
        key = f"pending:{record.sid}:{record.generation}"
        window_s = RECONNECT_WINDOW_S + _prelude_s(pending)
        if not await _claim(memory, key, question.delivery, window_s):
            pending = None
    failed = bool(question.dial_status) and question.dial_status not in DIALLED
    unplanned = (pending is None or failed) and question.call_status not in TERMINAL
    return CallFacts(
        generation=record.generation,
        pending=pending,
        ended=record.ended,
        refused=await memory.recall(refusal_key(record.sid)) is not None,
        reconnects=await _count_reconnects(memory, record, question.delivery) if unplanned else 0,
        fallback_number=fallback_number,
    )


async def renumber(
    memory: SharedMemory, sid: str, decision: Decision, question: Question
) -> Decision:
    """The decision, with a generation that no other answer has promised to a stream of the call.

    Twilio may ask twice, of two workers: when a stream has ended, and when a redirect by REST comes
    at the same moment. It follows the later answer, whose stream must not find its generation taken
    by the stream of the other one.
    """
    if not isinstance(decision, Connect):
        return decision
    ttl_s = TTL_S + prelude_s(decision.digits, decision.say)
    for generation in range(decision.generation, decision.generation + MAX_SKIPPED):
        if await _claim(memory, f"generation:{sid}:{generation}", question.delivery, ttl_s):
            break
    return replace(decision, generation=generation)


def _prelude_s(action: Leaving) -> int:
    match action:
        case SendDigits(digits):
            return prelude_s(digits)
        case SayByTwilio(text):
            return prelude_s(said=text)
    return 0


async def _claim(memory: SharedMemory, key: str, delivery: str, ttl_s: int) -> bool:
    """Whether this delivery is the first to ask for `key`."""
    return await memory.remember(key, delivery, ttl_s) == delivery


async def _count_reconnects(memory: SharedMemory, record: Record, delivery: str) -> int:
    """How often the stream was opened again lately without a finished turn, before this time.

    Each time takes one of a few places, which become free again by themselves, or by a turn. A
    turn whose hook never finishes keeps its places for longer: it may take a while each time to
    kill its worker.
    """
    if record.open_turn is not None or record.open_keys:
        key, ttl_s = f"retry:{record.sid}:{record.turns}", RETRY_WINDOW_S
    else:
        key, ttl_s = f"reconnect:{record.sid}:{record.turns}", RECONNECT_WINDOW_S
    for place in range(MAX_RECONNECTS):
        if await _claim(memory, f"{key}:{place}", delivery, ttl_s):
            return place
    return MAX_RECONNECTS
