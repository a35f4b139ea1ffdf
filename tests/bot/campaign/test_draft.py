from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.campaign.draft import SpecError, named, read_spec

GOOD: dict[str, Any] = {"name": "autumn", "from_numbers": ["+15550001111"]}


def faults(**values: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_spec(named(GOOD | values, "file: "))
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    return lines


def test_a_campaign_is_read() -> None:
    spec = read_spec(named(GOOD | {"attempts": "4", "days": "fri-mon", "do_not_call_digit": "off"}))
    assert (spec.attempts, spec.do_not_call_digit) == (4, None)
    assert spec.days == ("mon", "fri", "sat", "sun")


def test_every_fault_has_a_line_with_its_name_what_it_held_and_what_it_may_hold() -> None:
    assert faults(window="9-20", attempts=0) == [
        "file: window: held '9-20'; write a part of one day, such as 09:00-20:00",
        "file: attempts: held 0; it may hold calls to a contact in all (input should be greater"
        " than or equal to 1)",
    ]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"days": "mon-fryday"}, "file: days: held 'mon-fryday'; it may hold weekdays: a list,"),
        ({"widow": 1}, "file: widow: there is no such field; did you mean window?"),
        ({"xyzzy": 1}, "file: xyzzy: there is no such field; remove it,"),
        ({"from_numbers": ["+1", "5"]}, "file: from_numbers: held ['+1', '5']; it may hold your"),
        ({"retry": {"busy": {"after_s": 0}}}, "file: retry.busy.after_s: held 0; input should be"),
        ({"retry": {"bussy": {"after_s": 5}}}, "file: retry.bussy: held {'after_s': 5}; input sh"),
        ({"retry": {"busy": {"after_s": 5, "x": 1}}}, "file: retry.busy.x: there is no such field"),
        ({"window": "20:00-09:00"}, "file: window: held '20:00-09:00'; write a part of one day, s"),
        ({"holidays": ["US", "ZZ"]}, "file: holidays: held ['US', 'ZZ']; the holidays of ZZ"),
        (
            {"from_numbers": "+1555"},
            "file: from_numbers: held '+1555'; it may hold your numbers to",
        ),
        ({"starts_at": datetime(2026, 1, 1)}, "file: starts_at: held 2026-01-01T00:00:00; it may"),
        ({"retry": {"busy": 900}}, "file: retry.busy: held 900; write { after_s = 900 } or {"),
        ({"voicemail": "leave_message"}, "the campaign: voicemail = leave_message asks for a mess"),
        ({"message": "x" * 3000}, "file: message: held 'xxxx"),
    ],
)
def test_a_fault(values: dict[str, Any], line: str) -> None:
    (said,) = faults(**values)
    assert said.startswith(line)
    assert len(said) < 400


def test_what_is_missing_is_called_by_its_field() -> None:
    with pytest.raises(SpecError, match=r"^from_numbers: is missing; it may hold your numbers"):
        read_spec(named({"name": "autumn"}, "file: "))


def test_a_password_in_an_address_is_not_shown() -> None:
    (line,) = faults(webhook_url="https://ann:s3cret@example.com/")
    assert "s3cret" not in line
    assert line.startswith(
        "file: webhook_url: held a user or password, which it may not; it may hold the h"
    )
