"""PURE: what the history does not tell, kept in `call.state["chat"]`: tools called, and events.

Each item stands behind so many entries of the history (`at`). It is bounded: the oldest go first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

__all__ = ["MAX_CHARACTERS", "MAX_ITEMS", "STATE_KEY", "Memory", "ToolCall"]

STATE_KEY = "chat"
MAX_ITEMS = 30
MAX_CHARACTERS = 20_000

ToolCall = dict[str, Any]
"""A tool call: `id`, `name`, `arguments` (JSON text) and its `result`, None while there is none."""

Item = dict[str, Any]


class Memory:
    """The items of one call, in its `state`.

    `{"at": 3, "event": "…"}` is something that happened. `{"at": 3, "calls": […]}` is a round of
    tools; what the model said before it is in the history, as far as it was heard. A round that ran
    for words which are in a longer turn by now has these words: `"caller": "…"`.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        kept = state.get(STATE_KEY)
        # Whatever is there may be from another version of Parley, or another dialog's.
        if not (isinstance(kept, dict) and isinstance(kept.get("items"), list)):
            kept = state[STATE_KEY] = {"count": 0, "items": [], "tokens": {}}
        self._kept = kept

    @property
    def items(self) -> list[Item]:
        """All of them, in order."""
        items: list[Item] = self._kept["items"]
        return items

    @property
    def count(self) -> int:
        """How many there have ever been."""
        count: int = self._kept["count"]
        return count

    def keep_event(self, at: int, text: str) -> None:
        """Something has happened."""
        self._keep({"at": at, "event": text})

    def keep_round(self, at: int, calls: list[ToolCall]) -> None:
        """The model has called tools; their results may follow, in the same `calls`."""
        self._keep({"at": at, "calls": calls})

    def complete(self, calls: Iterable[ToolCall]) -> None:
        """Take over results that have come since a copy of these calls was kept."""
        results = {call["id"]: call["result"] for call in calls}
        for item in self.items:
            for call in item.get("calls", ()):
                if call["result"] is None:
                    call["result"] = results.get(call["id"])

    def move_before(self, at: int, caller: str) -> None:
        """What stands at `at` was done for the words of `caller`, before that entry was longer."""
        for item in self.items:
            if item["at"] == at:
                item.update(at=at - 1, caller=caller)
                caller = ""

    def set_tokens(self, tokens: dict[str, dict[str, int]]) -> None:
        """What every model has read (`prompt`) and written (`completion`) so far."""
        self._kept["tokens"] = tokens

    @property
    def tokens(self) -> dict[str, dict[str, int]]:
        """What was set last."""
        tokens: dict[str, dict[str, int]] = self._kept.get("tokens", {})
        return tokens

    def _keep(self, item: Item) -> None:
        self._kept["count"] += 1
        self.items.append(item)
        while len(self.items) > MAX_ITEMS or (
            len(self.items) > 1 and len(orjson.dumps(self.items)) > MAX_CHARACTERS
        ):
            del self.items[0]
