"""The rules about time against the clocks on the wall, all over the world."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from itertools import islice, takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.campaign.spec import DAYS, CampaignSpec
from bot.campaign.types import Plan
from bot.campaign.window import openings
from bot.campaign.zones import zones_of

from .wall_clock import may_call, ms, on_the_wall, turns_back

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
CHANGES = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Antarctica/Troll", "2026-03-29"),  # by two hours
    ("Antarctica/Troll", "2026-10-25"),
    ("Africa/Casablanca", "2026-02-15"),  # for Ramadan
    ("Africa/Casablanca", "2026-03-22"),
    ("Africa/Cairo", "2026-04-24"),  # at midnight, forward
    ("Africa/Cairo", "2026-10-29"),  # at midnight, back into yesterday
    ("America/Havana", "2026-03-08"),
    ("America/Havana", "2026-11-01"),  # 00:00 is shown twice
    ("America/St_Johns", "2010-11-07"),  # at 00:01, back into yesterday
    ("Asia/Pyongyang", "2015-08-15"),
    ("Asia/Pyongyang", "2018-05-04"),  # by half an hour over midnight
    ("Pacific/Apia", "2011-12-30"),  # the day that was not
    ("Asia/Kathmandu", "2026-06-01"),
    ("Asia/Tokyo", "2026-06-01"),
]
USUAL = [0, 1, 30, 60, 90, 120, 135, 150, 180, 540, 1200, 1380, 1410, 1425, 1439, 1440]
minutes = st.one_of(st.sampled_from(USUAL), st.integers(0, 1440))
windows = st.tuples(minutes, minutes).filter(lambda two: two[0] != two[1]).map(sorted)


def spec(window: str = "09:00-20:00", **others: Any) -> CampaignSpec:
    held = {"name": "x", "from_numbers": ["+12125550100"], "window": window, "days": DAYS}
    return CampaignSpec.model_validate({**held, **others})


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def until(rules: CampaignSpec, zones: tuple[str, ...], begin_ms: int, end_ms: int) -> list[Plan]:
    plans = openings(rules, zones, begin_ms)
    return list(takewhile(lambda plan: plan.due_ms < end_ms, plans))


@settings(max_examples=120)
@given(
    change=st.sampled_from(CHANGES),
    others=st.lists(st.sampled_from(CHANGES), max_size=2),
    window=windows,
    days=st.sets(st.sampled_from(DAYS), min_size=4),
    from_minute=st.integers(-1440, 0),
)
def test_openings_are_what_the_clocks_on_the_wall_show(
    change: tuple[str, str],
    others: list[tuple[str, str]],
    window: list[int],
    days: set[str],
    from_minute: int,
) -> None:
    zones = tuple(dict.fromkeys([change[0], *(zone for zone, _ in others)]))
    rules = spec(f"{clock(window[0])}-{clock(window[1])}", days=sorted(days))
    begin_ms = ms(f"{change[1]}T00:00Z") + from_minute * MINUTE_MS
    plans = until(rules, zones, begin_ms, begin_ms + 2 * DAY_MS)
    starts = [plan.due_ms for plan in plans]
    assert starts == sorted(starts)
    back = any(turns_back(zone, begin_ms + DAY_MS) for zone in zones)
    for at_ms in range(begin_ms, begin_ms + 2 * DAY_MS, 5 * MINUTE_MS):
        before = bisect_right(starts, at_ms)
        opened = before > 0 and at_ms < plans[before - 1].until_ms
        allowed = may_call(rules, zones, at_ms)
        assert allowed or not opened
        assert opened or not allowed or back
    for plan in plans:
        for at_ms in (plan.due_ms, plan.until_ms - 1):
            assert may_call(rules, zones, at_ms)
            assert on_the_wall(at_ms, zones[-1]).date().isoformat() == plan.day


@pytest.mark.parametrize(
    ("zone", "window", "day", "begin", "end"),
    [
        # A start that is skipped is the change; so is an end.
        ("Europe/Berlin", "02:30-04:00", "2026-03-29", "03:00+02:00", "04:00+02:00"),
        ("Europe/Berlin", "01:00-02:30", "2026-03-29", "01:00+01:00", "02:00+01:00"),
        # What is shown twice: the second start, the first end.
        ("Europe/Berlin", "02:30-04:00", "2026-10-25", "02:30+01:00", "04:00+01:00"),
        ("Europe/Berlin", "01:00-02:30", "2026-10-25", "01:00+02:00", "02:30+02:00"),
        ("Europe/Berlin", "01:00-04:00", "2026-10-25", "01:00+02:00", "04:00+01:00"),
        ("Australia/Lord_Howe", "01:45-09:00", "2026-04-05", "01:45+10:30", "09:00+10:30"),
        ("Australia/Lord_Howe", "02:15-09:00", "2026-10-04", "02:30+11:00", "09:00+11:00"),
        ("Asia/Kathmandu", "09:00-20:00", "2026-06-01", "09:00+05:45", "20:00+05:45"),
        ("America/Havana", "00:00-24:00", "2026-11-01", "00:00-05:00", "24:00-05:00"),
    ],
)
def test_around_a_change_of_the_clocks(
    zone: str, window: str, day: str, begin: str, end: str
) -> None:
    plan = next(openings(spec(window), (zone,), ms(f"{day}T00:00Z") - DAY_MS // 2 + 1))
    while plan.day < day:
        plan = next(openings(spec(window), (zone,), plan.until_ms))
    last = ms(f"{day}T{end}") if "24:" not in end else ms(f"{day}T00:00{end[5:]}") + DAY_MS
    assert plan == Plan(ms(f"{day}T{begin}"), last, day)


def test_a_day_that_a_country_skips_has_no_opening() -> None:
    days = [p.day for p in islice(openings(spec(), ("Pacific/Apia",), ms("2011-12-28T12:00Z")), 4)]
    assert days == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]


def test_where_it_is_still_yesterday_the_day_is_not_over() -> None:
    plan = next(openings(spec(), ("Pacific/Honolulu",), ms("2026-07-02T00:00Z")))
    assert plan == Plan(ms("2026-07-02T00:00Z"), ms("2026-07-01T20:00-10:00"), "2026-07-01")


def test_an_opening_that_has_begun_is_open_from_now_until_its_end() -> None:
    now_ms = ms("2026-06-01T12:00:00.5+02:00")
    first, second = islice(openings(spec(), ("Europe/Berlin",), now_ms), 2)
    assert first == Plan(now_ms, ms("2026-06-01T20:00+02:00"), "2026-06-01")
    assert second.due_ms == ms("2026-06-02T09:00+02:00")


def test_a_window_is_closed_at_its_end() -> None:
    now_ms = ms("2026-06-01T20:00+02:00")
    assert next(openings(spec(), ("Europe/Berlin",), now_ms)).day == "2026-06-02"
    assert next(openings(spec(), ("Europe/Berlin",), now_ms - 1)).due_ms == now_ms - 1


def test_somebody_in_one_of_many_zones_is_called_when_it_is_open_in_all() -> None:
    zones = ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu")
    plan = next(openings(spec(), zones, ms("2026-07-01T00:00Z")))
    assert plan == Plan(ms("2026-07-01T09:00-10:00"), ms("2026-07-01T20:00-04:00"), "2026-07-01")


@pytest.mark.parametrize(
    ("number", "window", "some"),
    [
        ("+870773111632", "00:00-24:00", False),  # a satellite's, all over the world
        ("+18002345678", "09:00-20:00", False),  # free of charge from Guam to Puerto Rico
        ("+18002345678", "00:00-24:00", True),
    ],
)
def test_where_it_is_never_open_in_all_zones_there_is_no_moment(
    number: str, window: str, some: bool
) -> None:
    plans = openings(spec(window), zones_of(number), ms("2026-07-01T00:00Z"))
    assert (next(plans, None) is not None) is some


def test_weekdays_and_holidays_are_those_of_the_place() -> None:
    rules = spec(days=["mon", "fri"], holidays=["2026-12-28", "DE"])
    plans = openings(rules, ("Europe/Berlin",), ms("2026-12-19T00:00Z"))
    # The 25th is one in Germany, the 28th for the campaign, 1 January in Germany again.
    assert [plan.day for plan in islice(plans, 3)] == ["2026-12-21", "2027-01-04", "2027-01-08"]


def test_a_campaign_that_is_closed_all_year_has_no_opening() -> None:
    every_monday = [(date(2026, 1, 5) + timedelta(7 * n)).isoformat() for n in range(60)]
    rules = spec(days=["mon"], holidays=every_monday)
    assert not list(openings(rules, ("Europe/Berlin",), ms("2026-01-01T00:00Z")))


def test_nobody_is_called_before_a_campaign_begins_or_when_it_is_over() -> None:
    rules = spec(starts_at="2026-06-02T10:00+00:00", ends_at="2026-06-03T11:30+00:00")
    plans = list(openings(rules, ("Europe/London",), ms("2026-01-01T00:00Z")))
    assert plans == [
        Plan(ms("2026-06-02T10:00Z"), ms("2026-06-02T20:00+01:00"), "2026-06-02"),
        Plan(ms("2026-06-03T09:00+01:00"), ms("2026-06-03T11:30Z"), "2026-06-03"),
    ]
    assert not list(openings(rules, ("Europe/London",), ms("2026-06-03T11:30Z")))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_campaign_may_begin_where_the_calendar_ends(zone: str) -> None:
    rules = spec(starts_at="9999-12-31T12:00+00:00")
    assert not list(openings(rules, (zone,), ms("2026-01-01T00:00Z")))
