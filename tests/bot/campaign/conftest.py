"""What tests of campaigns share: a worker that Redis is away from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.campaign.store import CampaignStore

from .campaigns import Clock


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    """Where that worker's Redis will be."""
    return tmp_path / "redis.sock"


@pytest.fixture
async def far(socket: Path, redis_prefix: str, clock: Clock) -> AsyncIterator[CampaignStore]:
    """The store of a worker whose Redis is away, and comes back with `comes_back`."""
    store = CampaignStore(f"unix://{socket}", prefix=redis_prefix, deadline_s=10, clock=clock)
    yield store
    await store.aclose()
