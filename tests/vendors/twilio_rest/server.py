"""Runs a stand-in on a socket: inside a test, or from a shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence

from starlette.types import ASGIApp

from bot.phone.identity import SIMULATED_ACCOUNT
from tests.serving import serving_app

from .standin import TwilioRestStandIn

__all__ = ["main", "serving"]


@contextlib.asynccontextmanager
async def serving(standin: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback, in this event loop, until the context is left; gives the base URL."""
    async with serving_app(standin, port) as served:
        try:
            yield served.url
        finally:
            if isinstance(standin, TwilioRestStandIn):
                standin.closing.set()


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors twilio_rest",
        description="A stand-in for Twilio's REST API. Point Parley at it with"
        " PARLEY_TWILIO_API_URL=http://127.0.0.1:PORT.",
    )
    parser.add_argument("--port", type=int, default=8181)
    parser.add_argument(
        "--account", default=os.environ.get("TWILIO_ACCOUNT_SID", SIMULATED_ACCOUNT)
    )
    parser.add_argument(
        "--number", action="append", default=[], help="one that the account owns, in E.164 form"
    )
    given = parser.parse_args(arguments)
    token = os.environ.get("TWILIO_AUTH_TOKEN")
    if not token:
        parser.error("set TWILIO_AUTH_TOKEN to what requests have to show")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.port, given.account, token, given.number))


async def _serve(port: int, account: str, token: str, numbers: Sequence[str]) -> None:
    standin = TwilioRestStandIn(account, token)
    for number in numbers:
        standin.account.own(number)
    async with serving(standin, port) as url:
        print(f"Twilio's REST API for {account} at {url}", flush=True)
        await asyncio.Event().wait()
