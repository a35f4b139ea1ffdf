"""A campaign's call that a machine has answered, on a worker and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.campaign.store import CampaignStore
from bot.inbox import Command
from bot.record import Record
from tests.background import until
from tests.bot.live_calls import ACCOUNT, SID, Bot, Worker, heard, working

from .campaigns import claimed, running

MESSAGE = "Call us."


@asynccontextmanager
async def campaign_call(
    worker: Worker,
    store: CampaignStore,
    direction: Literal["inbound", "outbound"] = "outbound",
    **spec: Any,
) -> AsyncIterator[Record]:
    """The record of a campaign's call, as `voice` leaves it."""
    campaign = await running(store, **spec)
    attempt = await claimed(store, campaign)
    taken = await worker.store.take(SID, "worker-1", 1)
    assert taken.record is None
    yield Record(
        SID,
        ACCOUNT,
        generation=1,
        direction=direction,
        dialog="echo",
        campaign=campaign.id,
        attempt=attempt.id,
    )


@pytest.fixture
def hook() -> Bot:
    return Bot("Hello.")


@pytest.fixture
async def worker(
    campaigns: CampaignStore, redis_url: str, redis_prefix: str, tmp_path: Path, hook: Bot
) -> AsyncIterator[Worker]:
    async with working(redis_url, redis_prefix, tmp_path, hook, campaigns=campaigns) as one:
        yield one


async def test_twilios_verdict_ends_the_call(worker: Worker, campaigns: CampaignStore) -> None:
    async with campaign_call(worker, campaigns) as record, worker.stream(record) as phone:
        await heard(phone)
        await worker.calls.command(Command("amd", SID, answered_by="machine_start"))
        await until(lambda: phone.closed is not None)
    stored = await worker.stored()
    assert stored.pending == {"action": "hangup", "reason": "voicemail"}
    assert (stored.answered_by, stored.voicemail) == ("machine_start", "over")


async def test_the_campaigns_message_is_left(worker: Worker, campaigns: CampaignStore) -> None:
    leave = campaign_call(worker, campaigns, voicemail="leave_message", message=MESSAGE)
    async with leave as record:
        record.answered_by = "machine_end_beep"
        async with worker.stream(record) as phone:
            await until(lambda: phone.closed is not None)
    stored = await worker.stored()
    assert [entry.heard for entry in stored.history] == [MESSAGE]
    assert stored.message_left
    assert stored.pending == {"action": "hangup", "reason": "voicemail"}


async def test_a_verdict_while_the_dialog_is_being_loaded(
    worker: Worker, campaigns: CampaignStore, hook: Bot
) -> None:
    async with campaign_call(worker, campaigns) as record:
        stream = worker.stream(record)
        opening = asyncio.create_task(stream.__aenter__())
        async with asyncio.timeout(5):
            # It is there only while Redis is asked.
            while SID not in worker.calls._coming:  # noqa: ASYNC110
                await asyncio.sleep(0)
        with pytest.raises(LookupError):
            await worker.calls.command(Command("amd", SID, answered_by="machine_start"))
        phone = await opening
        await until(lambda: phone.closed is not None)
        await stream.__aexit__(None, None, None)
    assert (await worker.stored()).voicemail == "over"
    assert (await worker.stored()).history == []


async def test_who_calls_back_is_no_machine(worker: Worker, campaigns: CampaignStore) -> None:
    async with (
        campaign_call(worker, campaigns, "inbound") as record,
        worker.stream(record) as phone,
    ):
        await heard(phone)
        await worker.calls.command(Command("amd", SID, answered_by="machine_start"))
        await worker.said("Hello.")
        assert phone.closed is None
