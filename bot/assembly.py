"""What a worker is made of: everything is built here, in order, and released in the reverse one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from bot.api.calls import CallsApi
from bot.api.campaigns import CampaignsApi
from bot.api.keys.api import KeysApi
from bot.api.stt.service import SttService
from bot.app import build_app
from bot.calls import Calls
from bot.campaign.dialing import Dialing
from bot.campaign.ending import Endings
from bot.campaign.joining import join_campaigns
from bot.campaign.listing import Listing
from bot.console.pages import page_routes
from bot.dialog.hook import load_dialogs
from bot.dialog.resources import Resources
from bot.disk import Disk
from bot.engines import Engines
from bot.inbox import Inbox
from bot.live_call import LiveCalls
from bot.liveness import Liveness
from bot.metrics import Metrics
from bot.numbers import provider_names
from bot.reaching import Reaching
from bot.redis_server import private_redis
from bot.retention import Retention
from bot.settings import Settings
from bot.store import Store, StoreUnavailable
from bot.telephony.address import NEXT_PATH, Address
from bot.telephony.admission import Admission
from bot.telephony.answers import Answers
from bot.telephony.memory import SharedMemory
from bot.telephony.orders import Orders
from bot.telephony.rest import TwilioRest
from bot.telephony.webhooks import Webhooks
from bot.usage import SharedUsage
from providers.ears import Ears
from providers.usage import Account, Budget, Meter
from providers.vad import load_model

__all__ = ["Assembly", "assemble"]


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of a worker that the process runs.

    Attributes:
        rest: None without credentials.
        dialing: None when this worker does not dial for campaigns.
        listing: to the do-not-call list.
        endings: for campaigns, of their calls.
        stt: the streaming speech-to-text service.
        retention: None without recordings.
        vad: the name of the voice activity model.
    """

    app: Starlette
    calls: Calls
    engines: Engines
    metrics: Metrics
    store: Store
    inbox: Inbox
    liveness: Liveness
    usage: SharedUsage
    rest: TwilioRest | None
    dialing: Dialing | None
    listing: Listing
    endings: Endings
    stt: SttService
    retention: Retention | None
    vad: str


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Assembly]:
    """Build a worker.

    Raises (on entering):
        ProviderError, DialogError, MissingModelError: something it is made of cannot be had.
        RedisServerError: no private Redis can be started.
        OSError: the recordings' directory cannot be made.
    """
    worker_id = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    metrics = Metrics()
    address = Address(settings.public_url)
    async with AsyncExitStack() as stack:
        redis_url = await _redis_url(settings, stack)
        prefix = settings.redis_prefix
        store = Store(
            redis_url,
            prefix=prefix,
            retention_days=settings.retention_days,
            metrics=metrics,
            on_superseded=lambda sid, generation: calls.superseded(sid, generation),
        )
        stack.push_async_callback(store.aclose)
        with contextlib.suppress(StoreUnavailable):
            # It is logged and counted; calls are answered all the same.
            await store.ping()
        inbox = Inbox(redis_url, worker_id, prefix=prefix, metrics=metrics)
        stack.push_async_callback(inbox.aclose)
        rest = TwilioRest.of(settings)
        if rest is not None:
            stack.push_async_callback(rest.aclose)
        orders = Orders(rest, Answers(settings, time.time)) if rest is not None else None
        model = await asyncio.to_thread(load_model, settings.vad)
        # Twice the calls: two generations of one call may overlap for a moment. And twice the
        # sessions: one may have two channels.
        ears = Ears(model, max_calls=2 * (settings.max_calls + settings.stt_max_sessions))
        stack.callback(ears.close)
        usage = SharedUsage(redis_url, worker_id, prefix=prefix, metrics=metrics)
        stack.push_async_callback(usage.aclose)
        await usage.exchange()
        resources = Resources.of(settings, metrics.count_tokens)
        stack.push_async_callback(resources.aclose)
        account = _account(settings, usage)
        engines = await stack.enter_async_context(_engines(settings, account))
        stt = SttService(
            settings,
            redis_url,
            worker_id,
            engines=engines,
            account=account,
            ears=ears,
            inbox=inbox,
            metrics=metrics,
            calls=lambda: calls.recognizing,
        )
        stack.push_async_callback(stt.aclose)
        await stt.prepare()
        dialogs = load_dialogs((bot.dialog for bot in settings.bots()), resources)
        campaigns = await stack.enter_async_context(
            join_campaigns(settings, redis_url, store, metrics, dialogs, resources)
        )
        makes = LiveCalls(
            settings,
            worker_id=worker_id,
            store=store,
            ears=ears,
            engines=engines,
            dialogs=dialogs,
            disk=stack.enter_context(Disk()),
            orders=orders,
            campaigns=campaigns.calls,
        )
        calls = Calls(
            makes,
            store,
            ears,
            metrics,
            campaigns.calls.endings,
            most=settings.max_calls,
            sessions=lambda: stt.sessions.recognizing,
        )
        reaching = Reaching(store, inbox, calls, orders)
        memory = SharedMemory(store)
        yield Assembly(
            app=build_app(
                webhooks=Webhooks(
                    settings, store, memory, calls, reaching, metrics, campaigns=campaigns.calls
                ),
                admission=Admission(
                    address,
                    settings.auth_tokens,
                    store,
                    memory,
                    worker=worker_id,
                    metrics=metrics,
                    latest=calls.latest,
                ),
                calls=calls,
                api=[
                    *CallsApi(settings, store, reaching, calls, usage.uses).routes,
                    *CampaignsApi(settings, campaigns.store, store, redis_url).routes,
                    *KeysApi(settings, stt.keys).routes,
                ],
                stt=stt.routes,
                pages=page_routes(),
                origins=stt.origins,
                metrics=metrics,
                health=lambda: _health(calls, engines, stt),
                ready=lambda: not calls.draining,
            ),
            calls=calls,
            engines=engines,
            metrics=metrics,
            store=store,
            inbox=inbox,
            liveness=Liveness(
                store.leases,
                calls,
                rest,
                address.document(NEXT_PATH),
                metrics,
                worker=worker_id,
                info=lambda: {
                    "host": socket.gethostname(),
                    "pid": str(os.getpid()),
                    "max_calls": str(calls.capacity),
                    "inbound": str(calls.beside_campaigns),
                },
            ),
            usage=usage,
            rest=rest,
            dialing=campaigns.dialing,
            listing=campaigns.calls.listing,
            endings=campaigns.calls.endings,
            stt=stt,
            retention=_retention(settings),
            vad=model.name,
        )


async def _redis_url(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return await stack.enter_async_context(private_redis(settings.state_dir))


@asynccontextmanager
async def _engines(settings: Settings, account: Account) -> AsyncIterator[Engines]:
    bots = settings.bots()
    specs = {spec for bot in bots for spec in (bot.stt_provider, bot.tts_provider)}
    names = {name for spec in specs for name in provider_names(spec)}
    own = {name: settings.engine(name) for name in names}
    engines = Engines(bots, settings.apology, settings.farewell, own, account=account)
    try:
        await engines.start()
        yield engines
    finally:
        await engines.aclose()


def _health(calls: Calls, engines: Engines, stt: SttService) -> dict[str, Any]:
    """How the worker is: its calls and sessions, and each provider it has used."""
    providers = engines.health()
    providers["stt"] |= stt.health()
    return {"calls": calls.active, "sessions": stt.sessions.active, "providers": providers}


def _account(settings: Settings, usage: SharedUsage) -> Account:
    budget = Budget(
        settings.monthly_budget_usd,
        refuse=settings.over_budget == "refuse",
        spent_usd=usage.spent_usd,
    )
    return Account(Meter(usage.add), budget)


def _retention(settings: Settings) -> Retention | None:
    if settings.recordings is None:
        return None
    settings.recordings.mkdir(parents=True, exist_ok=True)
    return Retention(settings.recordings, settings.retention_days)
