"""PURE: when a person may be called, wherever they are of all places where they may be.

The truth is the clock on the wall there. Around changes of the clocks the shorter reading holds: a
window begins at the second time that its start is shown and ends at the first time that its end is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .holiday import is_holiday
from .spec import DAYS, CampaignSpec
from .types import Plan

__all__ = ["HORIZON_DAYS", "openings"]

HORIZON_DAYS = 400
"""After so many days without a moment there is none: every weekday and holiday had its turn."""
_LAST_DAY = date.max.toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class _Rules(NamedTuple):
    """What of a campaign tells one day from another, as a key of caches."""

    start: int
    end: int
    days: tuple[str, ...]
    holidays: tuple[str, ...]


class _Opening(NamedTuple):
    ordinal: int
    begin_ms: int
    until_ms: int


def openings(spec: CampaignSpec, zones: tuple[str, ...], from_ms: int) -> Iterator[Plan]:
    """When a person in one of `zones` may be called, at `from_ms` (since the epoch) or later.

    A moment is one of them only if it is so in every zone, and on the same date in all, so that
    `Plan.day` is the person's date wherever they are. There may be no moment at all. Else it goes
    on until the campaign's end, or without one.
    """
    rules = _Rules(spec.window.start, spec.window.end, spec.days, spec.holidays)
    begin_ms = max(from_ms, _ms(spec.starts_at)) if spec.starts_at else from_ms
    # Where it is early, it is still yesterday.
    ordinal = (_EPOCH + timedelta(milliseconds=begin_ms)).toordinal() - 1
    while opening := _next_opening(rules, zones, ordinal):
        until_ms = min(opening.until_ms, _ms(spec.ends_at)) if spec.ends_at else opening.until_ms
        due_ms = max(opening.begin_ms, begin_ms)
        if until_ms < opening.until_ms and until_ms <= due_ms:
            return
        if due_ms < until_ms:
            yield Plan(due_ms, until_ms, date.fromordinal(opening.ordinal).isoformat())
        ordinal = opening.ordinal + 1


@lru_cache(maxsize=16_384)
def _next_opening(rules: _Rules, zones: tuple[str, ...], ordinal: int) -> _Opening | None:
    """The first on that date or later."""
    # Those farthest apart come first: they tell soonest that there is no moment for all.
    start = date.fromordinal(ordinal)
    by_clock = sorted(zones, key=lambda zone: _in_one(zone, start, rules.start, rules.end))
    apart = (by_clock[-1], *by_clock)
    for later in range(ordinal, min(ordinal + HORIZON_DAYS, _LAST_DAY)):
        day = date.fromordinal(later)
        called = DAYS[day.weekday()] in rules.days and not is_holiday(rules.holidays, day)
        if called and (span := _in_all(apart, day, rules)):
            return _Opening(later, *span)
    return None


def _in_all(zones: tuple[str, ...], day: date, rules: _Rules) -> tuple[int, int] | None:
    begin_ms, until_ms = _in_one(zones[0], day, rules.start, rules.end)
    for zone in zones:
        here = _in_one(zone, day, rules.start, rules.end)
        begin_ms, until_ms = max(begin_ms, here[0]), min(until_ms, here[1])
        if begin_ms >= until_ms:
            return None
    return begin_ms, until_ms


@lru_cache(maxsize=65_536)
def _in_one(zone: str, day: date, start: int, end: int) -> tuple[int, int]:
    """The window of that date in ms since the epoch; its end is not after its begin if it is none.

    A start that the clocks skip is the moment of their change, and so is an end.
    """
    here = ZoneInfo(zone)
    return _shown(here, day, start)[1] * 1000, _shown(here, day, end)[0] * 1000


def _shown(zone: ZoneInfo, day: date, minutes: int) -> tuple[int, int]:
    """The first and the last second since the epoch at which the clocks show a time."""
    shown = datetime.combine(day, time(), zone) + timedelta(minutes=minutes)
    first, last = _seconds(shown), _seconds(shown.replace(fold=1))
    if first > last:
        # Skipped: `fold` 1 and 0 (PEP 495) are then before and after the change.
        first = last = _change(zone, last, first)
    return first, last


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second between the two at which the clocks change."""
    old = _at(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if _at(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _at(seconds: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _SECOND


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
