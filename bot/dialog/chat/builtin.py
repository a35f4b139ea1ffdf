"""The tools that come with the `chat` dialog: what ends a call, or passes it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bot.dialog.types import CallBack, DoNotCall, Hangup, Reply, Say, Transfer

from .tools import Tool, make_tool

__all__ = ["call_back_tool", "do_not_call_tool", "hang_up_tool", "transfer_tool"]

MAX_CALL_BACK_MIN = 7 * 24 * 60

LastWords = Annotated[str, Field(description="What to say to the caller before, if anything.")]
AfterMinutes = Annotated[
    int, Field(ge=1, le=MAX_CALL_BACK_MIN, description="In how many minutes from now.")
]


def hang_up_tool() -> Tool:
    """Ends the call."""

    def hang_up(last_words: LastWords = "") -> list[Reply]:
        """End the call, when the caller wants nothing more or says goodbye."""
        return [*_said(last_words), Hangup("chat")]

    return make_tool(hang_up, "hang_up", leaves=True)


def do_not_call_tool() -> Tool:
    """Ends the call of somebody who never wants to be called again."""

    def do_not_call(last_words: LastWords = "") -> list[Reply]:
        """End the call, and never call this person again, because they ask for that."""
        return [DoNotCall(), *_said(last_words), Hangup("do not call")]

    return make_tool(do_not_call, "do_not_call", leaves=True)


def call_back_tool() -> Tool:
    """Ends the call of somebody who wants to be called at another time."""

    def call_back(after_min: AfterMinutes, last_words: LastWords = "") -> list[Reply]:
        """End the call, and call this person again later, because they ask for that."""
        return [CallBack(after_min * 60), *_said(last_words), Hangup("call back")]

    return make_tool(call_back, "call_back", leaves=True)


def transfer_tool(destinations: Mapping[str, str]) -> Tool:
    """Connects the caller to one of `destinations`, numbers by name; a number is taken too."""
    numbers = {**{number: number for number in destinations.values()}, **destinations}

    def to_number(to: str) -> str:
        if to not in numbers:
            raise ValueError(f"it may be one of: {', '.join(destinations)}")
        return numbers[to]

    def transfer(to: Any, last_words: LastWords = "") -> list[Reply]:
        """Connect the caller to somebody else. You will not hear what they say."""
        return [*_said(last_words), Transfer(to)]

    # A hint that is made here cannot be written above: it would be looked up by its name.
    wanted = Field(json_schema_extra={"enum": [*destinations]}, description="Who to connect to.")
    transfer.__annotations__["to"] = Annotated[str, AfterValidator(to_number), wanted]
    return make_tool(transfer, "transfer", leaves=True)


def _said(last_words: str) -> list[Reply]:
    return [Say(last_words)] if last_words.strip() else []
