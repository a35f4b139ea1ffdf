"""`--fix` together with the rest: a number is only sent to where its calls would be answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.doctor import examination
from bot.doctor.examination import examine
from bot.doctor.finding import Level
from bot.settings import Settings
from bot.telephony.address import VOICE_PATH
from tests.serving import serving_app
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

from .conftest import Findings
from .site import TOKEN, Site, serving

ACCOUNT = "AC" + "0123456789abcdef" * 2
NUMBER = "+15551230001"


@pytest.fixture
def make(settings: Callable[..., Settings], redis_url: str) -> Callable[..., Settings]:
    def make(**more: object) -> Settings:
        return settings(redis_url=redis_url, twilio_account_sid=ACCOUNT, **more)

    return make


@asynccontextmanager
async def account() -> AsyncIterator[tuple[TwilioRestStandIn, str]]:
    """An account with one number that was just bought; and its address."""
    standin = TwilioRestStandIn(ACCOUNT, TOKEN)
    standin.account.own(NUMBER)
    async with serving_app(standin) as served:
        yield standin, served.url
        standin.closing.set()


def held(standin: TwilioRestStandIn) -> dict[str, str]:
    [owned] = standin.account.numbers.values()
    return owned.settings


async def test_a_number_is_set_when_calls_would_be_answered(
    make: Callable[..., Settings], found: Findings
) -> None:
    site = Site()
    async with account() as (twilio, api_url), serving(site) as url:
        await examine(make(public_url=url, twilio_api_url=api_url), [NUMBER], found.append)
    assert held(twilio)["VoiceUrl"] == site.address.document(VOICE_PATH)


async def test_a_number_is_not_set_when_the_address_fails(
    make: Callable[..., Settings], found: Findings
) -> None:
    async with account() as (twilio, api_url), serving(Site(wrong_webhook=200)) as url:
        await examine(make(public_url=url, twilio_api_url=api_url), [NUMBER], found.append)
    assert held(twilio) == {}
    [refusal] = [one for one in found if "is left as it is" in one.text]
    assert refusal.level is Level.FAILURE
    assert refusal.remedy == "correct what failed above at the public address first"


async def test_an_address_that_is_not_looked_at_in_time_is_not_good(
    make: Callable[..., Settings], found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "ADDRESS_DEADLINE_S", 0.0)
    async with account() as (twilio, api_url), serving(Site()) as url:
        await examine(make(public_url=url, twilio_api_url=api_url), [NUMBER], found.append)
    assert held(twilio) == {}
    assert "failure address: not done within 0 s" in found.lines


async def test_that_there_is_no_provider_at_all_is_said_once(
    settings: Callable[..., Settings], found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.choosing.missing", lambda kind, name, held: f"set X for {name}")
    await examine(settings(public_url="http://127.0.0.1:9"), [], found.append)
    [lack] = [one for one in found if "none is configured" in one.text]
    assert (lack.check, lack.level) == ("providers", Level.FAILURE)
    assert lack.remedy.startswith("set X for ")
    assert not {"dialog", "recognizer", "voice"} & {one.check for one in found}
    assert not [one for one in found if "fault of parley doctor" in one.text + one.remedy]
