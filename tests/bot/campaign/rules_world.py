"""The world of the rules' proof: campaigns that get in each other's way, and people."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.campaign.spec import DAYS, CampaignSpec
from bot.campaign.types import Outcome
from bot.campaign.zones import zones_of

from .wall_clock import ms

__all__ = [
    "ACCOUNT_MOST",
    "ACCOUNT_PER_SECOND",
    "INBOUND_ROOM",
    "PLACES",
    "START_MS",
    "WORKERS",
    "Fate",
    "Plans",
    "fate",
    "people",
]

START_MS = ms("2026-10-23T00:00Z")
"""A Friday: Europe turns its clocks back on the next Sunday, America a week later."""
ACCOUNT_PER_SECOND = 20.0
ACCOUNT_MOST = 300
WORKERS = ((200, 10), (100, 0))
"""How many calls each takes, and how many inbound ones it has."""
INBOUND_ROOM = 5
"""Calls that are kept free for others."""
PLACES = sum(most - inbound for most, inbound in WORKERS) - INBOUND_ROOM

HOMES = (
    ("America/New_York",),
    ("America/Los_Angeles",),
    ("Europe/Berlin",),
    ("Europe/Berlin",),
    ("Asia/Kathmandu",),
    ("Australia/Lord_Howe",),
    ("Antarctica/Troll",),
    ("Africa/Casablanca",),
    zones_of("+61412345678"),
    zones_of("+34612345678"),
    ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"),
)

RETRY: dict[str, dict[str, int]] = {
    "busy": {"after_s": 300},
    "no_answer": {"after_s": 3600},
    "failed": {"after_s": 900, "times": 1},
    "voicemail": {"after_s": 14_400, "times": 2},
    "hung_up_early": {"after_s": 40_000, "times": 1},
    "callback": {"after_s": 1800},
}


@dataclass(frozen=True)
class Plans:
    """A campaign of the world: its part of all contacts, and the dates of its countries."""

    part: float
    spec: CampaignSpec
    holidays: frozenset[str] = frozenset()


def _plans(part: float, *holidays: str, **spec: Any) -> Plans:
    fields = {"from_numbers": ["+12125550100"], "breaker": 1000, "retry": RETRY, "days": DAYS}
    return Plans(part, CampaignSpec.model_validate(fields | spec), frozenset(holidays))


PLANS = (
    _plans(
        0.05, name="recall", priority=10, max_concurrent=25, calls_per_second=3.0, attempts=5,
        window="08:30-20:00",
    ),
    _plans(0.5, name="reminders", max_concurrent=200, attempts=4, attempts_per_day=2),
    _plans(
        0.25, "2026-10-26", name="survey", max_concurrent=150, calls_per_second=7.5, attempts=3,
        attempts_per_day=1, window="15:00-20:30", days="mon-fri", holidays=["AT", "2026-10-28"],
        retry_jitter=0.5,
    ),
    _plans(
        0.2, name="win back", priority=-5, max_concurrent=40, calls_per_second=1.5, attempts=6,
        window="02:15-23:45", starts_at="2026-10-23T06:00+00:00", ends_at="2026-11-02T12:00+00:00",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What becomes of a call: an outcome after so long, or None when it was not placed."""

    outcome: Outcome | None
    after_ms: int
    back_s: int | None = None


_LASTS_S: dict[Outcome, tuple[int, int]] = {
    "answered": (20, 120),
    "busy": (2, 5),
    "no_answer": (30, 31),
    "failed": (1, 3),
    "voicemail": (8, 20),
    "hung_up_early": (5, 15),
    "callback": (15, 40),
    "message_left": (30, 45),
    "do_not_call": (10, 30),
    "refused": (1, 2),
}
_OFTEN = (30, 12, 26, 5, 12, 5, 4, 2, 3, 1)


def fate(seed: int, campaign: str, number: str, claimed_ms: int) -> Fate:
    """What becomes of a call, by the seed, whoever makes it."""
    dice = random.Random(f"{seed} {campaign} {number} {claimed_ms}")
    if dice.random() < 0.02:
        return Fate(None, dice.randrange(50, 3000))
    (outcome,) = dice.choices(list(_LASTS_S), _OFTEN)
    least, most = _LASTS_S[outcome]
    back_s = dice.choice([None, 60, 7200, 86_400]) if outcome == "callback" else None
    return Fate(outcome, dice.randrange(least * 1000, most * 1000), back_s)


def home(index: int) -> tuple[str, ...]:
    """Where somebody is."""
    return HOMES[index % len(HOMES)]


def number(index: int) -> str:
    """A number of nobody's, another for every index."""
    return f"+1555{1_000_000 + index:07}"


def people(contacts: int) -> Iterable[tuple[Plans, list[tuple[str, tuple[str, ...]]]]]:
    """Each campaign with the numbers of its contacts, and where they are.

    Every fiftieth is one of the campaign before it, too.
    """
    first = 0
    for plans in PLANS:
        count = round(contacts * plans.part)
        own = list(range(first, first + count))
        if first:
            own[::50] = range(first - 1, first - 1 - len(own[::50]), -1)
        yield plans, [(number(index), home(index)) for index in own]
        first += count
