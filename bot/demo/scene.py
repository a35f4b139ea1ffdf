"""The demo's one conversation: what the caller says, when, and what must have come of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.phone.clip import load_clip
from bot.phone.steps import Play, SpeakOver, Step, WaitForBot

__all__ = ["BOOKING", "DIALOG", "LINES", "RECORDINGS", "SpokenLine", "caller_steps"]

DIALOG = "script:booking"
BOOKING = {"intent": "book", "day": "friday", "time": "10:00", "confirmed": "yes"}
"""What the bot must have understood (`call.state["result"]`)."""

RECORDINGS = Path(__file__).parent
# The welcome takes 7 s; by now it is in its second sentence.
_BARGE_IN_AFTER_MS = 3_000


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """One recording of the caller's: its file, beside this module, and what is said in it."""

    file: str
    text: str


LINES = (
    SpokenLine("appointment.ulaw", "I'd like to make an appointment, please."),
    SpokenLine("friday.ulaw", "On Friday."),
    SpokenLine("ten.ulaw", "At ten o'clock."),
    SpokenLine("yes.ulaw", "Yes, please."),
)


def caller_steps() -> tuple[Step, ...]:
    """Speak over the welcome, answer each question, and listen until the bot hangs up.

    Raises:
        ClipError: a recording is missing.
    """
    first, *others = (load_clip(RECORDINGS / line.file) for line in LINES)
    steps: list[Step] = [SpeakOver(first, _BARGE_IN_AFTER_MS), WaitForBot()]
    for clip in others:
        steps += [Play(clip), WaitForBot()]
    return tuple(steps)
