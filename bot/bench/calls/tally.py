"""PURE: what was counted of each call, and whether it was all that its script must have had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .script import FRAME_MS, barge_ins_between, turns_between

__all__ = ["Tally", "faults_of_calls"]

PIECES_UNDER_WAY = 2
"""So many pieces of audio may not have come in yet when a call is judged."""
GRACE_FRAMES = 50
"""Within a second the bot has noticed what the caller does."""
_MOST_NAMED = 5


@dataclass(slots=True)
class Tally:
    """What one call has had so far.

    Attributes:
        offset: where on the track it began, in frames; `sent` frames followed.
        recognized: how many frames its recognizer has got.
        streams: how many recognizers have begun to hear it.
        turns: how many were ended; `barged`: how many replies were cut off.
        again: how many replies were wanted twice; `unheard`: how many never began.
    """

    offset: int
    sent: int = 0
    recognized: int = 0
    streams: int = 0
    turns: int = 0
    barged: int = 0
    again: int = 0
    unheard: int = 0

    @property
    def position(self) -> int:
        """Where on the track it is now, in frames counted on."""
        return self.offset + self.sent


def faults_of_calls(calls: Sequence[Tally], chunk_ms: int) -> list[str]:
    """What calls lacked, or had too much of, a line for each kind of fault.

    Args:
        calls: what was counted of each, in the order of their numbers.
        chunk_ms: how much audio goes to the recognizer at a time.
    """
    under_way = PIECES_UNDER_WAY * chunk_ms // FRAME_MS
    checks: dict[str, Callable[[Tally], bool]] = {
        "lost audio on the way in": lambda call: call.recognized < call.sent - under_way,
        "had a recognizer too many": lambda call: call.streams > 1,
        "were not heard to end a turn": lambda call: call.turns < _least(turns_between, call),
        "had replies that never began": lambda call: call.unheard > 0,
        "had replies said again": lambda call: call.again > 0,
        "spoke over the bot in vain": lambda call: call.barged < _least(barge_ins_between, call),
        "had replies cut off though they were silent": lambda call: (
            call.barged > barge_ins_between(call.offset, call.position)
        ),
    }
    faults = []
    for what, wrong in checks.items():
        numbers = [str(number) for number, call in enumerate(calls) if wrong(call)]
        if numbers:
            named = ", ".join([*numbers[:_MOST_NAMED], *["…"] * (len(numbers) > _MOST_NAMED)])
            faults.append(f"{len(numbers)} calls {what}: {named}")
    return faults


def _least(between: Callable[[int, int], int], call: Tally) -> int:
    """How many there must have been of something, the last second not counted."""
    return between(call.offset, max(call.position - GRACE_FRAMES, call.offset))
