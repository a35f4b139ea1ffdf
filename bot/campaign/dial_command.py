"""`parley campaign dial`: a process that dials and answers nothing."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["dial"]


@click.command(epilog="Example: PARLEY_DIALER=off parley serve &  parley campaign dial")
def dial() -> int:
    """Dial for the campaigns that run, until this is stopped.

    Workers dial too, unless PARLEY_DIALER is off; any number of processes may, and whichever dies,
    the others go on with what it had begun. The calls themselves are the workers'.
    """
    from bot.log import configure
    from bot.redis_server import RedisServerError
    from bot.settings import Settings, SettingsError

    try:
        settings = Settings.load(worker=False)
    except SettingsError as error:
        click.echo(str(error), err=True)
        return 2
    configure(settings.log_level)
    if not settings.rest_configured:
        fault = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set: nobody can be called"
        click.echo(f"parley campaign dial: {fault}", err=True)
        return 2
    try:
        asyncio.run(_dial(settings))
    except RedisServerError as error:
        click.echo(f"parley campaign dial: {error}", err=True)
        return 1
    return 0


async def _dial(settings: Settings) -> None:
    import structlog

    from bot.metrics import Metrics
    from bot.records.access import open_redis
    from bot.store import Store

    from .joining import campaign_store, open_dialing

    metrics = Metrics()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_redis(settings, make=True))
        campaigns = campaign_store(settings, url, metrics)
        stack.push_async_callback(campaigns.aclose)
        calls = Store(
            url,
            prefix=settings.redis_prefix,
            retention_days=settings.retention_days,
            metrics=metrics,
        )
        stack.push_async_callback(calls.aclose)
        opened = open_dialing(settings, url, campaigns, calls, metrics)
        dialing = await stack.enter_async_context(opened)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, dialing.stop)
        structlog.get_logger(__name__).info("dialling", account=settings.twilio_account_sid)
        await dialing.run()
