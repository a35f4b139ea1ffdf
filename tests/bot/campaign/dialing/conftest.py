"""What tests of dialling share: a stand-in of Twilio's REST API, and campaigns in its loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from bot.campaign.store import CampaignStore
from bot.telephony.rest import TwilioRest
from tests.bot.campaign.campaigns import Clock, campaign_store
from tests.vendors.twilio_rest.fixtures import server, twilio
from tests.vendors.twilio_rest.running import ACCOUNT, TOKEN, Twilio

__all__ = ["campaigns", "rest", "server", "twilio"]


@pytest_asyncio.fixture(loop_scope="module")
async def campaigns(
    redis_url: str, redis_prefix: str, clock: Clock
) -> AsyncIterator[CampaignStore]:
    """As for other tests, in the loop of the module."""
    async with campaign_store(redis_url, redis_prefix, clock) as store:
        yield store


@pytest_asyncio.fixture(loop_scope="module")
async def rest(twilio: Twilio) -> AsyncIterator[TwilioRest]:
    """The way to that Twilio, with a connection."""
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url)
    await rest.check()
    twilio.standin.requests.clear()
    yield rest
    await rest.aclose()
