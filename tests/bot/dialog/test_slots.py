"""Slots: what may be said, what is found in free text, how a value is spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialog.script_words import normalize
from bot.dialog.slots import DaySlot, ListSlot, NumberSlot, Slot, TimeSlot, YesNoSlot

CLINIC = TimeSlot(9 * 60, 16 * 60 + 30, 30)
ANY_TIME = TimeSlot(step_min=1)
SLOTS: list[Slot] = [
    CLINIC,
    TimeSlot(),
    TimeSlot(step_min=15),
    DaySlot(),
    DaySlot(("friday", "tomorrow")),
    YesNoSlot(),
    NumberSlot(0, 120),
    ListSlot({"brown": ("doctor brown", "brown"), "o'neill": ("O'Neill",), "2": ("number 2",)}),
]


def values(slot: Slot, text: str) -> list[str]:
    return [found.value for found in slot.find(normalize(text))]


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
def test_what_the_vocabulary_says_is_found_with_its_value(slot: Slot) -> None:
    for phrase, value in slot.vocabulary().items():
        if (phrase, type(slot)) == ("one", TimeSlot):
            continue  # by itself, "one" is no time in free text
        assert values(slot, phrase) == [value], phrase


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
def test_a_value_is_spoken_so_that_it_is_understood_again(slot: Slot) -> None:
    for value in set(slot.vocabulary().values()):
        spoken = slot.spoken(value)
        assert values(slot, spoken) == [value] or isinstance(slot, ListSlot)


@given(st.sampled_from(SLOTS), st.text())
def test_any_text_is_searched(slot: Slot, text: str) -> None:
    words = normalize(text)
    end = 0
    for found in slot.find(words):
        assert end <= found.start < found.end <= len(words)
        end = found.end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten", ["10:00"]),
        ("10 am", ["10:00"]),
        ("10 pm", []),
        ("at 3", ["15:00"]),
        ("three in the afternoon", ["15:00"]),
        ("three in the morning", []),
        ("15:00", ["15:00"]),
        ("half past two", ["14:30"]),
        ("9:15", []),
        ("noon", ["12:00"]),
        ("midnight", []),
        ("twelve thirty", ["12:30"]),
        ("eight", []),
        ("five", []),
        ("that one", []),
        ("at one", ["13:00"]),
        ("one o'clock please", ["13:00"]),
        ("for two people at 4:30 p.m.", ["16:30"]),
        ("between nine and eleven", ["09:00", "11:00"]),
        ("I have two children", ["14:00"]),
        ("thirty", []),
    ],
)
def test_times_of_a_clinic(text: str, expected: list[str]) -> None:
    assert values(CLINIC, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten oh five", "10:05"),
        ("quarter to eleven", "10:45"),
        ("a quarter past nine in the evening", "21:15"),
        ("quarter to one", "12:45"),
        ("twenty minutes past nine", "09:20"),
        ("five to seven p m", "18:55"),
        ("twelve a m", "00:00"),
        ("midnight", "00:00"),
        ("half past twelve a.m.", "00:30"),
        ("twenty one forty five", "21:45"),
        ("zero thirty", "00:30"),
        ("ten at night", "22:00"),
        ("six pm", "18:00"),
        ("six", "06:00"),
    ],
)
def test_times_in_full(text: str, expected: str) -> None:
    assert values(ANY_TIME, text) == [expected]


@pytest.mark.parametrize(
    "text", ["half past", "quarter", "half of ten to go", "twenty past", "ten to"]
)
def test_half_a_time(text: str) -> None:
    assert all(value in {"10:00", "20:00"} for value in values(ANY_TIME, text))


def test_a_time_is_spoken_with_its_half_of_the_day_only_if_needed() -> None:
    assert CLINIC.spoken("15:00") == "three o'clock"
    assert CLINIC.spoken("10:30") == "ten thirty"
    assert ANY_TIME.spoken("15:00") == "three p m"
    assert ANY_TIME.spoken("15:05") == "three oh five p m"
    assert ANY_TIME.spoken("00:00") == "twelve a m"


def test_the_vocabulary_of_a_clinic_is_modest() -> None:
    vocabulary = CLINIC.vocabulary()
    assert len(vocabulary) <= 50
    assert vocabulary["four"] == "16:00"
    assert vocabulary["half past four"] == "16:30"
    assert "five" not in vocabulary


def test_days() -> None:
    assert values(DaySlot(), "Next Friday, or tomorrow?") == ["friday", "tomorrow"]
    assert values(DaySlot(("monday",)), "Friday") == []
    assert DaySlot().spoken("friday") == "Friday"
    assert DaySlot().spoken("tomorrow") == "tomorrow"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", ["yes"]),
        ("Yeah, that's fine", ["yes"]),
        ("that's not right", ["no"]),
        ("that is not correct", ["no"]),
        ("I know no doctor", []),
        ("yes no", ["yes", "no"]),
        ("nobody", []),
    ],
)
def test_yes_and_no(text: str, expected: list[str]) -> None:
    assert values(YesNoSlot(), text) == expected


def test_numbers() -> None:
    slot = NumberSlot(1, 12)
    assert values(slot, "a table for 4 at twelve") == ["4", "12"]
    assert values(slot, "twenty five") == []
    assert slot.vocabulary()["eleven"] == "11"
    assert slot.spoken("4") == "4"


def test_a_list_prefers_the_longer_name() -> None:
    slot = ListSlot({"ann": ("ann",), "ann lee": ("ann lee", "miss lee")})
    assert values(slot, "I want Ann Lee, not Ann") == ["ann lee", "ann"]
    assert slot.spoken("ann lee") == "ann lee"
