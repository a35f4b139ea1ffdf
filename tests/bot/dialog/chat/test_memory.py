from __future__ import annotations

from typing import Any

import pytest

from bot.dialog.chat.memory import MAX_CHARACTERS, MAX_ITEMS, Memory, ToolCall


def called(id_: str, result: str | None = None) -> ToolCall:
    return {"id": id_, "name": "book", "arguments": "{}", "result": result}


def test_what_is_kept_is_in_the_state() -> None:
    state: dict[str, Any] = {"own": 1}
    Memory(state).keep_event(2, "keys")
    memory = Memory(state)
    memory.keep_round(3, [called("a", "done")])
    assert memory.items == [
        {"at": 2, "event": "keys"},
        {"at": 3, "calls": [called("a", "done")]},
    ]
    assert (memory.count, state["own"]) == (2, 1)


@pytest.mark.parametrize("kept", [None, "x", {}, {"items": 3}])
def test_what_is_no_memory_is_begun_anew(kept: object) -> None:
    memory = Memory({"chat": kept})
    assert (memory.items, memory.count, memory.tokens) == ([], 0, {})


def test_the_oldest_go_first() -> None:
    memory = Memory({})
    for number in range(MAX_ITEMS + 5):
        memory.keep_event(number, "")
    assert [item["at"] for item in memory.items] == list(range(5, MAX_ITEMS + 5))
    assert memory.count == MAX_ITEMS + 5
    memory.keep_event(100, "x" * MAX_CHARACTERS)
    assert [item["at"] for item in memory.items] == [100]
    memory.keep_event(101, "")
    assert [item["at"] for item in memory.items] == [101]


def test_results_that_come_later_are_taken_over() -> None:
    memory = Memory({})
    memory.keep_event(0, "")
    memory.keep_round(1, [called("a", "first"), called("b"), called("c")])
    memory.complete([called("a", "other"), called("b", "late")])
    assert [call["result"] for call in memory.items[1]["calls"]] == ["first", "late", None]


def test_what_was_done_for_a_shorter_turn_stands_before_the_longer_one() -> None:
    memory = Memory({})
    memory.keep_event(2, "before")
    memory.keep_round(3, [called("a")])
    memory.keep_round(3, [called("b")])
    memory.move_before(3, "on friday")
    assert [(item["at"], item.get("caller")) for item in memory.items] == [
        (2, None),
        (2, "on friday"),
        (2, ""),
    ]


def test_tokens() -> None:
    state: dict[str, Any] = {}
    Memory(state).set_tokens({"m": {"prompt": 1, "completion": 2}})
    assert Memory(state).tokens == {"m": {"prompt": 1, "completion": 2}}
