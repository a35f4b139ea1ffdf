"""What campaigns are made of in a process."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bot.dialog.hook import DialogFactory, load_dialog
from bot.dialog.resources import Resources
from bot.metrics import Metrics
from bot.settings import Settings
from bot.store import Store
from bot.telephony.rest import TwilioRest

from .calls import CampaignCalls
from .dialing import Dialing
from .events import Deliverer
from .settling import Settling
from .store import CampaignStore

__all__ = ["WorkersCampaigns", "campaign_store", "join_campaigns", "open_dialing"]


@dataclass(frozen=True, slots=True)
class WorkersCampaigns:
    """A worker's part in campaigns.

    Attributes:
        calls: what its calls have to do with them.
        dialing: None when it does not dial: without credentials, or with PARLEY_DIALER off.
    """

    store: CampaignStore
    calls: CampaignCalls
    dialing: Dialing | None


@asynccontextmanager
async def join_campaigns(
    settings: Settings,
    redis_url: str,
    calls: Store,
    metrics: Metrics,
    dialogs: Mapping[str, DialogFactory],
    resources: Resources,
) -> AsyncIterator[WorkersCampaigns]:
    """The campaigns of a worker.

    Args:
        redis_url: where they are, and `calls` too.
        dialogs: those of the deployment's own numbers; `resources` are for others.
    """
    # In a thread, before there are calls: the first campaign with a country's holidays needs it.
    await asyncio.to_thread(importlib.import_module, "holidays")
    async with AsyncExitStack() as stack:
        store = campaign_store(settings, redis_url, metrics)
        stack.push_async_callback(store.aclose)
        load = partial(load_dialog, resources=resources)
        joined = CampaignCalls(settings, store, Settling(store, calls), dialogs, load)
        dialing = None
        if settings.dialer and settings.rest_configured:
            opened = open_dialing(settings, redis_url, store, calls, metrics)
            dialing = await stack.enter_async_context(opened)
        yield WorkersCampaigns(store, joined, dialing)


@asynccontextmanager
async def open_dialing(
    settings: Settings,
    redis_url: str,
    campaigns: CampaignStore,
    calls: Store,
    metrics: Metrics,
) -> AsyncIterator[Dialing]:
    """What dials, sweeps and delivers events, not yet running; there must be credentials."""
    # Of its own: what dials would take all the connections that rescuing calls needs.
    rest = TwilioRest.of(settings)
    assert rest is not None
    secret = settings.webhook_secret
    deliverer = Deliverer(
        campaigns, calls, secret.get_secret_value() if secret else None, metrics=metrics
    )
    try:
        settling = Settling(campaigns, calls)
        yield Dialing(settings, campaigns, rest, settling, deliverer, redis_url, metrics=metrics)
    finally:
        await deliverer.aclose()
        await rest.aclose()


def campaign_store(settings: Settings, redis_url: str, metrics: Metrics) -> CampaignStore:
    """The campaigns, as the settings say."""
    return CampaignStore(
        redis_url,
        prefix=settings.redis_prefix,
        retention_days=settings.retention_days,
        metrics=metrics,
    )
