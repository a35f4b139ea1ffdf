"""A process's part in the campaigns, and a process that has no other."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot.campaign import dialing as dialing_module
from bot.campaign.dialing import Dialing, limits_of
from bot.campaign.reconcile import Timings
from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Limits, NewContact
from bot.settings import Settings
from bot.telephony.rest import TwilioRest
from tests.background import eventually
from tests.bot.campaign.alive import announce
from tests.bot.campaign.campaigns import FROM, MINUTE_MS, number, plan
from tests.bot.running import running_worker
from tests.vendors.twilio_rest.running import ACCOUNT, TOKEN, Twilio

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="module")]

TIMINGS = Timings(lease_ms=300)
PEOPLE = 3


class Others:
    """Whoever else has a part in it, and does none of it."""

    async def settle(self, attempt: str, *, late: bool = False) -> bool:
        return False

    async def deliver(self) -> None:
        return


@pytest.fixture
def settings(redis_url: str, redis_prefix: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "public_url": "http://127.0.0.1:9",
            "redis_url": redis_url,
            "redis_prefix": redis_prefix,
            "state_dir": tmp_path,
            "dial_per_second": 1000,
            "inbound_room": 0,
        }
    )


@pytest_asyncio.fixture(loop_scope="module")
async def store(redis_url: str, redis_prefix: str) -> AsyncIterator[CampaignStore]:
    """By Redis's own clock, as processes see it."""
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10)
    await announce(redis_url, redis_prefix)
    yield store
    await store.aclose()


@pytest.fixture
def dialing(settings: Settings, store: CampaignStore, rest: TwilioRest, redis_url: str) -> Dialing:
    return Dialing(settings, store, rest, Others(), Others(), redis_url, timings=TIMINGS)


async def due(store: CampaignStore) -> Campaign:
    """A draft with people who are due."""
    spec = CampaignSpec(name="Autumn", from_numbers=(FROM,))
    campaign = await store.create(spec)
    until = plan(await store.now_ms(), 60 * MINUTE_MS)
    people = [(NewContact(number(index), ("UTC",)), until) for index in range(PEOPLE)]
    await store.add(campaign.id, people)
    return campaign


async def start(store: CampaignStore, campaign: Campaign) -> None:
    assert await store.change(campaign.id, "running", allowed=["draft"])


async def placed(store: CampaignStore, campaign: Campaign) -> list[Attempt]:
    """Its attempts, when all of them are placed."""
    attempts: list[Attempt] = []

    async def all_are() -> bool:
        attempts[:] = [attempt async for attempt in store.attempts(campaign.id)]
        return [attempt.state for attempt in attempts] == ["placed"] * PEOPLE

    await eventually(all_are)
    return attempts


async def test_a_campaign_is_dialled_and_swept(
    store: CampaignStore, dialing: Dialing, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing_module, "LOOK_S", 0.02)
    campaign = await due(store)
    tasks = len(asyncio.all_tasks())
    with capture_logs() as logs:
        running = asyncio.create_task(dialing.run())
        # For a draft nothing ticks: there are these two tasks alone.
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == tasks + 2
        # One call is placed, and nobody is told.
        twilio.standin.misbehave("cut", only="POST")
        await start(store, campaign)
        attempts = await placed(store, campaign)
        dialing.stop()
        async with asyncio.timeout(5):
            await running
    assert len(twilio.forms()) == PEOPLE
    assert len({attempt.sid for attempt in attempts}) == PEOPLE
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == [
        "call was not placed",
        "lost call was found",
    ]


async def test_who_has_no_campaigns_pays_for_none(
    store: CampaignStore, dialing: Dialing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of_them() -> list[Campaign]:
        raise AssertionError

    monkeypatch.setattr(store, "campaigns", all_of_them)
    assert not await dialing._needed()


async def test_without_redis_it_waits(
    settings: Settings, rest: TwilioRest, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing_module, "LOOK_S", 0.01)
    away = CampaignStore("unix:///nonexistent/redis.sock")
    dialing = Dialing(settings, away, rest, Others(), Others(), "unix:///nonexistent/redis.sock")
    running = asyncio.create_task(dialing.run())
    await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await away.aclose()
    assert twilio.standin.requests == []


async def test_the_accounts_limits_are_those_of_the_settings(settings: Settings) -> None:
    given = settings.model_copy(update={"dial_per_second": 2.5, "dial_max_calls": 7})
    assert limits_of(given, TIMINGS) == Limits(2.5, 7, 0, 300)


@asynccontextmanager
async def dialling(settings: Settings, twilio: Twilio, folder: Path) -> AsyncIterator[Process]:
    assert settings.redis_url is not None
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "PARLEY_REDIS_PREFIX": settings.redis_prefix,
        "PARLEY_STATE_DIR": str(folder),
        "PARLEY_TWILIO_API_URL": twilio.url,
        "PARLEY_DIAL_PER_SECOND": "1000",
        "PARLEY_INBOUND_ROOM": "0",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "PYTHONWARNINGS": "error",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "campaign", "dial"), env=env, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_process_that_is_told_to_stop_finishes_what_it_began(
    settings: Settings, store: CampaignStore, twilio: Twilio, tmp_path: Path
) -> None:
    campaign = await due(store)
    await start(store, campaign)
    twilio.standin.misbehave("delay", times=None, only="POST", delay_s=0.5)
    async with dialling(settings, twilio, tmp_path) as process:
        await eventually(lambda: _asked(twilio))
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            _, said = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert TOKEN.encode() not in said
    # Those that it had asked for, it wrote down.
    states = {attempt.state async for attempt in store.attempts(campaign.id)}
    assert states == {"placed"}


async def test_a_worker_that_is_told_to_stop_finishes_what_it_began(
    settings: Settings, store: CampaignStore, twilio: Twilio
) -> None:
    campaign = await due(store)
    await start(store, campaign)
    twilio.standin.misbehave("delay", times=None, only="POST", delay_s=0.5)
    assert settings.redis_url is not None
    async with running_worker(
        REDIS_URL=settings.redis_url.get_secret_value(),
        PARLEY_REDIS_PREFIX=settings.redis_prefix,
        PARLEY_TWILIO_API_URL=twilio.url,
        PARLEY_DIAL_PER_SECOND="1000",
        PARLEY_INBOUND_ROOM="0",
        PARLEY_POCKETSPHINX_PROCESSES="1",
        TWILIO_ACCOUNT_SID=ACCOUNT,
        TWILIO_AUTH_TOKEN=TOKEN,
    ) as worker:
        await eventually(lambda: _asked(twilio))
        worker.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await worker.process.wait() == 0
    states = {attempt.state async for attempt in store.attempts(campaign.id)}
    assert states == {"placed"}


async def test_a_fault_of_the_store_does_not_end_the_process(
    store: CampaignStore, dialing: Dialing, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing_module, "PAUSE_S", 0.01)
    campaigns, faults = store.campaigns, [ValueError("what is kept cannot be read")]

    async def once() -> list[Campaign]:
        if faults:
            raise faults.pop()
        return await campaigns()

    monkeypatch.setattr(store, "campaigns", once)
    campaign = await due(store)
    await start(store, campaign)
    with capture_logs() as logs:
        running = asyncio.create_task(dialing.run())
        await placed(store, campaign)
        dialing.stop()
        async with asyncio.timeout(5):
            await running
    assert "campaigns stand still" in {line["event"] for line in logs}


async def test_who_dials_nobody_any_more_sweeps_on(
    store: CampaignStore,
    dialing: Dialing,
    twilio: Twilio,
    rest: TwilioRest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialing_module, "SWEEP_S", 1)
    campaign = await due(store)
    await start(store, campaign)
    running = asyncio.create_task(dialing.run())
    attempts = await placed(store, campaign)
    dialing.hold()

    async def taken_back(person: str) -> None:
        await store.do_not_call(person, "api")

        async def is_back() -> bool:
            return [call.status for call in await rest.list_calls(to=person)] == ["canceled"]

        await eventually(is_back)

    # By then no claim is under way any more that was begun before.
    await taken_back(number(0))
    due_ms = await store.now_ms()
    await store.add(campaign.id, [(NewContact(number(99), ("UTC",)), plan(due_ms))])
    await taken_back(number(1))
    dialing.stop()
    async with asyncio.timeout(5):
        await running
    assert len([form for form in twilio.forms() if "To" in form]) == len(attempts)


async def _asked(twilio: Twilio) -> bool:
    return bool(twilio.forms())
