from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialog.script_match import Expected, Match, Matcher
from bot.dialog.script_phrases import expand
from bot.dialog.slots import DaySlot, Slot, TimeSlot, YesNoSlot

SLOTS: dict[str, Slot] = {
    "day": DaySlot(),
    "time": TimeSlot(9 * 60, 16 * 60, 60),
    "sure": YesNoSlot(),
}


def expected(*patterns: str, keywords: tuple[str, ...] = ()) -> Expected:
    phrases = tuple(phrase for pattern in patterns for phrase in expand(pattern, SLOTS))
    return Expected(phrases, keywords)


BOOK, CANCEL, DAY, NOT_SUNDAY, BYE = range(5)
OPTIONS = [
    expected("book", "(i want|i'd like) to book [an appointment]", keywords=("appointment",)),
    expected("cancel my appointment", "cancel", keywords=("call it off",)),
    expected("[on] {day=friday}", "{day=friday} at {time}"),
    expected("{day=sunday}"),
    expected("goodbye", "i want to go", keywords=("bye",)),
]
MATCHER = Matcher(OPTIONS, BYE, SLOTS)
SURE = Matcher([expected("{sure=yes}"), expected("{sure=no}")], 2, SLOTS)


@pytest.mark.parametrize("index", range(len(OPTIONS)))
def test_every_phrase_is_itself(index: int) -> None:
    for phrase in OPTIONS[index].phrases:
        assert MATCHER.match(phrase.text) == Match(index, phrase.captures)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Book.", Match(BOOK)),
        ("I would like to book, please.", Match(BOOK)),
        ("Um, I'd like to book an appointment, thank you!", Match(BOOK)),
        ("Could I get an appointment?", Match(BOOK)),
        ("could you cancel my appointment", Match(CANCEL)),
        ("can we call it off", Match(CANCEL)),
        ("Friday works for me", Match(DAY, {"day": "friday"})),
        ("Let's say Friday, around 10 AM.", Match(DAY, {"day": "friday", "time": "10:00"})),
        ("Sunday would be nice", Match(NOT_SUNDAY, {"day": "sunday"})),
        ("okay bye then", Match(BYE)),
        ("I guess I want to go", Match(BYE)),
        ("goodbye, I have an appointment", Match(BOOK)),
        # Nothing of what is expected.
        ("he might even have been made amiable himself", None),
        ("I read a book yesterday", None),
        ("Monday", None),
        # Two things at once, or denied.
        ("Friday or Sunday", None),
        ("an appointment on Friday", None),
        ("I don't want to book", None),
        ("not Friday", None),
        ("friday at ten or at eleven", Match(DAY, {"day": "friday"})),
        ("", None),
        ("?!", None),
        ("um", None),
        ("thank you", None),
    ],
)
def test_free_text(text: str, match: Match | None) -> None:
    assert MATCHER.match(text) == match


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes.", "yes"),
        ("yeah, that works", "yes"),
        ("Well, no", "no"),
        ("No, that's not what I said", "no"),
        ("that is not correct", "no"),
        ("yes, not bad", None),
        ("yes and no", None),
        ("there is no way that I know", None),
    ],
)
def test_yes_or_no(text: str, answer: str | None) -> None:
    match = SURE.match(text)
    assert (match and match.captures["sure"]) == answer


@given(
    st.text()
    | st.lists(st.sampled_from(["yes", "no", "friday", "at", "ten", "book", "not"])).map(" ".join)
)
def test_any_text_means_an_option_or_nothing(text: str) -> None:
    match = MATCHER.match(text)
    assert match is None or match.option in range(len(OPTIONS))
