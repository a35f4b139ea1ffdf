"""Sweeping up, on a real Redis and on the stand-in of Twilio's REST API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

import bot.campaign.sweep as sweep_module
from bot.campaign.patience import AT_ONCE, TAKEN_BACK_AT_ONCE
from bot.campaign.placing import parameters
from bot.campaign.reconcile import CLOSED_LOOK_MS, SLACK_MS, TAKEN_BACK_MS, Step, Timings
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.sweep import LOOKED_AT, SOON_MS, Sweeper
from bot.campaign.types import Attempt, Campaign, NewContact
from bot.dialog import Ended
from bot.record import Record
from bot.store import Store
from bot.telephony.address import Address
from bot.telephony.rest import RestCall, TwilioRest
from tests.bot.campaign.campaigns import (
    ALWAYS,
    MINUTE_MS,
    Clock,
    claim,
    claimed,
    contact_of,
    number,
    plan,
    running,
)
from tests.vendors.twilio_rest.running import Twilio

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMINGS = Timings()
RINGING_S = 30


class Answered:
    """Settles what has ended, as it is told to."""

    def __init__(self, store: CampaignStore) -> None:
        self.store = store
        self.asked: list[tuple[str, bool]] = []
        self.is_open = False

    async def settle(self, attempt: str, *, late: bool = False) -> bool:
        self.asked.append((attempt, late))
        if self.is_open and not late:
            return False
        return await self.store.settle(attempt, "answered", None)


@pytest.fixture
def settling(campaigns: CampaignStore) -> Answered:
    return Answered(campaigns)


@pytest.fixture
def sweeper(campaigns: CampaignStore, rest: TwilioRest, settling: Answered) -> Sweeper:
    return Sweeper(campaigns, rest, settling, TIMINGS)


@pytest_asyncio.fixture(loop_scope="module")
async def calls(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    """Where the records of calls are."""
    calls = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    yield calls
    await calls.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def campaign(campaigns: CampaignStore, clock: Clock) -> Campaign:
    """With one contact who is due; the stand-in's calls are of today."""
    clock.now_ms = time.time_ns() // 1_000_000
    return await a_campaign(campaigns, clock)


async def a_campaign(campaigns: CampaignStore, clock: Clock, **fields: Any) -> Campaign:
    people = [(NewContact(number(0), ("America/New_York",)), plan(clock.now_ms, 60 * MINUTE_MS))]
    return await running(campaigns, people, ring_timeout_s=RINGING_S, **ALWAYS, **fields)


async def people_for(
    campaigns: CampaignStore, clock: Clock, for_ms: int, contacts: int = 1, **fields: Any
) -> Campaign:
    """With so many who may be called for so long; the stand-in's calls are of today."""
    clock.now_ms = time.time_ns() // 1_000_000
    until = plan(clock.now_ms, for_ms)
    people = [(NewContact(number(at), ("UTC",)), until) for at in range(contacts)]
    return await running(campaigns, people, **ALWAYS, **fields)


async def call_of(rest: TwilioRest, campaign: Campaign, attempt: Attempt) -> RestCall:
    """Have its call placed."""
    return await rest.create(parameters(campaign.spec, attempt, Address("http://127.0.0.1:9")))


async def dialled(
    campaigns: CampaignStore, rest: TwilioRest, campaign: Campaign, status: str = "queued"
) -> tuple[Attempt, RestCall]:
    """Who is next, and their call, of which that is known."""
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    await campaigns.note(attempt.id, sid=call.sid, status=status)
    return attempt, call


async def now_is(campaigns: CampaignStore, attempt: Attempt) -> Attempt:
    found = await campaigns.attempt(attempt.id)
    assert found is not None
    return found


async def test_a_call_whose_dialer_died_is_found(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    clock.pass_ms(9_999)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "claimed"
    clock.pass_ms(1)
    await sweeper.tick()
    found = await now_is(campaigns, attempt)
    assert (found.state, found.sid, found.status) == ("placed", call.sid, "queued")


async def test_a_call_of_another_attempt_is_not_taken_for_it(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    other = await a_campaign(campaigns, clock)
    await campaigns.note(attempt.id, sid=call.sid, status="completed")
    await campaigns.settle(attempt.id, "answered", None)
    second = await claimed(campaigns, other)
    clock.pass_ms(10_000)
    await sweeper.tick()
    assert (await now_is(campaigns, second)).state == "unknown"


async def test_a_call_that_is_in_no_list_is_given_up_after_the_second(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, twilio: Twilio, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    lists = []
    for _ in range(20):
        clock.pass_ms(7_500)
        await sweeper.tick()
        lists.append((clock.now_ms - attempt.claimed_ms, len(twilio.forms("GET"))))
        if (await now_is(campaigns, attempt)).state == "void":
            break
    # Before 90 s nothing is proof; each form counts once, whoever looks.
    asked_at = [
        at_ms for (at_ms, forms), (_, before) in zip(lists, [(0, 0), *lists], strict=False)
        if forms > before
    ]  # fmt: skip
    proofs = [at_ms for at_ms in asked_at if at_ms >= (RINGING_S + 60) * 1000]
    assert len(proofs) == 2
    assert proofs[1] - proofs[0] >= TIMINGS.list_again_ms
    assert lists[-1][0] == proofs[1]
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts) == ("waiting", 0)
    assert contact.plan is not None
    assert contact.plan.due_ms == clock.now_ms


async def test_many_sweepers_count_a_list_once(
    campaigns: CampaignStore, campaign: Campaign, rest: TwilioRest, settling: Answered, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    clock.pass_ms(10_000)
    sweepers = [Sweeper(campaigns, rest, settling, TIMINGS) for _ in range(4)]
    await asyncio.gather(*(sweeper.tick() for sweeper in sweepers))
    clock.pass_ms(90_000)
    # All were given it before any of them has looked.
    looked = [await campaigns.look(1, 0) for _ in sweepers]
    await asyncio.gather(
        *(
            sweeper._see_to(Step("search"), attempts[0], campaign, clock.now_ms)
            for sweeper, attempts in zip(sweepers, looked, strict=True)
        )
    )
    assert (await now_is(campaigns, attempt)).empties == 1


async def test_a_call_that_turns_up_between_the_lists_is_kept(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    clock.pass_ms(100_000)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).empties == 1
    call = await call_of(rest, campaign, attempt)
    clock.pass_ms(TIMINGS.list_again_ms)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).sid == call.sid


async def test_a_lost_callback_is_made_up_for(
    campaigns: CampaignStore,
    campaign: Campaign,
    sweeper: Sweeper,
    rest: TwilioRest,
    settling: Answered,
    clock: Clock,
) -> None:
    attempt, call = await dialled(campaigns, rest, campaign, "ringing")
    await rest.cancel(call.sid)
    clock.pass_ms(10_000)
    await sweeper.tick()
    assert settling.asked == []
    clock.pass_ms(RINGING_S * 1000 + TIMINGS.slack_ms)
    await sweeper.tick()
    assert settling.asked == [(attempt.id, False)]
    assert (await now_is(campaigns, attempt)).state == "settled"


async def test_a_call_whose_record_stays_open_is_settled_late(
    campaigns: CampaignStore,
    campaign: Campaign,
    sweeper: Sweeper,
    rest: TwilioRest,
    settling: Answered,
    clock: Clock,
) -> None:
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    await campaigns.note(attempt.id, sid=call.sid, status="completed", duration_s=20)
    settling.is_open = True
    clock.pass_ms(TIMINGS.settle_ms - 1)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "ended"
    clock.pass_ms(1)
    await sweeper.tick()
    assert settling.asked[-1] == (attempt.id, True)
    assert (await now_is(campaigns, attempt)).state == "settled"


async def test_a_call_that_waits_too_long_is_taken_back(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, settling: Answered, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, MINUTE_MS // 2, ring_timeout_s=600)
    attempt, call = await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS // 2 - TAKEN_BACK_MS - 1)
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "queued"
    clock.pass_ms(1)
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"
    assert settling.asked == [(attempt.id, False)]


async def queued(rest: TwilioRest) -> int:
    return sum(call.status == "queued" for call in await rest.list_calls())


async def test_who_was_never_dialled_keeps_their_attempt(
    campaigns: CampaignStore, rest: TwilioRest, calls: Store, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, MINUTE_MS, attempts=1)
    until_ms = clock.now_ms + MINUTE_MS
    attempt, call = await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS - TAKEN_BACK_MS)
    await Sweeper(campaigns, rest, Settling(campaigns, calls), TIMINGS).tick()
    assert (await rest.fetch(call.sid)).status == "canceled"
    assert (await now_is(campaigns, attempt)).state == "void"
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts, contact.today) == ("waiting", 0, 0)
    assert contact.plan is not None
    assert contact.plan.due_ms >= until_ms
    # Twilio says it once more.
    again = await campaigns.note(attempt.id, sid=call.sid, status="canceled")
    assert again is not None
    assert again.state == "void"


async def test_whose_call_rang_before_it_was_taken_back_has_lost_an_attempt(
    campaigns: CampaignStore, campaign: Campaign, rest: TwilioRest, calls: Store
) -> None:
    attempt, call = await dialled(campaigns, rest, campaign, "ringing")
    await campaigns.note(attempt.id, sid=call.sid, status="canceled")
    assert await Settling(campaigns, calls).settle(attempt.id)
    found = await now_is(campaigns, attempt)
    assert (found.state, found.outcome) == ("settled", "no_answer")


async def test_a_telephone_that_rings_in_its_window_is_not_silenced(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    """What Twilio said of that is late, or lost."""

    class Ringing:
        async def fetch(self, sid: str) -> RestCall:
            return replace(await rest.fetch(sid), status="ringing")

        async def cancel(self, sid: str) -> RestCall:
            raise AssertionError

        async def list_calls(self, *, to: str, from_: str, limit: int) -> list[RestCall]:
            raise AssertionError

    campaign = await people_for(campaigns, clock, MINUTE_MS)
    attempt, _ = await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS - TAKEN_BACK_MS)
    await Sweeper(campaigns, Ringing(), Answered(campaigns), TIMINGS).tick()
    found = await now_is(campaigns, attempt)
    assert (found.state, found.status) == ("placed", "ringing")


@pytest.mark.parametrize("status", ["initiated", "ringing", "in-progress"])
@pytest.mark.parametrize("given_back", [False, True])
async def test_a_telephone_that_rang_counts_however_late_that_is_said(
    campaigns: CampaignStore,
    campaign: Campaign,
    rest: TwilioRest,
    calls: Store,
    status: str,
    given_back: bool,
) -> None:
    settling = Settling(campaigns, calls)
    attempt, call = await dialled(campaigns, rest, campaign)
    await campaigns.note(attempt.id, sid=call.sid, status="canceled")
    if given_back:
        assert await settling.settle(attempt.id)
        assert (await now_is(campaigns, attempt)).state == "void"
    await campaigns.note(attempt.id, sid=call.sid, status=status)
    await campaigns.note(attempt.id, sid=call.sid, status="canceled")
    assert not (await now_is(campaigns, attempt)).undialled
    await Sweeper(campaigns, rest, settling, TIMINGS).tick()
    await settling.settle(attempt.id)
    found = await now_is(campaigns, attempt)
    assert (found.state, found.outcome) == ("settled", "no_answer")
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts, contact.today) == ("waiting", 1, 1)
    progress = await campaigns.progress(campaign.id)
    assert (progress.attempts, progress.live, progress.waiting) == (1, 0, 1)


class Together:
    """Takes calls back when so many are to be at the same time."""

    def __init__(self, rest: TwilioRest, at_once: int) -> None:
        self._rest = rest
        self._together = asyncio.Barrier(at_once)
        self._at_once = 0
        self.most = self.canceled = 0

    async def fetch(self, sid: str) -> RestCall:
        raise AssertionError

    async def cancel(self, sid: str) -> RestCall:
        self._at_once += 1
        self.most = max(self.most, self._at_once)
        self.canceled += 1
        async with self._together:
            self._at_once -= 1
        return await self._rest.cancel(sid)

    async def list_calls(self, *, to: str, from_: str, limit: int) -> list[RestCall]:
        raise AssertionError


async def test_many_are_taken_back_at_the_same_time_by_one_request_each(
    campaigns: CampaignStore, rest: TwilioRest, clock: Clock
) -> None:
    many = 2 * TAKEN_BACK_AT_ONCE
    campaign = await people_for(campaigns, clock, 60 * MINUTE_MS, many)
    for _ in range(many):
        await dialled(campaigns, rest, campaign)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    together = Together(rest, TAKEN_BACK_AT_ONCE)
    async with asyncio.timeout(10):
        await Sweeper(campaigns, together, Answered(campaigns), TIMINGS).tick()
    assert together.canceled == many
    assert together.most == TAKEN_BACK_AT_ONCE
    assert await queued(rest) == 0


async def test_of_a_call_that_its_worker_saw_over_twilio_is_asked_soon(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    """What Twilio said of its end was lost."""
    attempt, call = await dialled(campaigns, rest, campaign, "in-progress")
    clock.pass_ms(TIMINGS.lease_ms)
    await sweeper.tick()
    await rest.cancel(call.sid)
    assert not await campaigns.call_closed(attempt.id, "CA" + "0" * 32)
    assert await campaigns.call_closed(attempt.id, call.sid)
    clock.pass_ms(CLOSED_LOOK_MS - 1)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "placed"
    clock.pass_ms(1)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "settled"
    assert not await campaigns.call_closed(attempt.id, call.sid)


async def test_calls_that_could_not_be_taken_back_are_tried_again_at_once(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, twilio: Twilio, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, MINUTE_MS, 12, ring_timeout_s=600)
    for _ in range(12):
        await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS - TAKEN_BACK_MS)
    twilio.standin.misbehave("denied", times=2 * AT_ONCE - 1, only="/Calls/CA")
    with capture_logs() as logs:
        await sweeper.tick()
    # However many fail, each is asked for.
    assert await queued(rest) == 2 * AT_ONCE - 1
    assert {line["event"] for line in logs if line["log_level"] == "warning"} == {
        "calls could not be taken back"
    }
    clock.pass_ms(SOON_MS)
    await sweeper.tick()
    assert await queued(rest) == 0


async def test_calls_are_taken_back_before_others_are_asked_about(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, twilio: Twilio, clock: Clock
) -> None:
    lost = await people_for(campaigns, clock, 60 * MINUTE_MS, 2 * AT_ONCE)
    for _ in range(2 * AT_ONCE):
        await claimed(campaigns, lost)
    clock.pass_ms(TIMINGS.lease_ms)
    person = NewContact(number(99), ("UTC",))
    campaign = await running(campaigns, [(person, plan(clock.now_ms, MINUTE_MS))], **ALWAYS)
    _, call = await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS - TAKEN_BACK_MS)
    twilio.standin.misbehave("denied", times=None, only="/Calls.json")
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"


@pytest.mark.parametrize("why", ["they ask for it", "their window closes"])
async def test_calls_are_taken_back_however_much_else_is_due(
    campaigns: CampaignStore,
    sweeper: Sweeper,
    rest: TwilioRest,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    # What is due takes all the time of a tick, and more.
    monkeypatch.setattr(sweep_module, "TICK_S", 0.0)
    many = 2 * LOOKED_AT
    lost = await people_for(campaigns, clock, 60 * MINUTE_MS, many)
    for attempt in (await claim(campaigns, lost, many)).attempts:
        await campaigns.lost_answer(attempt.id, attempt.token)
    for_ms = (60 if why == "they ask for it" else 1) * MINUTE_MS
    person = NewContact(number(many), ("UTC",))
    campaign = await running(campaigns, [(person, plan(clock.now_ms, for_ms))], **ALWAYS)
    _, call = await dialled(campaigns, rest, campaign)
    clock.pass_ms(MINUTE_MS - TAKEN_BACK_MS)
    if why == "they ask for it":
        await campaigns.do_not_call(number(many), "api")
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"


async def test_a_call_that_was_found_late_is_taken_back_in_time(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, 25_000)
    attempt = await claimed(campaigns, campaign)
    await campaigns.lost_answer(attempt.id, attempt.token)
    await sweeper.tick()
    # Twilio's lists have it a moment later.
    call = await call_of(rest, campaign, attempt)
    clock.pass_ms(TIMINGS.list_again_ms)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "placed"
    clock.pass_ms(25_000 - TIMINGS.list_again_ms - TAKEN_BACK_MS)
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"


async def test_a_call_that_is_found_when_its_window_closes_is_taken_back_at_once(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, 11_000)
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    clock.pass_ms(TIMINGS.lease_ms)
    await sweeper.tick()
    clock.pass_ms(SOON_MS)
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"


async def test_nobody_is_called_twice_by_a_clock_that_is_wrong(
    campaigns: CampaignStore, sweeper: Sweeper, rest: TwilioRest, clock: Clock
) -> None:
    """Redis' clock is further ahead of Twilio's than a call may seem older than its claim."""
    clock.now_ms = time.time_ns() // 1_000_000 + SLACK_MS + 2_000
    campaign = await a_campaign(campaigns, clock)
    attempt = await claimed(campaigns, campaign)
    call = await call_of(rest, campaign, attempt)
    for _ in range(30):
        clock.pass_ms(TIMINGS.list_again_ms)
        await sweeper.tick()
    # It waits in Twilio's queue: it may be the attempt's.
    assert (await now_is(campaigns, attempt)).state == "unknown"
    await rest.cancel(call.sid)
    clock.pass_ms(TIMINGS.list_again_ms)
    await sweeper.tick()
    found = await now_is(campaigns, attempt)
    assert (found.state, found.outcome) == ("settled", "failed")
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts) == ("waiting", 1)
    assert contact.plan is not None
    assert contact.plan.due_ms > clock.now_ms


async def test_a_canceled_campaign_has_its_calls_taken_back(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest
) -> None:
    _, call = await dialled(campaigns, rest, campaign)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"
    assert await campaigns.live(campaign.id) == []
    assert [found.id for found in await campaigns.clearing()] == [campaign.id]
    await sweeper.tick()
    # Nobody looks at it for ever.
    assert await campaigns.clearing() == []


async def test_a_call_that_waits_is_taken_back_when_they_ask_not_to_be_called(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, rest: TwilioRest
) -> None:
    _, call = await dialled(campaigns, rest, campaign)
    await sweeper.tick()
    await campaigns.do_not_call(number(0), "api")
    await sweeper.tick()
    assert (await rest.fetch(call.sid)).status == "canceled"
    assert await campaigns.live(campaign.id) == []


async def test_a_call_that_twilio_has_forgotten_has_failed(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    await campaigns.note(attempt.id, sid="CA" + "0" * 32, status="ringing")
    clock.pass_ms(RINGING_S * 1000 + TIMINGS.slack_ms)
    await sweeper.tick()
    gone = await now_is(campaigns, attempt)
    assert (gone.state, gone.status) == ("ended", "failed")
    assert gone.reason == "Twilio does not know the call any more"


async def test_a_call_that_twilio_does_not_know_yet_has_not_failed(
    campaigns: CampaignStore, sweeper: Sweeper, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, MINUTE_MS // 2)
    attempt = await claimed(campaigns, campaign)
    await campaigns.note(attempt.id, sid="CA" + "0" * 32, status="queued")
    clock.pass_ms(MINUTE_MS // 2 - TAKEN_BACK_MS)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).state == "placed"
    # It is asked about again before somebody is dialled who may not be.
    assert [found.id for found in await campaigns.look(1, 0)] == []
    clock.pass_ms(SOON_MS)
    assert [found.id for found in await campaigns.look(1, 0)] == [attempt.id]


@pytest.mark.parametrize("answered", [True, False])
async def test_of_a_call_that_twilio_has_forgotten_its_record_says_what_became(
    campaigns: CampaignStore,
    campaign: Campaign,
    rest: TwilioRest,
    calls: Store,
    clock: Clock,
    answered: bool,
) -> None:
    """It was deleted when it was over, and what Twilio said of its end, or its answer, was lost."""
    sid = "CA" + "0" * 32
    attempt = await claimed(campaigns, campaign)
    status = "in-progress" if answered else "ringing"
    await campaigns.note(attempt.id, sid=sid, status=status)
    record = Record(sid, direction="outbound", attempt=attempt.id, answered_ms=1, turns=6)
    record.close(Ended("caller", "hung up"))
    await calls.commit(record)
    assert await campaigns.call_closed(attempt.id, sid)
    sweeper = Sweeper(campaigns, rest, Settling(campaigns, calls), TIMINGS)
    clock.pass_ms(CLOSED_LOOK_MS)
    await sweeper.tick()
    clock.pass_ms(TIMINGS.settle_ms)
    await sweeper.tick()
    assert (await now_is(campaigns, attempt)).outcome == "answered"


async def test_twilio_being_away_loses_nothing(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper, twilio: Twilio, clock: Clock
) -> None:
    attempt = await claimed(campaigns, campaign)
    clock.pass_ms(10_000)
    twilio.standin.misbehave("denied", times=None)
    with capture_logs() as logs:
        await sweeper.tick()
    assert [line["event"] for line in logs if line["event"].startswith("Twilio")] == [
        "Twilio does not say how calls are"
    ]
    twilio.standin.behave()
    clock.pass_ms(TIMINGS.again_ms)
    before = len(twilio.forms("GET"))
    await sweeper.tick()
    assert len(twilio.forms("GET")) == before + 1
    assert (await now_is(campaigns, attempt)).state == "unknown"


async def test_twilio_being_away_holds_nothing_else_up(
    campaigns: CampaignStore, sweeper: Sweeper, settling: Answered, twilio: Twilio, clock: Clock
) -> None:
    campaign = await people_for(campaigns, clock, 60 * MINUTE_MS, 20)
    attempts = [await claimed(campaigns, campaign) for _ in range(20)]
    await campaigns.note(attempts[-1].id, sid="CA" + "0" * 32, status="completed")
    clock.pass_ms(TIMINGS.settle_ms)
    twilio.standin.misbehave("denied", times=None)
    with capture_logs() as logs:
        await sweeper.tick()
    assert settling.asked == [(attempts[-1].id, True)]
    assert len(twilio.forms("GET")) < 2 * AT_ONCE
    assert logs[-1]["calls"] == len(attempts) - 1


async def test_without_redis_nothing_is_swept(rest: TwilioRest, twilio: Twilio) -> None:
    away = CampaignStore("unix:///nonexistent/redis.sock")
    await Sweeper(away, rest, Answered(away)).tick()
    await away.aclose()
    assert twilio.standin.requests == []


async def state_of(campaigns: CampaignStore, campaign: Campaign) -> tuple[str, str]:
    found = await campaigns.campaign(campaign.id)
    assert found is not None
    return found.state, found.reason


async def test_a_campaign_is_done_when_nobody_waits_or_is_called(
    campaigns: CampaignStore, campaign: Campaign, sweeper: Sweeper
) -> None:
    attempt = await claimed(campaigns, campaign)
    await sweeper.tick()
    assert await state_of(campaigns, campaign) == ("running", "")
    await campaigns.settle(attempt.id, "answered", None)
    await sweeper.tick()
    assert await state_of(campaigns, campaign) == ("done", "")


async def test_a_campaign_is_done_when_its_end_has_come(
    campaigns: CampaignStore, sweeper: Sweeper, clock: Clock
) -> None:
    ends_at = datetime.fromtimestamp(clock.now_ms / 1000 + 60, UTC)
    campaign = await a_campaign(campaigns, clock, ends_at=ends_at)
    clock.pass_ms(59_999)
    await sweeper.tick()
    assert await state_of(campaigns, campaign) == ("running", "")
    clock.pass_ms(1)
    await sweeper.tick()
    assert await state_of(campaigns, campaign) == (
        "done",
        "its end has come; 1 contacts were not called any more",
    )
