"""A Twilio that dials, and a bot for it to ask, for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from tests.bot.phone.worker_stub import TOKEN, StubWorker, running_worker

from .dialling import Dialling, DiallingConfig
from .ledger import Entry
from .meddling import Meddling
from .people import People, Person
from .running import ACCOUNT, OURS
from .server import serving
from .standin import TwilioRestStandIn

__all__ = ["EVENTS", "PERSON", "Scene", "calling"]

PERSON = "+15550107777"
EVENTS = ["initiated", "ringing", "answered", "completed"]


@dataclass
class Scene:
    """The bot, Twilio, and Twilio's official client on it."""

    worker: StubWorker
    standin: TwilioRestStandIn
    dialling: Dialling
    client: Client
    url: str

    def order(self, attempt: str = "a1", **more: Any) -> dict[str, Any]:
        """The parameters of a call to the person, all of whose progress is told."""
        url = self.worker.url
        return {
            "to": PERSON,
            "from_": OURS,
            "url": f"{url}/twilio/voice?attempt={attempt}",
            "status_callback": f"{url}/twilio/status?attempt={attempt}",
            "status_callback_event": EVENTS,
            **more,
        }

    async def create(self, attempt: str = "a1", **more: Any) -> str:
        """Have the person called; gives the call's SID."""
        made = await self.client.calls.create_async(**self.order(attempt, **more))
        return str(made.sid)

    async def over(self, *sids: str) -> list[Entry]:
        """Wait until calls are over and all is told."""
        entries = [self.dialling.ledger[sid] for sid in sids]
        async with asyncio.timeout(10):
            for entry in entries:
                await entry.over.wait()
        return entries

    async def call(self, **more: Any) -> Entry:
        """Have the person called, and wait for the end."""
        (entry,) = await self.over(await self.create(**more))
        return entry

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """What status callbacks said, in the order of their arrival: number and status."""
        told = self.worker.about("/twilio/status")
        return [(params["SequenceNumber"], params["CallStatus"]) for params in told]


@contextlib.asynccontextmanager
async def calling(
    *people: Person,
    speed: float = 20.0,
    per_second: float | None = None,
    meddling: Meddling | None = None,
    folder: Path | None = None,
) -> AsyncIterator[Scene]:
    """Everybody who is called is one of `people`, the first at the first call and so on."""
    async with running_worker() as worker:
        phone = PhoneConfig(worker.url, TOKEN, account_sid=ACCOUNT, speed=speed)
        config = DiallingConfig(phone, per_second, meddling or Meddling(), folder)
        exchange = Exchange()
        async with (
            Dialling(config, People({PERSON: people}), exchange) as dialling,
            AsyncTwilioHttpClient() as http,
        ):
            standin = TwilioRestStandIn(ACCOUNT, TOKEN, exchange=exchange, dialling=dialling)
            async with serving(standin) as url:
                client = Client(ACCOUNT, TOKEN, http_client=http)
                client.api.base_url = url
                yield Scene(worker, standin, dialling, client, url)
                assert standin.complaints == []
