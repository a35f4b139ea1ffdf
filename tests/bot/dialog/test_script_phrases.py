from __future__ import annotations

import pytest

from bot.dialog.script_phrases import MAX_PHRASES, Phrase, PhraseError, expand
from bot.dialog.slots import DaySlot, NumberSlot, Slot, YesNoSlot

SLOTS: dict[str, Slot] = {
    "day": DaySlot(("friday", "tomorrow")),
    "sure": YesNoSlot(),
    "many": NumberSlot(0, 199),
}


def texts(pattern: str) -> list[str]:
    return [phrase.text for phrase in expand(pattern, SLOTS)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Book 2 seats!", ["book two seats"]),
        ("(i want|i would like) to book", ["i want to book", "i would like to book"]),
        ("book [an appointment]", ["book an appointment", "book"]),
        ("[a|the] room", ["a room", "the room", "room"]),
        ("a (b [c|d]|e) f", ["a b c f", "a b d f", "a b f", "a e f"]),
        ("yes|no", ["yes", "no"]),
        ("(a|a) b", ["a b"]),
        ("on {day}", ["on friday", "on tomorrow"]),
        ("[on] {day=friday}", ["on friday", "friday"]),
    ],
)
def test_expansion(pattern: str, expected: list[str]) -> None:
    assert texts(pattern) == expected


def test_captures() -> None:
    assert expand("{day} [{sure=no}]", SLOTS)[0] == Phrase(
        "friday no", {"day": "friday", "sure": "no"}
    )
    assert Phrase("friday", {"day": "friday"}) in expand("{day} [{sure=no}]", SLOTS)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a|b", r"'\(' is not closed by '\)'"),
        ("[a)", r"'\[' is not closed by '\]'"),
        ("a) b", r"'\)' closes nothing"),
        ("a} b", "'}' closes nothing"),
        ("{day", r"'\{' is no slot"),
        ("{a b}", r"'\{a b\}' is no slot: write \{name\} or \{name=value\}"),
        ("{time}", "unknown slot 'time'; .* has: day, many, sure"),
        ("{day=sunday}", "slot 'day' has no value 'sunday'; it has: friday, tomorrow"),
        ("[a] [b]", "it may be empty"),
        ("?", "it may be empty"),
        ("{many} {day}", f"stands for 400 phrases or more, {MAX_PHRASES} are allowed"),
        ("[a] [b] [c] [d] [e] [f] [g] [h]", "256 phrases or more"),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern: str, message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        expand(pattern, SLOTS)


def test_no_slots_at_all() -> None:
    with pytest.raises(PhraseError, match=r"unknown slot 'day'; .* has: none"):
        expand("{day}", {})
