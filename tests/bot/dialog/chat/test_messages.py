from __future__ import annotations

import itertools
from typing import Any

import pytest

from bot.dialog import HistoryEntry
from bot.dialog.chat.memory import Item
from bot.dialog.chat.messages import (
    ANSWER,
    BEGINS,
    CUT,
    GO_ON,
    INTERRUPTED,
    MAX_ENTRIES,
    RULES,
    UNHEARD,
    UNKNOWN,
    WENT_ON,
    conversation,
    round_messages,
)
from tests.vendors.openai.chat import MODEL
from tests.vendors.openai.chat_request import check_request


def caller(text: str) -> HistoryEntry:
    return HistoryEntry("caller", text, text, 0, 1)


def bot(text: str, heard: str | None = None, *, interrupted: bool = False) -> HistoryEntry:
    return HistoryEntry("bot", text, text if heard is None else heard, 0, 1, interrupted)


def round_of(at: int, *results: str | None, **more: Any) -> Item:
    calls = [
        {"id": f"call_{at}_{number}", "name": "book", "arguments": "{}", "result": result}
        for number, result in enumerate(results)
    ]
    return {"at": at, "calls": calls, **more}


# What may follow what, for servers and templates that are strict: Mistral's, for one.
FOLLOWS = {
    "system": {"user"},
    "user": {"assistant"},
    "assistant": {"user"},
    "calls": {"tool"},
    "tool": {"tool", "assistant", "calls"},
}


def told(history: list[HistoryEntry], *items: Item, turn: str = "") -> list[tuple[str, str]]:
    """The conversation without the prompt, if every API would take it: roles and words."""
    messages = conversation("Be brief.", history, items, turn)
    kinds = ["calls" if message.get("tool_calls") else message["role"] for message in messages]
    for kind, following in itertools.pairwise(kinds):
        assert following in FOLLOWS[kind] | ({"calls"} if kind == "user" else set())
    assert messages[0] == {"role": "system", "content": "Be brief." + RULES}
    check_request({"model": MODEL, "messages": messages, "stream": True}, {MODEL: False})
    assert messages[-1]["role"] != "assistant"
    return [(message["role"], message["content"] or "(calls)") for message in messages[1:]]


@pytest.mark.parametrize(
    ("history", "messages"),
    [
        (
            [bot("Hello."), caller("hi")],
            [("user", BEGINS), ("assistant", "Hello."), ("user", "hi")],
        ),
        (
            [caller("hi"), bot("Hello. How are you?", "Hello.", interrupted=True), caller("well")],
            [("user", "hi"), ("assistant", "Hello."), ("user", f"{INTERRUPTED}\nwell")],
        ),
        (
            [caller("hi"), bot("Hello.", "", interrupted=True), caller("well")],
            [("user", "hi\nwell")],
        ),
        (
            # It broke off where it would have ended.
            [caller("hi"), bot("Hello.", interrupted=True), bot("Once more."), caller("well")],
            [("user", "hi"), ("assistant", "Hello. Once more."), ("user", "well")],
        ),
        (
            # It is being said.
            [caller("hi"), bot("Hello.", "Hel")],
            [("user", "hi"), ("assistant", "Hello."), ("user", GO_ON)],
        ),
        (
            # It was lost with its stream.
            [caller("hi"), bot("Hello. And", "Hello."), caller("well")],
            [("user", "hi"), ("assistant", "Hello."), ("user", "well")],
        ),
        (
            # All of them are still to be heard.
            [caller("hi"), bot("One.", "One."), bot("Two. Three.", "Two."), bot("Four.", "")],
            [("user", "hi"), ("assistant", "One. Two. Three. Four."), ("user", GO_ON)],
        ),
        (
            # The stream was lost in the middle of the answer.
            [caller("hi"), bot("One. Two.", "One.", interrupted=True)],
            [("user", "hi"), ("assistant", "One."), ("user", GO_ON)],
        ),
        (
            # The same, and what was not heard was said again.
            [
                caller("hi"),
                bot("One. Two.", "One.", interrupted=True),
                bot("Two.", "Two."),
                caller("well"),
            ],
            [("user", "hi"), ("assistant", "One. Two."), ("user", "well")],
        ),
    ],
)
def test_what_was_heard_is_told(
    history: list[HistoryEntry], messages: list[tuple[str, str]]
) -> None:
    assert told(history) == messages


def test_keys_interrupt_as_words_do() -> None:
    history = [caller("hi"), bot("Hello. How are you?", "Hello.", interrupted=True)]
    assert told(history, {"at": 2, "event": "keys"})[-1] == ("user", f"{INTERRUPTED}\n[keys]")


def test_a_turn_that_waits_behind_another_answer() -> None:
    history = [caller("a table"), bot("Five.", "Fi")]
    keys: Item = {"at": 1, "event": "keys"}
    assert told(history, keys, turn="a table") == [
        ("user", "a table\n[keys]"),
        ("assistant", "Five."),
        ("user", f"{ANSWER}\na table"),
    ]
    assert told(history, keys, round_of(2, "booked"), turn="a table")[2:] == [
        ("user", WENT_ON),
        ("assistant", "(calls)"),
        ("tool", "booked"),
    ]
    # Behind a break it is the same answer that goes on.
    history = [caller("a table"), bot("Five. Six", "Five.", interrupted=True)]
    assert told(history, turn="a table")[-1] == ("user", GO_ON)


def test_events_and_tools_stand_where_they_happened() -> None:
    history = [bot("Your number?"), caller("here"), bot("Thanks."), caller("bye")]
    items: list[Item] = [
        {"at": 1, "event": "keys"},
        round_of(2, "fine", None),
        {"at": 9, "event": "the entry before is gone"},
    ]
    assert told(history, *items) == [
        ("user", BEGINS),
        ("assistant", "Your number?"),
        ("user", "[keys]\nhere"),
        ("assistant", "(calls)"),
        ("tool", "fine"),
        ("tool", UNKNOWN),
        ("assistant", "Thanks."),
        ("user", "bye\n[the entry before is gone]"),
    ]


def test_what_was_done_for_words_that_went_on() -> None:
    history = [bot("Yes?"), caller("friday no saturday")]
    items = [round_of(1, "booked", caller="friday"), round_of(1, "cancelled", caller="")]
    assert told(history, *items) == [
        ("user", BEGINS),
        ("assistant", "Yes?"),
        ("user", "friday"),
        ("assistant", "(calls)"),
        ("tool", "booked"),
        ("assistant", "(calls)"),
        ("tool", "cancelled"),
        ("assistant", UNHEARD),
        ("user", "friday no saturday"),
    ]


def test_of_a_long_history_the_end_is_told() -> None:
    history = [caller(str(number)) for number in range(MAX_ENTRIES + 2)]
    ((role, text),) = told(history, {"at": 1, "event": "forgotten"}, {"at": 3, "event": "known"})
    assert (role, text.split("\n")[:3]) == ("user", ["2", "[known]", "3"])
    assert told([bot("Hi."), *[caller("a"), bot("b")] * MAX_ENTRIES])[:2] == [
        ("user", "a"),
        ("assistant", "b"),
    ]
    assert told([caller("a"), bot("b")] * MAX_ENTRIES + [caller("c")])[0] == ("user", CUT)


@pytest.mark.parametrize(
    ("arguments", "sent"), [('{"a": 1}', '{"a": 1}'), ("[1]", "{}"), ('{"a":', "{}"), ("", "{}")]
)
def test_arguments_are_told_as_an_object(arguments: str, sent: str) -> None:
    call = {"id": "a", "name": "book", "arguments": arguments, "result": "no"}
    called, answer = round_messages("Well", [call])
    assert called["tool_calls"][0]["function"]["arguments"] == sent
    assert (called["content"], answer["content"]) == ("Well", "no")
