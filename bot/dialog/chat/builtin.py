"""The tools that come with the `chat` dialog: what ends a call, or passes it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bot.dialog.types import Hangup, Reply, Say, Transfer

from .tools import Tool, make_tool

__all__ = ["hang_up_tool", "transfer_tool"]

LastWords = Annotated[str, Field(description="What to say to the caller before, if anything.")]


def hang_up_tool() -> Tool:
    """Ends the call."""

    def hang_up(last_words: LastWords = "") -> list[Reply]:
        """End the call, when the caller wants nothing more or says goodbye."""
        return [*_said(last_words), Hangup("chat")]

    return make_tool(hang_up, "hang_up", leaves=True)


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
