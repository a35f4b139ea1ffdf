"""Runs a stand-in on a socket: inside a test, or from a shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.phone.identity import SIMULATED_ACCOUNT
from bot.settings import Settings, SettingsError
from tests.serving import serving_app

from .dialling import Dialling, DiallingConfig
from .meddling import Meddling
from .people import People
from .people_file import PeopleError, load_people
from .standin import TwilioRestStandIn

__all__ = ["main", "serving"]

_EPILOG = """
a campaign on one machine, without an account:
  export PARLEY_TWILIO_API_URL=http://127.0.0.1:8181 TWILIO_ACCOUNT_SID={account}
  parley serve --dev &
  python -m tests.vendors twilio_rest --people people.toml --cps 1 &
  parley campaign create …
  curl http://127.0.0.1:8181/standin/ledger

The token is TWILIO_AUTH_TOKEN, or that of `parley serve --dev`. What may be written into
people.toml is at the top of tests/vendors/twilio_rest/people_file.py.
"""


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
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        settings = Settings.load(worker=False)
        people = load_people(given.people) if given.people else None
    except (SettingsError, PeopleError) as error:
        parser.error(str(error))
    if not settings.auth_tokens:
        parser.error("set TWILIO_AUTH_TOKEN to what requests have to show")
    phone = PhoneConfig(
        given.public_url or settings.public_url,
        settings.auth_tokens[0],
        addresses=tuple(given.url),
        account_sid=given.account,
        speed=given.speed,
    )
    meddling = Meddling(
        given.dropped, given.doubled, given.delayed, given.reordered, given.delay_s, given.seed
    )
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
    config = DiallingConfig(phone, given.cps or None, meddling, given.out)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(given, config, people))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors twilio_rest",
        description="A stand-in for Twilio's REST API. Point Parley at it with"
        " PARLEY_TWILIO_API_URL=http://127.0.0.1:PORT. With --people it makes the calls that it is"
        " asked for: those people are called, and the simulated phone talks for them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG.format(account=SIMULATED_ACCOUNT),
    )
    add = parser.add_argument
    add("--port", type=int, default=8181)
    add("--account", default=os.environ.get("TWILIO_ACCOUNT_SID", SIMULATED_ACCOUNT))
    add(
        "--number",
        action="append",
        default=[],
        help="one that the account owns, in E.164 form; without any, it may call from all",
    )
    calls = parser.add_argument_group("calls")
    add = calls.add_argument
    add("--people", type=Path, metavar="FILE", help="who is called: TOML")
    add("--cps", type=float, default=1.0, help="calls per second; 0: no limit (default: 1)")
    add("--public-url", help="the bot's PARLEY_PUBLIC_URL (default: as the bot's)")
    add("--url", action="append", default=[], help="connect here instead; may be given again")
    add("--speed", type=float, default=1.0, help="how fast people live (default: 1)")
    add("--out", type=Path, metavar="DIR", help="leave the sound of conversations here")
    add("--list-lag-s", type=float, default=0.0, help="how late calls come into lists")
    callbacks = parser.add_argument_group("callbacks, by chance: parts from 0 to 1")
    add = callbacks.add_argument
    for name in ("dropped", "doubled", "delayed", "reordered"):
        add(f"--{name}", type=float, default=0.0)
    add("--delay-s", type=float, default=2.0, help="by how much at most (default: 2)")
    add("--seed", type=int, default=0, help="of chance (default: 0)")
    return parser


async def _serve(given: argparse.Namespace, config: DiallingConfig, people: People | None) -> None:
    exchange = Exchange()
    async with contextlib.AsyncExitStack() as stack:
        dialling = None
        if people is not None:
            dialling = await stack.enter_async_context(Dialling(config, people, exchange))
        standin = TwilioRestStandIn(
            given.account, config.phone.auth_token, exchange=exchange, dialling=dialling
        )
        standin.account.list_lag_s = given.list_lag_s
        for number in given.number:
            standin.account.own(number)
        url = await stack.enter_async_context(serving(standin, given.port))
        print(f"Twilio's REST API for {given.account} at {url}", flush=True)
        await asyncio.Event().wait()
