"""Campaigns as a command finds them: in the Redis that the workers use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import click
from redis.exceptions import AuthenticationError, ResponseError

from bot.records.access import (
    DEADLINE_S,
    NothingKept,
    Unreadable,
    open_redis,
    redis_name,
    store_at,
)
from bot.redis_server import RedisServerError
from bot.settings import Settings
from bot.shell import load_settings
from bot.store import Store, StoreUnavailable

from .control import ControlError, Controls
from .store import CampaignStore

__all__ = ["NoCampaigns", "Opened", "open_campaigns", "run"]

_T = TypeVar("_T")


class NoCampaigns(click.ClickException):
    """There is no Redis in which one could be; no failure for a list."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with."""

    campaigns: CampaignStore
    calls: Store
    controls: Controls


@asynccontextmanager
async def open_campaigns(settings: Settings, *, make: bool = False) -> AsyncIterator[Opened]:
    """The campaigns of this deployment; what goes wrong meanwhile is put into one line.

    Args:
        make: whether a private Redis is made if there is none.

    Raises:
        NoCampaigns: there is none.
        ClickException: it does not answer, or a `ControlError` was raised within.
    """
    try:
        async with open_redis(settings, make=make) as url, store_at(url, settings) as calls:
            campaigns = CampaignStore(
                url,
                prefix=settings.redis_prefix,
                retention_days=settings.retention_days,
                deadline_s=DEADLINE_S,
            )
            controls = Controls(settings, campaigns, calls, url)
            try:
                yield Opened(campaigns, calls, controls)
            finally:
                await campaigns.aclose()
    except NothingKept as error:
        raise NoCampaigns(f"there are no campaigns: {error}") from None
    except (Unreadable, RedisServerError, ControlError) as error:
        raise click.ClickException(str(error)) from None
    except StoreUnavailable as error:
        fault = f"{redis_name(settings)} does not answer ({error}); is it running?"
        if _refuses(error):
            fault = (
                f"{redis_name(settings)} refuses what was asked of it ({error}); look at user,"
                " password, database and rights in REDIS_URL"
            )
        raise click.ClickException(fault) from None


def run(work: Callable[[Opened], Awaitable[_T]], *, make: bool = False) -> _T:
    """Do something with the campaigns of this deployment; as `open_campaigns`."""

    async def opened() -> _T:
        async with open_campaigns(load_settings(), make=make) as campaigns:
            return await work(campaigns)

    return asyncio.run(opened())


def _refuses(error: BaseException | None) -> bool:
    """Whether Redis answered, and does not let us: redis-py tells it as what a lost connection is
    made of."""
    while error is not None:
        if isinstance(error, AuthenticationError | ResponseError):
            return True
        error = error.__cause__ or error.__context__
    return False
