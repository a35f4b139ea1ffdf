"""Calls of a worker on a real Redis, with a store of their own, and telephones to talk to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import bot.keeping
from bot.calls import Calls
from bot.campaign.calls import CampaignCalls
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.dialog import Call, Ended
from bot.dialog.hook import Dialog, DialogFactory, load_dialog
from bot.disk import Disk
from bot.engines import Engines
from bot.live_call import LiveCalls
from bot.metrics import Metrics
from bot.record import Record
from bot.settings import Settings
from bot.store import Store
from media.messages import Start
from providers.ears import Ears
from tests.background import until
from tests.bot.engines import Level
from tests.bot.sessions import STREAM, Telephone

__all__ = ["ACCOUNT", "SID", "Bot", "Worker", "heard", "working"]

SID = "CA" + "0" * 32
ACCOUNT = "AC" + "0" * 32


class Bot:
    """Greets, and notes how calls end."""

    def __init__(self, *greeting: object) -> None:
        self.greeting = list(greeting)
        self.resumed: list[str] = []
        self.ends: list[tuple[list[str], Ended]] = []

    async def greet(self, call: Call) -> list[object]:
        return self.greeting

    async def on_resume(self, call: Call, unheard: str) -> str:
        self.resumed.append(unheard)
        return "Again."

    async def on_end(self, call: Call, ended: Ended) -> None:
        self.ends.append(([entry.heard for entry in call.history], ended))


class Worker:
    """Calls with a store of their own, and telephones to talk to them."""

    def __init__(self, calls: Calls, store: Store, metrics: Metrics, folder: Path) -> None:
        self.calls = calls
        self.store = store
        self.metrics = metrics
        self.folder = folder

    @asynccontextmanager
    async def stream(self, record: Record, **parameters: str) -> AsyncIterator[Telephone]:
        """A stream of the call. It is hung up at the end, if it has not ended before."""
        phone = Telephone()
        start = Start(STREAM, ACCOUNT, record.sid, parameters)
        line = asyncio.create_task(phone.run())
        carried = asyncio.create_task(self.calls.carry(phone, start, record))
        try:
            await until(lambda: carried.done() or phone.frames > 1)
            yield phone
            phone.hang_up()
            async with asyncio.timeout(10):
                await carried
        finally:
            line.cancel()
            carried.cancel()
            await asyncio.wait([line, carried])

    async def said(self, *texts: str) -> None:
        """Wait until this is what the caller has heard."""
        await until(lambda: SID in self.calls._live)
        live = self.calls._live[SID]
        await until(lambda: [entry.heard for entry in live.call.history] == list(texts))

    async def take(self, generation: int) -> Record:
        """The record as admission finds it."""
        taken = await self.store.take(SID, "worker-1", generation)
        return taken.record or Record(SID, ACCOUNT, generation=generation)

    async def stored(self) -> Record:
        assert await self.store.flush(5)
        record = await self.store.load(SID)
        assert record is not None
        return record

    @property
    def recording_failure(self) -> str:
        recording = self.calls._live[SID].recording
        return recording.failure if recording is not None else ""

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


async def heard(phone: Telephone, ms: float = 100) -> None:
    """Wait until the caller has heard so much of the bot."""
    await until(lambda: phone.speech_ms >= ms)


@asynccontextmanager
async def working(
    url: str,
    prefix: str,
    folder: Path,
    hook: Bot,
    name: str = "worker-1",
    campaigns: CampaignStore | None = None,
    load: Callable[[str], DialogFactory] = load_dialog,
    **more: Any,
) -> AsyncIterator[Worker]:
    """A worker, whose engines are those that the catalog has; its Redis may take its time.

    `load` finds dialogs of `campaigns`.
    """
    settings = Settings.model_validate(
        {"public_url": "http://127.0.0.1:1", "state_dir": folder, **more}
    )
    metrics = Metrics()
    store = Store(url, prefix=prefix, metrics=metrics, deadline_s=10)
    ears = Ears(Level(), max_calls=more.get("max_calls", 100))
    engines = Engines(settings.bots(), "Sorry.", "Goodbye.")
    await engines.start()
    dialogs: dict[str, DialogFactory] = {"echo": lambda: Dialog(hook)}
    calling = None
    if campaigns is not None:
        settling = Settling(campaigns, store, jitter=lambda: 0.0)
        calling = CampaignCalls(settings, campaigns, settling, dialogs, load, 10)
    with Disk() as disk:
        makes = LiveCalls(
            settings,
            worker_id=name,
            store=store,
            ears=ears,
            engines=engines,
            dialogs=dialogs,
            disk=disk,
            campaigns=calling,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bot.keeping, "COMMIT_DEADLINE_S", 10)
            endings = None if calling is None else calling.endings
            yield Worker(
                Calls(makes, store, ears, metrics, endings, most=10), store, metrics, folder
            )
    ears.close()
    await engines.aclose()
    await store.aclose()
