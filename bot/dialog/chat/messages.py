"""PURE: the conversation as a model is told it, with what was heard of it and no more.

Every tool call is answered, whatever became of it: the API refuses a conversation where one is not.
Events, and what the caller did not hear, are said in square brackets by the `user`. Roles beyond
the common ones are refused by the templates of many models, and so are those in another order: the
user begins, no assistant's message follows another one, and what follows a tool is the assistant's.
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
BEGINS = "[The call begins.]"
CUT = "[The beginning of the call is left out here.]"
ANSWER = "[You have not answered yet what the caller said before:]"
UNHEARD = "[The caller has not heard an answer to that.]"
WENT_ON = "[You went on from there.]"
GO_ON = "[There was a break in the call. Go on from where you were; do not repeat what was heard.]"
UNKNOWN = "error: the caller went on before this was done; whether it was done is not known"
RULES = """

This is a telephone call: what you write is spoken. Write plain sentences, without lists or marks.
Text in square brackets is no speech of the caller: it tells what has happened. Never say it."""

Message = dict[str, Any]


def conversation(
    prompt: str, history: Sequence[HistoryEntry], items: Sequence[Item], turn: str = ""
) -> list[Message]:
    """The messages for a request. The last one is never the assistant's.

    Args:
        turn: what the caller has said, when that is to be answered now, and not an event.
    """
    messages: list[Message] = [{"role": "system", "content": prompt + RULES}]
    for message in _told(history, items):
        if len(messages) == 1 and message["role"] == "assistant":
            messages.append(_user(CUT if len(history) > MAX_ENTRIES else BEGINS))
        _add(messages, message)
    if messages[-1]["role"] == "assistant":
        # Behind the turn's words stands what was heard of its answer before a break, or else the
        # answer to keys that were pressed before it.
        broken = not turn or history[-1].interrupted
        messages.append(_user(GO_ON if broken else f"{ANSWER}\n{turn}"))
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
    answered = max((at for at, entry in enumerate(history) if entry.role == "caller"), default=-1)
    for at, entry in enumerate(history[first:], first):
        yield from _items_at(items, at)
        if entry.role == "caller":
            yield _user(entry.text)
            continue
        # What is on its way to the caller will be heard, unless it is interrupted.
        heard = entry.text if at > answered and not entry.interrupted else entry.heard
        if heard:
            yield {"role": "assistant", "content": heard}
            # It has also ended so in a break of the call, and was then said again.
            if entry.interrupted and heard != entry.text and _spoken_over(history, items, at):
                yield _user(INTERRUPTED)
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
        yield from round_messages("", item["calls"])


def _spoken_over(history: Sequence[HistoryEntry], items: Sequence[Item], at: int) -> bool:
    """Whether the caller's words, or keys, are what comes next."""
    after = at + 1
    if any("event" in item and min(item["at"], len(history)) == after for item in items):
        return True
    return after < len(history) and history[after].role == "caller"


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _add(messages: list[Message], message: Message) -> None:
    """Add a message, to the last one if both are the same side's words."""
    last = messages[-1]
    match last["role"], message["role"]:
        case "user", "user":
            last["content"] += "\n" + message["content"]
            return
        case "assistant", "assistant" if not message.get("tool_calls"):
            last["content"] += " " + message["content"]
            return
        case "assistant", "assistant":
            # For words that stand before: there was a break since, or keys were answered.
            messages.append(_user(WENT_ON))
        case "tool", "user":
            messages.append({"role": "assistant", "content": UNHEARD})
    messages.append(message)
