"""Whether somebody may be called at a moment: read off the clocks on their walls, and nothing else.

It shares no code with the rules that it judges, and is as slow as that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.campaign.spec import CampaignSpec

HOUR_MS = 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def on_the_wall(at_ms: int, zone: str) -> datetime:
    """What the clock and the calendar show there."""
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def ms(text: str) -> int:
    """A moment with its offset, such as 2026-03-08T09:00-05:00."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def may_call(spec: CampaignSpec, zones: Iterable[str], at_ms: int) -> bool:
    """By every clock, and on the same date by all; holidays of countries are not looked at."""
    walls = [on_the_wall(at_ms, zone) for zone in zones]
    if len({wall.date() for wall in walls}) != 1:
        return False
    moment = EPOCH + timedelta(milliseconds=at_ms)
    if (spec.starts_at and moment < spec.starts_at) or (spec.ends_at and moment >= spec.ends_at):
        return False
    return all(_shows(spec, wall) for wall in walls)


def turns_back(zone: str, at_ms: int) -> bool:
    """Whether the clocks are turned back within a day of that moment."""
    shown = [on_the_wall(at_ms + hours * HOUR_MS, zone) for hours in range(-25, 27)]
    return any(b - a < timedelta(hours=1) for a, b in pairwise(shown))


def _shows(spec: CampaignSpec, wall: datetime) -> bool:
    minutes = wall.hour * 60 + wall.minute
    in_window = spec.window.start <= minutes < spec.window.end
    day = wall.strftime("%a").lower()
    return in_window and day in spec.days and wall.date().isoformat() not in spec.holidays
