"""The `echo` dialog: says back what it understood. It is what a new installation answers with."""

from __future__ import annotations

from .types import Call, Turn

__all__ = ["GREETING", "Echo"]

GREETING = "Hello, this is Parley. Say something, and I will repeat it."


class Echo:
    """Greets, then repeats every turn."""

    async def greet(self, call: Call) -> str:
        return GREETING

    async def on_turn(self, call: Call, turn: Turn) -> str:
        # Some recognizers punctuate.
        return f"You said {turn.text.rstrip('.!?')}."
