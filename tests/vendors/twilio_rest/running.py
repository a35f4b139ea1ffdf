"""Stand-ins for tests: one server for a module, a fresh stand-in for each test, live calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from bot.dialog.types import Ended
from bot.phone.clock import PhoneClock
from bot.phone.exchange import Exchange, LiveCall, Source
from bot.phone.identity import CallIdentity

from .server import serving
from .standin import TwilioRestStandIn

__all__ = ["ACCOUNT", "CALLER", "OURS", "TOKEN", "Twilio", "TwilioServer"]

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "f1e2d3c4-auth-token"
CALLER, OURS = "+15550001111", "+15559990000"


class TwilioServer:
    """A socket behind which one stand-in follows the other: a server takes a while to stop."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.standin: TwilioRestStandIn | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.standin is not None
        await self.standin(scope, receive, send)

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> AsyncIterator[TwilioServer]:
        """Serve until the context is left."""
        server = cls()
        async with serving(server) as server.url:
            yield server

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[Twilio]:
        """A Twilio of which nobody has asked anything yet."""
        exchange = Exchange()
        self.standin = TwilioRestStandIn(ACCOUNT, TOKEN, exchange=exchange)
        async with asyncio.TaskGroup() as calls:
            twilio = Twilio(self.url, self.standin, exchange, calls)
            yield twilio
            twilio.over()


@dataclass
class Twilio:
    """A stand-in and its calls; `obeyed` is what REST had each of them do."""

    url: str
    standin: TwilioRestStandIn
    exchange: Exchange
    _tasks: asyncio.TaskGroup
    obeyed: dict[str, list[Source]] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def call(self, *, answered: bool = True, account_sid: str = ACCOUNT) -> LiveCall:
        """A simulated call that does nothing but what REST says."""
        call = LiveCall(CallIdentity(account_sid, CALLER, OURS), PhoneClock(1.0))
        self.exchange.add(call)
        obeyed = self.obeyed.setdefault(call.sid, [])

        async def follow(source: Source) -> Ended:
            async with self._news:
                obeyed.append(source)
                self._news.notify_all()
            await asyncio.Event().wait()
            raise AssertionError

        self._tasks.create_task(call.run(follow, "begin"))
        await self.followed(call.sid, 1)
        if answered:
            call.answered()
        return call

    async def followed(self, sid: str, orders: int) -> list[Source]:
        """Wait until a call has followed so many documents; gives them."""
        obeyed = self.obeyed[sid]
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(obeyed) >= orders)
        return obeyed

    def over(self) -> None:
        """Everybody hangs up."""
        for call in self.exchange.calls.values():
            if call.ended_s is None:
                call.complete()

    def forms(self, method: str = "POST") -> list[dict[str, str]]:
        """What was asked by this method, in its order."""
        return [dict(seen.form) for seen in self.standin.requests if seen.method == method]
