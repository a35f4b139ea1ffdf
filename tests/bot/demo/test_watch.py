"""The conversation, line by line."""

from __future__ import annotations

from typing import Any

from bot.demo.scene import SpokenLine
from bot.demo.watch import Watch
from bot.phone.events import EventKind, PhoneEvent

from .calls import entry


class Told:
    def __init__(self) -> None:
        self.lines: list[tuple[float | None, str, str]] = []
        self.watch = Watch([SpokenLine("friday.ulaw", "On Friday.")], self._line)

    def _line(self, at_ms: float | None, what: str, text: str) -> None:
        self.lines.append((at_ms, what, text))

    def of(self, *history: dict[str, Any]) -> list[tuple[float | None, str, str]]:
        self.lines.clear()
        self.watch.record({"history": history})
        return self.lines


def test_nothing_is_told_twice() -> None:
    told = Told()
    hello, friday = entry("bot", "Hello.", 20, 900), entry("caller", "friday", 1500, 2000)
    assert told.of(hello) == [(20, "bot", "Hello.")]
    assert told.of(hello) == []
    assert told.of(hello, friday) == [(None, "understood", "friday")]


def test_a_reply_is_told_as_it_grows() -> None:
    told = Told()
    assert told.of(entry("bot", "Hello.", 20, 20)) == [(20, "bot", "Hello.")]
    longer = entry("bot", "Hello. Which day?", 20, 20)
    assert told.of(longer) == [(20, "bot", "Which day?")]


def test_what_was_heard_is_told_once() -> None:
    told = Told()
    told.of(entry("bot", "Hello there.", 20, 20))
    cut = entry("bot", "Hello there.", 20, 400, heard="Hello", interrupted=True)
    assert told.of(cut) == [(None, "heard", "Hello")]
    assert told.of(cut) == []


def test_entries_that_were_taken_back_are_told_anew() -> None:
    told = Told()
    hello = entry("bot", "Hello.", 20, 900)
    told.of(hello, entry("caller", "on", 1500, 1600))
    told.of(hello)
    assert told.of(hello, entry("caller", "on friday", 1500, 2000)) == [
        (None, "understood", "on friday")
    ]


def test_the_phones_news() -> None:
    told = Told()
    for kind, detail in (
        (EventKind.STEP_STARTED, "friday.ulaw"),
        (EventKind.MARK, "m1"),
        (EventKind.CLEAR, ""),
        (EventKind.FAULT, "31951: wrong"),
        (EventKind.ENDED, "by bot: hung up"),
    ):
        told.watch.phone(PhoneEvent(kind, 5.0, detail))
    assert told.lines == [
        (5.0, "caller", "On Friday."),
        (5.0, "barge-in", "the bot falls silent"),
        (5.0, "fault", "31951: wrong"),
        (5.0, "end", "by bot: hung up"),
    ]
