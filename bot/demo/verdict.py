"""PURE: whether the demo's call was what it had to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.phone.result import CallResult
from bot.phone.transcript import ReportedTurn

__all__ = ["booking_of", "find_faults"]


def find_faults(result: CallResult, lines: int, booking: Mapping[str, str]) -> list[str]:
    """What is wrong with the call, in words; empty when all is as it should be.

    Args:
        lines: how many times the caller spoke, the first time over the bot.
        booking: what the bot must have understood.
    """
    faults = [f"protocol error {fault}" for fault in result.faults]
    if result.record is None:
        return [*faults, "the worker gave no record of the call"]
    faults += _missing_turns(result.turns, lines)
    faults += _barge_in(result)
    faults += _wrong_fields(booking_of(result), booking)
    if result.ended.by != "bot":
        faults.append(
            f"the call was ended by {result.ended.by} ({result.ended.reason}), not by"
            " the bot's goodbye"
        )
    return faults


def booking_of(result: CallResult) -> Mapping[str, Any]:
    """What the bot understood; empty when its record does not say."""
    state = (result.record or {}).get("state")
    held = state.get("result") if isinstance(state, Mapping) else None
    return held if isinstance(held, Mapping) else {}


def _missing_turns(turns: tuple[ReportedTurn, ...], lines: int) -> list[str]:
    spoken = [turn for turn in turns if turn.start_ms is not None]
    understood = [at for at, turn in enumerate(spoken) if turn.role == "caller" and turn.text]
    faults = []
    if len(understood) != lines:
        faults.append(f"{len(understood)} of the caller's {lines} turns are in the record")
    if not spoken or spoken[0].role != "bot":
        faults.append("the bot's greeting is missing")
    for at in understood:
        if at + 1 == len(spoken) or spoken[at + 1].role != "bot":
            faults.append(f"the bot's answer to {spoken[at].text!r} is missing")
    return faults


def _barge_in(result: CallResult) -> list[str]:
    if not result.tape.clears:
        return ["nothing was cleared, although the caller spoke over the bot"]
    for turn in result.turns:
        if turn.role == "bot" and turn.interrupted:
            text, heard = turn.text or "", turn.heard or ""
            if not heard or heard == text or not text.startswith(heard):
                return [f"of the interrupted {text!r} the record keeps {heard!r} as heard"]
            return []
    return ["the record does not say that the bot was interrupted"]


def _wrong_fields(held: Mapping[str, Any], booking: Mapping[str, str]) -> list[str]:
    return [
        f"the booking's {name} is {held.get(name)!r}; the caller said {said!r}"
        for name, said in booking.items()
        if held.get(name) != said
    ]
