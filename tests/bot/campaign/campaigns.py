"""Campaigns for tests: what is short to write and the same in most of them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Claims, Contact, Limits, NewContact, Plan

from .alive import announce

__all__ = [
    "ALWAYS",
    "DAY",
    "FROM",
    "MINUTE_MS",
    "NO_LIMITS",
    "START_MS",
    "Clock",
    "campaign_store",
    "claim",
    "claimed",
    "comes_back",
    "contact_of",
    "ids",
    "is_listed",
    "number",
    "people",
    "plan",
    "running",
]

START_MS = 1_795_248_000_000
"""Saturday, 21 November 2026, 08:00 UTC: when a test's clock stands at first."""
DAY = "2026-11-21"
MINUTE_MS = 60_000
FROM = "+15550001111"
ALWAYS: dict[str, Any] = {
    "window": "00:00-24:00",
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
}
"""Who may be called at any time."""
NO_LIMITS = Limits(calls_per_second=None, max_concurrent=1000, inbound_room=0, lease_ms=10_000)


class Clock:
    """Milliseconds since the epoch, which the test sets."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, ms: int) -> None:
        """So much time passes."""
        self.now_ms += ms


@asynccontextmanager
async def campaign_store(url: str, prefix: str, clock: Clock) -> AsyncIterator[CampaignStore]:
    """A campaign store with that clock, and one alive worker that takes 1000 calls."""
    store = CampaignStore(url, prefix=prefix, deadline_s=10, clock=clock)
    await announce(url, prefix)
    try:
        yield store
    finally:
        await store.aclose()


def number(index: int) -> str:
    """A number of nobody's, another for every index."""
    return f"+1555{1_000_000 + index:07}"


def plan(due_ms: int = START_MS, for_ms: int = 8 * 60 * MINUTE_MS, day: str = DAY) -> Plan:
    """To be called from `due_ms` on, for a working day."""
    return Plan(due_ms, due_ms + for_ms, day)


def people(count: int, first: int = 0) -> list[tuple[NewContact, Plan]]:
    """So many contacts, due when a test's clock starts."""
    return [
        (NewContact(number(index), ("America/New_York",)), plan())
        for index in range(first, first + count)
    ]


def ids(count: int) -> list[str]:
    """Ids for so many attempts."""
    return [secrets.token_hex(10) for _ in range(count)]


async def running(
    store: CampaignStore,
    contacts: int | Sequence[tuple[NewContact, Plan]] = 1,
    **spec: Any,
) -> Campaign:
    """A campaign that runs, with so many contacts, or with these."""
    fields = {"name": "Test", "from_numbers": [FROM], "max_concurrent": 1000} | spec
    campaign = await store.create(CampaignSpec.model_validate(fields))
    await store.add(campaign.id, people(contacts) if isinstance(contacts, int) else contacts)
    started = await store.change(campaign.id, "running", allowed=["draft"])
    assert started is not None
    return started


async def claim(
    store: CampaignStore, campaign: Campaign, count: int = 1, limits: Limits = NO_LIMITS
) -> Claims:
    """Claim so many contacts."""
    return await store.claim(campaign.id, ids(count), limits)


async def claimed(store: CampaignStore, campaign: Campaign) -> Attempt:
    """Claim one contact that is there to be claimed."""
    claims = await claim(store, campaign)
    (attempt,) = claims.attempts
    return attempt


def comes_back(socket: Path, redis_url: str) -> None:
    """Redis is to be had at that socket, too."""
    socket.symlink_to(redis_url.removeprefix("unix://"))


async def contact_of(store: CampaignStore, campaign: Campaign, index: int = 0) -> Contact:
    """A campaign's contact, who is one."""
    contact = await store.contact(campaign.id, number(index))
    assert contact is not None
    return contact


async def is_listed(store: CampaignStore, called: str) -> bool:
    """Whether that number is on the do-not-call list."""
    return called in {kept async for kept, _ in store.refused()}
