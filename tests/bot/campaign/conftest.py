"""What tests of campaigns share: a store whose clock they set, and workers that are alive."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.campaign.store import CampaignStore

from .alive import announce
from .campaigns import Clock


@pytest.fixture
def clock() -> Clock:
    """The clock of `campaigns`: it stands still until the test sets it."""
    return Clock()


@pytest.fixture
async def campaigns(
    redis_url: str, redis_prefix: str, clock: Clock
) -> AsyncIterator[CampaignStore]:
    """A campaign store of this test's own, with one alive worker that takes 1000 calls."""
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10, clock=clock)
    await announce(redis_url, redis_prefix)
    yield store
    await store.aclose()
