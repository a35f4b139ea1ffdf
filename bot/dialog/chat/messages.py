"""PURE: the conversation as a model is told it, with what was heard of it and no more.

Every tool call is answered, whatever became of it: the API refuses a conversation where one is not.
Events, and what the caller did not hear, are said in square brackets by the `user`: roles beyond
the common ones, or in another order, are refused by the templates of many models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from bot.dialog.types import HistoryEntry

from .memory import Item, ToolCall

__all__ = ["MAX_ENTRIES", "Message", "conversation", "round_messages"]

MAX_ENTRIES = 200
"""Of a longer history the model is told the end."""

INTERRUPTED = (
    "[The caller spoke over you. They heard your last words only as far as they stand here.]"
)
GO_ON = "[There was a break in the call. Go on from where you were; do not repeat what was heard.]"
UNKNOWN = "error: the caller went on before this was done; whether it was done is not known"
RULES = """

This is a telephone call: what you write is spoken. Write plain sentences, without lists or marks.
Text in square brackets is no speech of the caller: it tells what has happened. Never say it."""

Message = dict[str, Any]


def conversation(
    prompt: str, history: Sequence[HistoryEntry], items: Sequence[Item]
) -> list[Message]:
    """The messages for a request. The last one is never the assistant's."""
    messages: list[Message] = [{"role": "system", "content": prompt + RULES}]
    for message in _told(history, items):
        _add(messages, message)
    if messages[-1]["role"] == "assistant":
        messages.append(_user(GO_ON))
    return messages


def round_messages(said: str, calls: Sequence[ToolCall]) -> list[Message]:
    """A round of tools: what the model said and called, and every result."""
    called = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": _arguments(call["arguments"])},
        }
        for call in calls
    ]
    results = [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": UNKNOWN if call["result"] is None else call["result"],
        }
        for call in calls
    ]
    return [{"role": "assistant", "content": said or None, "tool_calls": called}, *results]


def _arguments(text: str) -> str:
    """Arguments as they were, if they are a JSON object: some servers refuse anything else."""
    try:
        return text if isinstance(orjson.loads(text), dict) else "{}"
    except orjson.JSONDecodeError:
        return "{}"


def _told(history: Sequence[HistoryEntry], items: Sequence[Item]) -> Iterator[Message]:
    first = max(len(history) - MAX_ENTRIES, 0)
    last = len(history)
    for at, entry in enumerate(history[first:], first):
        yield from _items_at(items, at)
        yield from _entry(entry, being_said=at == last - 1)
    for item in items:
        # An entry that was not heard may be gone.
        if item["at"] >= last:
            yield from _item(item)


def _items_at(items: Sequence[Item], at: int) -> Iterator[Message]:
    for item in items:
        if item["at"] == at:
            yield from _item(item)


def _item(item: Item) -> Iterator[Message]:
    if item.get("caller"):
        yield _user(item["caller"])
    if "event" in item:
        yield _user(f"[{item['event']}]")
    else:
        yield from round_messages(item["said"], item["calls"])


def _entry(entry: HistoryEntry, *, being_said: bool) -> Iterator[Message]:
    if entry.role == "caller":
        yield _user(entry.text)
        return
    # What is on its way to the caller will be heard, unless it is interrupted.
    heard = entry.text if being_said and not entry.interrupted else entry.heard
    if heard:
        yield {"role": "assistant", "content": heard}
        if entry.interrupted and heard != entry.text:
            yield _user(INTERRUPTED)


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _add(messages: list[Message], message: Message) -> None:
    """Add a message, to the last one if both are the same side's words."""
    last = messages[-1]
    plain = not (last.get("tool_calls") or message.get("tool_calls"))
    if plain and last["role"] == message["role"] and message["role"] in ("user", "assistant"):
        last["content"] += ("\n" if message["role"] == "user" else " ") + message["content"]
    else:
        messages.append(message)
