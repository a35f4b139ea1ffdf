"""Nobody who never wants to be called again is forgotten because Redis is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

import bot.campaign.listing
from bot.campaign.listing import Listing
from bot.campaign.notebook import Notebook
from bot.campaign.store import CampaignStore
from bot.redis_link import StoreUnavailable
from tests.background import running, until

from .campaigns import comes_back, is_listed, number

SID = "CA" + "0" * 32


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path / "state")


async def test_a_number_is_on_the_list_at_once(
    campaigns: CampaignStore, notebook: Notebook
) -> None:
    listing = Listing(campaigns, notebook)
    assert await listing.add(number(1), SID)
    assert await is_listed(campaigns, number(1))
    assert listing.kept == 0


async def test_what_redis_does_not_take_is_tried_again(
    far: CampaignStore, campaigns: CampaignStore, notebook: Notebook, socket: Path, redis_url: str
) -> None:
    listing = Listing(far, notebook, again_s=0.01)
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
    far: CampaignStore, campaigns: CampaignStore, notebook: Notebook, socket: Path, redis_url: str
) -> None:
    listing = Listing(far, notebook)
    assert not await listing.add(number(1), SID)
    assert not await listing.flush()
    comes_back(socket, redis_url)
    assert await listing.flush()
    assert await is_listed(campaigns, number(1))


async def test_more_than_can_be_kept_are_said_to_be_lost(
    far: CampaignStore, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.campaign.listing, "MAX_KEPT", 1)
    listing = Listing(far, notebook)
    await listing.add(number(1), SID)
    with capture_logs() as logs:
        assert not await listing.add(number(2), "another call")
    assert listing.kept == 1
    assert [(log["log_level"], log["source"]) for log in logs] == [("error", "another call")]


async def test_a_number_is_kept_when_its_call_ends_while_redis_is_asked(
    campaigns: CampaignStore, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(campaigns, notebook, again_s=0.01)
    with monkeypatch.context() as patched:
        patched.setattr(campaigns, "do_not_call", _hangs)
        asking = asyncio.create_task(listing.add(number(1), SID))
        await until(lambda: listing.kept == 1)
        asking.cancel()
        await asyncio.wait([asking])
    async with running(listing.run()):
        await until(lambda: listing.kept == 0)
    assert await is_listed(campaigns, number(1))


async def test_who_asks_while_others_are_tried_is_tried_too(
    campaigns: CampaignStore, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, asked = campaigns.do_not_call, set[str]()

    async def answered(called: str, source: str) -> bool:
        if called not in asked:
            asked.add(called)
            raise StoreUnavailable("not in time")
        if called == number(1):
            # The second asks now, of whom Redis does not hear.
            await listing.add(number(2), SID)
        return await add(called, source)

    monkeypatch.setattr(campaigns, "do_not_call", answered)
    listing = Listing(campaigns, notebook, again_s=0.01)
    async with running(listing.run()):
        await listing.add(number(1), SID)
        await until(lambda: listing.kept == 0)
    assert await is_listed(campaigns, number(2))


async def test_what_waits_outlives_its_worker(
    far: CampaignStore,
    campaigns: CampaignStore,
    notebook: Notebook,
    socket: Path,
    tmp_path: Path,
    redis_url: str,
) -> None:
    folder = tmp_path / "state"
    listing = Listing(far, notebook)
    with capture_logs() as logs:
        async with running(listing.run()):
            await listing.add(number(1), SID)
            await until(lambda: notebook.noted)
            await listing.add(number(2), SID)
            await until(lambda: len(notebook.noted) == 2)
            (path,) = folder.iterdir()
            assert path.stat().st_mode & 0o777 == 0o600
            assert Notebook(folder).find() == {}, "its worker has it"
        await listing.conclude()
        comes_back(socket, redis_url)
        again = Listing(far, Notebook(folder), again_s=0.01)
        async with running(again.run()):
            await until(lambda: not list(folder.iterdir()))
    for index in (1, 2):
        assert await is_listed(campaigns, number(index))
        assert number(index) not in repr(logs)


async def test_a_disk_that_takes_nothing_is_said_once_and_harms_nobody(
    far: CampaignStore, campaigns: CampaignStore, socket: Path, tmp_path: Path, redis_url: str
) -> None:
    (tmp_path / "state").write_text("no folder")
    notebook = Notebook(tmp_path / "state")
    listing = Listing(far, notebook, again_s=0.01)
    with capture_logs() as logs:
        async with running(listing.run()):
            await listing.add(number(1), SID)
            await until(lambda: _said(logs, "do-not-call requests wait in memory alone"))
            await listing.conclude()
            comes_back(socket, redis_url)
            await until(lambda: listing.kept == 0)
    assert await is_listed(campaigns, number(1))
    assert len(_said(logs, "do-not-call requests wait in memory alone")) == 1
    (lost,) = _said(logs, "do-not-call requests are lost: Redis was away")
    assert lost["requests"] == 1
    assert number(1) not in repr(logs)


def test_what_was_broken_off_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "do-not-call-1.waiting").write_text(f"\n{number(1)} {SID}\n\n{number(2)} CA\n+1555")
    assert Notebook(tmp_path).find() == {number(1): SID, number(2): "CA"}


def _said(logs: list[EventDict], event: str) -> list[EventDict]:
    return [log for log in logs if log["event"] == event]


async def _hangs(number: str, source: str) -> None:
    await asyncio.Event().wait()
