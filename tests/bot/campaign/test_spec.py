"""What is accepted as a campaign is read again as it was: workers of tomorrow depend on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.campaign.spec import DAYS, RETRIED, CampaignSpec, Window

BASE: dict[str, Any] = {"name": "x", "from_numbers": ["+15550100001"]}
NUMBERS = st.floats() | st.integers(-10, 2000)
TIMES = st.integers(-10, 2000) | st.floats(0, 1440)
WINDOWS = (
    st.fixed_dictionaries({"start": TIMES, "end": TIMES})
    | st.tuples(st.integers(0, 24), st.integers(0, 59)).map(lambda t: f"00:00-{t[0]:02}:{t[1]:02}")
)  # fmt: skip
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text(max_size=5),
    "window": WINDOWS,
    "days": st.lists(st.sampled_from(DAYS)) | st.sampled_from(["fri-mon", "mon,wed"]),
    "holidays": st.lists(st.sampled_from(["2026-12-25", "US", "US-CA"])),
    "starts_at": st.datetimes(timezones=st.just(UTC)),
    "region": st.sampled_from(["US", "GB", "UK", "ZZ", "us"]),
    "calls_per_second": NUMBERS,
    "retry": st.dictionaries(
        st.sampled_from(RETRIED), st.fixed_dictionaries({"after_s": NUMBERS, "times": NUMBERS})
    ),
    "retry_jitter": NUMBERS,
    "minute_usd": NUMBERS,
    "message": st.text(max_size=5),
    "do_not_call_digit": st.sampled_from(["off", "9", "٣", None]),
    "webhook_url": st.sampled_from(["https://A.example/b//", "https://ex ample/", "http://[::1]/"]),
}


@given(st.fixed_dictionaries({}, optional=FIELDS))
@settings(max_examples=150, deadline=None)
def test_whatever_is_accepted_is_read_again_as_it_was(fields: dict[str, Any]) -> None:
    try:
        spec = CampaignSpec.model_validate(BASE | fields)
    except ValidationError:
        return
    assert CampaignSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    "window",
    [
        {"start": 540, "end": 2000},
        {"start": -1, "end": 600},
        {"start": 600, "end": 600},
        {"start": 540, "end": 600, "days": 3},
        "20:00-09:00",
        "00:00-24:01",
    ],
)
def test_a_window_is_a_part_of_one_day_however_it_is_written(window: object) -> None:
    with pytest.raises(ValidationError):
        CampaignSpec.model_validate(BASE | {"window": window})


def test_a_window_may_be_the_whole_day() -> None:
    spec = CampaignSpec.model_validate(BASE | {"window": {"start": 0, "end": 1440}})
    assert spec.window == Window.parse("00:00-24:00")


def test_a_country_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ValidationError, match="the United Kingdom is GB"):
        CampaignSpec.model_validate(BASE | {"region": "UK"})


@pytest.mark.parametrize("usd", [float("inf"), float("nan"), -1])
def test_a_price_is_a_number(usd: float) -> None:
    with pytest.raises(ValidationError):
        CampaignSpec.model_validate(BASE | {"minute_usd": usd})


@pytest.mark.parametrize("url", ["https://ex ample/", "https://x/\r\nX: y", "https://x/\x7f"])
def test_an_address_that_nobody_can_ask_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        CampaignSpec.model_validate(BASE | {"webhook_url": url})


def test_times_of_other_clocks_are_kept() -> None:
    spec = CampaignSpec.model_validate(BASE | {"starts_at": "2026-06-01T10:00:00+02:00"})
    assert spec.starts_at == datetime(2026, 6, 1, 8, tzinfo=UTC)
