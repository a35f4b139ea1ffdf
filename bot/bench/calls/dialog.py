"""The bot of the benchmark: it says what it heard, so that what it costs is nothing."""

from __future__ import annotations

from bot.dialog import Call, Turn

__all__ = ["reply"]


async def reply(call: Call, turn: Turn) -> str:
    """What was said."""
    return turn.text
