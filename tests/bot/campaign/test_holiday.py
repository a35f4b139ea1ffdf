"""Days off: dates, and the holidays of countries."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from bot.campaign.holiday import is_holiday
from bot.campaign.spec import CampaignSpec


@pytest.mark.parametrize(
    ("listed", "day", "off"),
    [
        ((), "2026-12-25", False),
        (("2026-12-24", "2026-12-25"), "2026-12-25", True),
        (("2026-12-25",), "2027-12-25", False),
        (("US",), "2026-11-26", True),  # Thanksgiving
        (("US",), "2026-07-03", True),  # observed: the fourth is a Saturday
        (("US",), "2026-03-31", False),
        (("US-CA",), "2026-03-31", True),  # César Chávez Day
        (("US", "DE"), "2026-10-03", True),
    ],
)
def test_a_holiday_is_one_that_is_listed(listed: tuple[str, ...], day: str, off: bool) -> None:
    assert is_holiday(listed, date.fromisoformat(day)) is off


@pytest.mark.parametrize("held", ["XX", "US-ZZ", "2026-02-29", "christmas", ""])
def test_a_campaign_lists_no_holidays_that_are_not_known(held: str) -> None:
    with pytest.raises(ValidationError, match=r"not known: list|neither a date"):
        CampaignSpec(name="x", from_numbers=("+12125550100",), holidays=(held,))


def test_a_date_may_be_written_in_every_way_of_iso() -> None:
    spec = CampaignSpec(name="x", from_numbers=("+12125550100",), holidays=("20261225",))
    assert is_holiday(spec.holidays, date(2026, 12, 25))
