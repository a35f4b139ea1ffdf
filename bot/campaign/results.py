"""PURE: what a call's record says of its outcome: the dialog's result, and what was said."""

from __future__ import annotations

from typing import Any

import orjson

from bot.record import Record

__all__ = ["result_of", "text_of", "transcript_of"]


def result_of(record: Record) -> dict[str, Any]:
    """The dialog's result fields: what it put into `call.state["result"]`, as `script` does."""
    result = record.state.get("result")
    return {str(name): value for name, value in result.items()} if isinstance(result, dict) else {}


def transcript_of(record: Record) -> str:
    """Who said what, a line each: of the bot's words those that were heard."""
    said = ((entry.role, entry.heard) for entry in record.history if entry.heard)
    return "\n".join(f"{role}: {' '.join(text.split())}" for role, text in said)


def text_of(value: Any) -> str:
    """A result for one cell: a text as it is, nothing as nothing, else JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
