"""A campaign's call that a machine has answered, on a worker and a real Redis."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.campaign.store import CampaignStore
from bot.inbox import Command
from bot.record import Record
from providers import catalog
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
    campaigns: CampaignStore,
    redis_url: str,
    redis_prefix: str,
    tmp_path: Path,
    hook: Bot,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Worker]:
    # Nobody says anything; the real one takes a while to load.
    monkeypatch.setitem(catalog.STT, "pocketsphinx", "tests.bot.engines:Recognizer")
    async with working(redis_url, redis_prefix, tmp_path, hook, campaigns=campaigns) as one:
        yield one


class Loading:
    """Dialogs that take a while to load: for each stream, that it has begun, and is to be over."""

    def __init__(self) -> None:
        self.begun = defaultdict[int, asyncio.Event](asyncio.Event)
        self.over = defaultdict[int, asyncio.Event](asyncio.Event)

    async def prepare(self, record: Record) -> None:
        self.begun[record.generation].set()
        await self.over[record.generation].wait()


@pytest.fixture
def loading(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Loading:
    makes, loading = worker.calls._makes, Loading()
    prepare = makes.prepare

    async def slowly(record: Record) -> None:
        await loading.prepare(record)
        await prepare(record)

    monkeypatch.setattr(makes, "prepare", slowly)
    return loading


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
    worker: Worker, campaigns: CampaignStore, loading: Loading
) -> None:
    async with campaign_call(worker, campaigns) as record, worker.stream(record) as phone:
        await loading.begun[1].wait()
        with pytest.raises(LookupError):
            await worker.calls.command(Command("amd", SID, answered_by="machine_start"))
        loading.over[1].set()
        await until(lambda: phone.closed is not None)
    assert (await worker.stored()).voicemail == "over"
    assert (await worker.stored()).history == []


async def test_a_verdict_while_only_an_older_streams_dialog_is_loaded(
    worker: Worker, campaigns: CampaignStore, loading: Loading
) -> None:
    async with campaign_call(worker, campaigns) as record:
        later = replace(record, generation=3)
        async with worker.stream(record), worker.stream(later):
            await loading.begun[3].wait()
            loading.over[1].set()
            await until(lambda: worker.calls.held() == {SID: 1})
            await worker.calls.command(Command("amd", SID, answered_by="human"))
            loading.over[3].set()
            await until(lambda: worker.calls.held() == {SID: 3})
            assert later.answered_by == "human"


async def test_who_calls_back_is_no_machine(worker: Worker, campaigns: CampaignStore) -> None:
    async with (
        campaign_call(worker, campaigns, "inbound") as record,
        worker.stream(record) as phone,
    ):
        await heard(phone)
        await worker.calls.command(Command("amd", SID, answered_by="machine_start"))
        await worker.said("Hello.")
        assert phone.closed is None
