"""Pending actions survive the record."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialog.types import Hangup, SendDigits, Transfer
from bot.telephony.decision import Connect
from bot.telephony.pending import Leaving, Move, SayByTwilio, dump_pending, load_pending

texts = st.text(st.characters(exclude_categories=["Cs"]))
actions = st.one_of(
    st.builds(Hangup, texts),
    st.builds(Transfer, st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True), st.none() | texts),
    st.builds(SendDigits, st.from_regex(r"[0-9*#wW]+", fullmatch=True)),
    st.builds(SayByTwilio, texts),
    st.just(Move()),
)


@given(action=actions)
def test_comes_back_from_json(action: Leaving) -> None:
    assert load_pending(orjson.loads(orjson.dumps(dump_pending(action)))) == action


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"action": "hangup"},
        {"action": "fly"},
        {"action": "say"},
        {"action": "digits", "digits": 1},
        {"action": "digits", "digits": "abc"},
        {"action": "transfer", "to": "nobody", "caller_id": None},
    ],
)
def test_what_is_not_known_is_nothing(values: dict[str, Any] | None) -> None:
    assert load_pending(values) is None


def test_the_digits_of_a_pin_are_not_shown() -> None:
    action = SendDigits("4929")
    assert "4929" not in repr(action)
    assert "4929" not in repr(Connect(2, action.digits))
