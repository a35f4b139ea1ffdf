"""Dialogs that the proofs talk to, named to a worker by `PARLEY_DIALOG`."""

from __future__ import annotations

from bot.dialog import Call, Expect, Interruption, Turn

__all__ = ["AGREED", "LECTURE", "NOTED", "Lecturer", "Repeater", "agree"]

AGREED = "As you like."
NOTED = "I have noted that."

LECTURE = (
    "Good morning, and thank you for calling the museum.",
    "Our winter exhibition opens on the first of December, and shows forty paintings.",
    "Tickets cost twelve pounds, and children come in free.",
    "We look forward to your visit.",
)


class Lecturer:
    """Speaks for about fifteen seconds, and keeps in `call.state` what it is told of barge-ins."""

    async def greet(self, call: Call) -> str:
        return " ".join(LECTURE)

    async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
        told = call.state.setdefault("interruptions", [])
        told.append({"text": interruption.text, "heard": interruption.heard})

    async def on_turn(self, call: Call, turn: Turn) -> str:
        return "All right."


class Repeater:
    """Expects a day or a time, and repeats it."""

    async def greet(self, call: Call) -> Expect:
        return Expect(("On Friday.", "On Monday.", "At ten o'clock.", "At nine o'clock."))

    async def on_turn(self, call: Call, turn: Turn) -> list[str]:
        return [f"You said: {turn.text}", NOTED]


async def agree(call: Call, turn: Turn) -> str:
    """Answer every turn alike, and as shortly."""
    return AGREED
