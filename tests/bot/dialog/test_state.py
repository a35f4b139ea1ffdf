from __future__ import annotations

import threading
from typing import Any

from bot.dialog.state import copied


def test_a_copy_shares_nothing_with_the_state() -> None:
    state: dict[str, Any] = {"a": {"b": [1]}, "lock": threading.Lock()}
    copy = copied(state)
    assert copy == state
    assert copy["a"]["b"] is not state["a"]["b"]


class Grows(dict[str, int]):
    """Has one more entry as soon as somebody looks at it, once: as when a thread puts it in."""

    def __init__(self, within: dict[str, Any]) -> None:
        super().__init__(a=1)
        self._within = within

    def __deepcopy__(self, memo: object) -> dict[str, int]:
        if "late" not in self._within:
            self._within["late"] = 2
            raise RuntimeError("dictionary changed size during iteration")
        return {**self}


def test_what_is_put_in_meanwhile_does_not_matter() -> None:
    state: dict[str, Any] = {}
    state["grows"] = Grows(state)
    copy = copied(state)
    assert copy == {"grows": {"a": 1}}
    assert type(copy["grows"]) is dict


class Restless:
    """Changes whenever it is copied."""

    def __deepcopy__(self, memo: object) -> object:
        raise RuntimeError


def test_what_changes_all_the_time_stays_as_it_is() -> None:
    restless = Restless()
    assert copied({"a": restless})["a"] is restless
