"""Nobody who never wants to be called again is forgotten because Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import bot.campaign.listing
from bot.campaign.listing import Listing
from bot.campaign.store import CampaignStore
from tests.background import running, until

from .campaigns import is_listed, number

SID = "CA" + "0" * 32


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    """Where Redis will be."""
    return tmp_path / "redis.sock"


@pytest.fixture
async def far(socket: Path, redis_prefix: str) -> AsyncIterator[CampaignStore]:
    """The store of a worker whose Redis is away, and comes back with `comes_back`."""
    store = CampaignStore(f"unix://{socket}", prefix=redis_prefix, deadline_s=10)
    yield store
    await store.aclose()


def comes_back(socket: Path, redis_url: str) -> None:
    socket.symlink_to(redis_url.removeprefix("unix://"))


async def test_a_number_is_on_the_list_at_once(campaigns: CampaignStore) -> None:
    listing = Listing(campaigns)
    assert await listing.add(number(1), SID)
    assert await is_listed(campaigns, number(1))
    assert listing.kept == 0


async def test_what_redis_does_not_take_is_tried_again(
    far: CampaignStore, campaigns: CampaignStore, socket: Path, redis_url: str
) -> None:
    listing = Listing(far, again_s=0.01)
    with capture_logs() as logs:
        async with running(listing.run()):
            assert not await listing.add(number(1), SID)
            assert not await listing.add(number(2), SID)
            assert listing.kept == 2
            comes_back(socket, redis_url)
            await until(lambda: listing.kept == 0)
    for index in (1, 2):
        assert await is_listed(campaigns, number(index))
        assert number(index) not in repr(logs)


async def test_at_the_end_all_are_tried_once_more(
    far: CampaignStore, campaigns: CampaignStore, socket: Path, redis_url: str
) -> None:
    listing = Listing(far)
    assert not await listing.add(number(1), SID)
    assert not await listing.flush()
    comes_back(socket, redis_url)
    assert await listing.flush()
    assert await is_listed(campaigns, number(1))


async def test_more_than_can_be_kept_are_said_to_be_lost(
    far: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.campaign.listing, "MAX_KEPT", 1)
    listing = Listing(far)
    await listing.add(number(1), SID)
    with capture_logs() as logs:
        assert not await listing.add(number(2), "another call")
    assert listing.kept == 1
    assert [(log["log_level"], log["source"]) for log in logs] == [("error", "another call")]


async def test_a_number_is_kept_when_its_call_ends_while_redis_is_asked(
    campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(campaigns, again_s=0.01)
    with monkeypatch.context() as patched:
        patched.setattr(campaigns, "do_not_call", _hangs)
        asking = asyncio.create_task(listing.add(number(1), SID))
        await until(lambda: listing.kept == 1)
        asking.cancel()
        await asyncio.wait([asking])
    async with running(listing.run()):
        await until(lambda: listing.kept == 0)
    assert await is_listed(campaigns, number(1))


async def _hangs(number: str, source: str) -> None:
    await asyncio.Event().wait()
