"""The calls of a worker that can be told what to do, without the rest of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.dialog.types import Ended
from bot.inbox import Command, Inbox
from bot.metrics import Metrics
from bot.phone.clock import PhoneClock
from bot.phone.exchange import Exchange, LiveCall, Source
from bot.phone.identity import CallIdentity
from bot.reaching import Reaching
from bot.settings import Settings
from bot.store import Store
from bot.telephony.answers import Answers
from bot.telephony.orders import Orders
from bot.telephony.rest import TwilioRest
from tests.serving import serving_app
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

SID = "CA" + "0" * 32
ACCOUNT = "AC" + "1" * 32
TOKEN = "12345"


@dataclass
class Calls:
    """The worker's calls: `here` are those whose stream it has."""

    here: set[str] = field(default_factory=set)
    commands: list[Command] = field(default_factory=list)
    ends: list[tuple[str, Ended]] = field(default_factory=list)

    def holds(self, sid: str) -> bool:
        return sid in self.here

    async def command(self, command: Command) -> None:
        if command.sid not in self.here:
            raise LookupError
        self.commands.append(command)

    async def end(self, sid: str, ended: Ended) -> None:
        self.ends.append((sid, ended))


def nowhere() -> Inbox:
    """An inbox that reaches nobody."""
    return Inbox("unix:///nonexistent/redis.sock", "worker-0", prefix="none:", metrics=Metrics())


def reaching(
    settings: Settings,
    store: Store,
    calls: Calls,
    *,
    inbox: Inbox | None = None,
    rest: TwilioRest | None = None,
    deadline_s: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
) -> Reaching:
    """The way of commands, with little patience for workers that do not answer."""
    orders = Orders(rest, Answers(settings, time.time)) if rest is not None else None
    return Reaching(store, inbox or nowhere(), calls, orders, deadline_s=deadline_s, clock=clock)


@dataclass
class Twilio:
    """Twilio's REST API, and one call in progress there."""

    url: str
    standin: TwilioRestStandIn
    exchange: Exchange
    rest: TwilioRest
    call: LiveCall
    followed: asyncio.Queue[Source] = field(default_factory=asyncio.Queue)

    async def follow(self, source: Source) -> Ended:
        self.followed.put_nowait(source)
        await asyncio.Event().wait()
        raise AssertionError


@asynccontextmanager
async def twilio() -> AsyncIterator[Twilio]:
    """Twilio, where the call `SID` is in progress."""
    exchange = Exchange()
    standin = TwilioRestStandIn(ACCOUNT, TOKEN, exchange=exchange)
    identity = CallIdentity(ACCOUNT, "+15550001111", "+15551234567", SID)
    call = LiveCall(identity, PhoneClock(1))
    exchange.add(call)
    async with serving_app(standin) as served:
        rest = TwilioRest(ACCOUNT, TOKEN, api_url=served.url)
        at = Twilio(served.url, standin, exchange, rest, call)
        call.answered()
        running = asyncio.create_task(call.run(at.follow, "<Response/>"))
        assert await at.followed.get() == "<Response/>"
        yield at
        standin.closing.set()
        running.cancel()
        await asyncio.wait([running])
        await rest.aclose()
