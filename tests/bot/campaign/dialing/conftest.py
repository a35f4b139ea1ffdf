"""What tests of dialling share: a stand-in of Twilio's REST API, and campaigns in its loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from bot.campaign.store import CampaignStore
from bot.telephony.rest import TwilioRest
from tests.bot.campaign.alive import announce
from tests.bot.campaign.campaigns import Clock
from tests.vendors.twilio_rest.running import ACCOUNT, TOKEN, Twilio, TwilioServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[TwilioServer]:
    """A server takes a while to stop: there is one for a module."""
    async with TwilioServer.running() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def twilio(server: TwilioServer) -> AsyncIterator[Twilio]:
    """A Twilio of which nobody has asked anything, and which leaves its calls in the queue."""
    async with server.fresh() as twilio:
        yield twilio


@pytest_asyncio.fixture(loop_scope="module")
async def campaigns(
    redis_url: str, redis_prefix: str, clock: Clock
) -> AsyncIterator[CampaignStore]:
    """As for other tests, in the loop of the module."""
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10, clock=clock)
    await announce(redis_url, redis_prefix)
    yield store
    await store.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def rest(twilio: Twilio) -> AsyncIterator[TwilioRest]:
    """The way to that Twilio, with a connection."""
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url)
    await rest.check()
    twilio.standin.requests.clear()
    yield rest
    await rest.aclose()
