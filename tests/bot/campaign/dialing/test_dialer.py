"""Dialling, on a real Redis and on the stand-in of Twilio's REST API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.campaign import dialer as dialer_module
from bot.campaign.backing_off import BackOff
from bot.campaign.dialer import AT_ONCE, Dialer
from bot.campaign.reconcile import CLOSING_MS, TAKEN_BACK_MS
from bot.campaign.standstill import LASTS_S, Standstill
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Limits, NewContact
from bot.metrics import Metrics
from bot.redis_link import StoreUnavailable
from bot.telephony.address import Address
from bot.telephony.rest import RestCall, RestError, TwilioRest
from tests.bot.campaign.campaigns import (
    ALWAYS,
    MINUTE_MS,
    NO_LIMITS,
    START_MS,
    Clock,
    contact_of,
    number,
    plan,
    running,
)
from tests.vendors.twilio_rest.mischief import Kind
from tests.vendors.twilio_rest.running import ACCOUNT, TOKEN, Twilio

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = Address("http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a clock that stands still."""
    monkeypatch.setattr(dialer_module, "TICK_S", 0.3)


class Now:
    """The clocks of a dialer's process, which go when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> tuple[float, ...]:
        return (self.seconds, self.seconds, self.seconds)


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def back_off(now: Now) -> BackOff:
    return BackOff(lambda: now.seconds, lambda: 1.0)


@pytest.fixture
def dialer(campaigns: CampaignStore, rest: TwilioRest, now: Now, back_off: BackOff) -> Dialer:
    return Dialer(campaigns, rest, ADDRESS, NO_LIMITS, clocks=now, back_off=back_off)


Happens = Callable[[Mapping[str, Any], Callable[[], bool]], Awaitable[None]]


class Meanwhile:
    """Twilio's REST API; something happens before it is asked for a call."""

    def __init__(self, rest: TwilioRest, happens: Happens) -> None:
        self._rest = rest
        self._happens = happens

    async def create(
        self, parameters: Mapping[str, Any], *, wanted: Callable[[], bool]
    ) -> RestCall:
        await self._happens(parameters, wanted)
        return await self._rest.create(parameters, wanted=wanted)

    async def cancel(self, sid: str) -> None:
        await self._rest.cancel(sid)


async def tick(dialer: Dialer) -> None:
    """One tick, and what it began."""
    async with asyncio.TaskGroup() as group:
        await dialer.tick(group.create_task)


async def tick_until_placed(dialer: Dialer, twilio: Twilio, *, calls: int) -> None:
    """As many ticks as it takes: a machine may be busy."""
    async with asyncio.timeout(10):
        while len(twilio.forms()) < calls:
            await tick(dialer)


def person(index: int) -> NewContact:
    return NewContact(number(index), ("America/New_York",))


async def attempts(store: CampaignStore, campaign: Campaign) -> list[Attempt]:
    return [attempt async for attempt in store.attempts(campaign.id)]


async def test_whoever_is_due_is_called_once(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, rest: TwilioRest
) -> None:
    campaign = await running(campaigns, 30)
    await tick_until_placed(dialer, twilio, calls=30)
    await tick(dialer)
    assert sorted(form["To"] for form in twilio.forms()) == sorted(map(number, range(30)))
    placed = await attempts(campaigns, campaign)
    assert {attempt.state for attempt in placed} == {"placed"}
    urls = {
        attempt.number: f"http://127.0.0.1:9/twilio/voice?attempt={attempt.id}"
        for attempt in placed
    }
    assert {form["To"]: form["Url"].partition("#")[0] for form in twilio.forms()} == urls
    sids = {call.sid for call in await rest.list_calls()}
    assert {attempt.sid for attempt in placed} == sids


async def test_no_more_requests_than_connections(
    campaigns: CampaignStore, twilio: Twilio, rest: TwilioRest
) -> None:
    class Counting:
        """Answers nobody before as many are asking as may."""

        def __init__(self) -> None:
            self.at_once = self.most = 0
            self.full = asyncio.Event()

        async def create(
            self, parameters: Mapping[str, Any], *, wanted: Callable[[], bool]
        ) -> RestCall:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            if self.at_once == AT_ONCE:
                self.full.set()
            await self.full.wait()
            try:
                return await rest.create(parameters, wanted=wanted)
            finally:
                self.at_once -= 1

        async def cancel(self, sid: str) -> None:
            raise AssertionError

    counting = Counting()
    campaign = await running(campaigns, 3 * AT_ONCE)
    await tick_until_placed(
        Dialer(campaigns, counting, ADDRESS, NO_LIMITS), twilio, calls=3 * AT_ONCE
    )
    assert counting.most == AT_ONCE
    assert {attempt.state for attempt in await attempts(campaigns, campaign)} == {"placed"}


async def test_the_more_urgent_campaign_goes_first(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio
) -> None:
    low = await running(campaigns, [], priority=0)
    high = await running(campaigns, 3, priority=5)
    await campaigns.add(low.id, [(person(10), plan())])
    one_more = replace(NO_LIMITS, max_concurrent=3)
    slow = Dialer(campaigns, dialer._rest, ADDRESS, one_more)
    await tick(slow)
    assert len(twilio.forms()) == 3
    assert len(await campaigns.live(high.id)) == 3


async def test_who_is_less_urgent_gets_no_place_that_the_more_urgent_can_use(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio
) -> None:
    low = await running(campaigns, [(person(index), plan()) for index in range(30)])
    high = await running(
        campaigns, [(person(index), plan()) for index in range(30, 60)], priority=1
    )
    limits = replace(NO_LIMITS, max_concurrent=AT_ONCE)
    await tick(Dialer(campaigns, dialer._rest, ADDRESS, limits))
    assert len(await campaigns.live(high.id)) == AT_ONCE
    assert await campaigns.live(low.id) == []


@pytest.mark.parametrize("kind", ["failure", "page", "nonsense", "cut", "problem"])
async def test_what_may_have_been_placed_is_unknown(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, kind: Kind
) -> None:
    campaign = await running(campaigns)
    twilio.standin.misbehave(kind)
    await tick(dialer)
    await tick(dialer)
    (attempt,) = await attempts(campaigns, campaign)
    assert (attempt.state, attempt.token) == ("unknown", 2)
    assert len(twilio.forms()) == 1


async def test_too_many_requests_are_made_again_later_and_count_for_nothing(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, now: Now, clock: Clock
) -> None:
    campaign = await running(campaigns, **ALWAYS)
    twilio.standin.misbehave("busy", retry_after="7")
    await tick(dialer)
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts) == ("waiting", 0)
    assert contact.plan is not None
    assert contact.plan.due_ms == START_MS + 7000

    # The whole process waits, for everybody.
    await campaigns.add(campaign.id, [(person(1), plan())])
    now.seconds, clock.now_ms = 6.9, START_MS + 6900
    await tick(dialer)
    assert len(twilio.forms()) == 1
    now.seconds, clock.now_ms = 7.0, START_MS + 7000
    await tick(dialer)
    assert len(twilio.forms()) == 3
    states = [attempt.state for attempt in await attempts(campaigns, campaign)]
    assert sorted(states) == ["placed", "placed", "void"]


async def test_nobody_is_dialled_when_twilio_cannot_be_reached(
    campaigns: CampaignStore, now: Now, back_off: BackOff
) -> None:
    campaign = await running(campaigns, **ALWAYS)
    rest = TwilioRest(ACCOUNT, TOKEN, api_url="http://127.0.0.1:1")
    await tick(Dialer(campaigns, rest, ADDRESS, NO_LIMITS, clocks=now, back_off=back_off))
    await rest.aclose()
    (attempt,) = await attempts(campaigns, campaign)
    assert (attempt.state, attempt.reason) == ("void", "Twilio cannot be reached")
    assert back_off.left_s == 1.0


async def test_who_was_frozen_after_the_claim_does_not_dial(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio, now: Now
) -> None:
    async def freezes(parameters: Mapping[str, Any], wanted: Callable[[], bool]) -> None:
        now.seconds += NO_LIMITS.lease_ms / 1000

    campaign = await running(campaigns, **ALWAYS)
    await tick(Dialer(campaigns, Meanwhile(rest, freezes), ADDRESS, NO_LIMITS, clocks=now))
    assert twilio.forms() == []
    first, *_ = await attempts(campaigns, campaign)
    assert (first.state, first.reason) == ("void", "it was not dialled in time")


async def test_nobody_is_dialled_when_their_window_has_closed_meanwhile(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio, now: Now
) -> None:
    asked: list[bool] = []

    async def passes(parameters: Mapping[str, Any], wanted: Callable[[], bool]) -> None:
        for now.seconds in (3.999, 4.0):
            asked.append(wanted())

    # Four seconds before it could not be taken back in time.
    await running(campaigns, [(person(0), plan(START_MS, 4000 + TAKEN_BACK_MS))])
    await tick(Dialer(campaigns, Meanwhile(rest, passes), ADDRESS, NO_LIMITS, clocks=now))
    assert asked == [True, False]
    assert twilio.forms() == []


async def test_a_call_that_is_queued_when_the_window_closes_is_looked_at_in_time(
    campaigns: CampaignStore, dialer: Dialer, clock: Clock
) -> None:
    campaign = await running(campaigns, [(person(0), plan(START_MS, 6000))])
    await tick(dialer)
    (attempt,) = await attempts(campaigns, campaign)
    assert attempt.state == "placed"
    clock.pass_ms(6000 - TAKEN_BACK_MS)
    assert [looked.id for looked in await campaigns.look(1, 0)] == [attempt.id]


async def test_an_account_that_is_refused_pauses_its_campaigns(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio
) -> None:
    campaign = await running(campaigns, **ALWAYS)
    twilio.standin.misbehave("denied", times=None)
    with capture_logs() as logs:
        await tick(dialer)
    paused = await campaigns.campaign(campaign.id)
    assert paused is not None
    assert paused.state == "paused"
    assert "TWILIO_AUTH_TOKEN" in paused.reason
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.attempts) == ("waiting", 0)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "campaign is paused"
    ]
    assert TOKEN not in str(logs)


class Refusing:
    """A Twilio that refuses every call."""

    def __init__(self, error: RestError) -> None:
        self.error = error

    async def create(
        self, parameters: Mapping[str, Any], *, wanted: Callable[[], bool]
    ) -> RestCall:
        raise self.error

    async def cancel(self, sid: str) -> None:
        raise AssertionError


async def test_a_number_that_twilio_does_not_take_is_done(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    refusing = Refusing(RestError("400", status=400, code=21211))
    await tick(Dialer(campaigns, refusing, ADDRESS, NO_LIMITS))
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.outcome, contact.attempts) == ("done", "refused", 1)
    (attempt,) = await attempts(campaigns, campaign)
    assert attempt.reason == "it is no valid number (Twilio's error 21211)"


async def test_requests_are_counted_by_what_came_of_them(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio
) -> None:
    metrics = Metrics()
    await running(campaigns, 5)
    twilio.standin.misbehave("failure", times=2)
    await tick(Dialer(campaigns, rest, ADDRESS, NO_LIMITS, metrics=metrics))
    counted = metrics.render().decode().splitlines()
    assert 'parley_campaign_calls_total{fate="placed"} 3.0' in counted
    assert 'parley_campaign_calls_total{fate="unknown"} 2.0' in counted


async def test_a_country_that_is_not_enabled_loses_few_contacts(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 40, breaker=5, **ALWAYS)
    refusing = Refusing(RestError("400", status=400, code=21215))
    await tick(Dialer(campaigns, refusing, ADDRESS, NO_LIMITS))
    paused = await campaigns.campaign(campaign.id)
    assert paused is not None
    assert paused.state == "paused"
    assert "geographic permissions" in paused.reason
    contacts = [contact async for contact in campaigns.contacts(campaign.id)]
    assert {contact.state for contact in contacts} == {"waiting"}
    assert sum(contact.attempts for contact in contacts) < 20


async def test_a_number_that_twilio_blocks_is_not_asked_for_again(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 40, breaker=5, **ALWAYS)
    refusing = Refusing(RestError("400", status=400, code=21216))
    await tick(Dialer(campaigns, refusing, ADDRESS, NO_LIMITS))
    paused = await campaigns.campaign(campaign.id)
    assert paused is not None
    # All numbers are blocked where the account has no profile.
    assert paused.state == "paused"
    contacts = [contact async for contact in campaigns.contacts(campaign.id)]
    assert {(one.state, one.outcome) for one in contacts if one.attempts} == {("done", "failed")}


def binding(campaigns: CampaignStore) -> Happens:
    """Somebody binds another call to the attempt before the answer comes."""

    async def bind(parameters: Mapping[str, Any], wanted: Callable[[], bool]) -> None:
        attempt = parameters["url"].partition("attempt=")[2].partition("#")[0]
        await campaigns.note(attempt, sid="CA" + "f" * 32, status="ringing")

    return bind


async def test_a_call_of_nobody_is_taken_back(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio
) -> None:
    await running(campaigns)
    with capture_logs() as logs:
        await tick(Dialer(campaigns, Meanwhile(rest, binding(campaigns)), ADDRESS, NO_LIMITS))
    (call,) = await rest.list_calls()
    assert call.status == "canceled"
    assert [line["event"] for line in logs] == ["call belongs to no attempt"]


async def test_nobody_is_claimed_whose_call_could_not_be_taken_back_in_time(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, clock: Clock
) -> None:
    # Until midnight in New York.
    until = plan(START_MS, 21 * 60 * MINUTE_MS)
    campaign = await running(campaigns, [(person(0), until)], **ALWAYS)
    clock.now_ms = until.until_ms - CLOSING_MS
    await tick(dialer)
    assert twilio.forms() == []
    contact = await contact_of(campaigns, campaign)
    assert contact.plan is not None
    assert contact.plan.due_ms == until.until_ms


@pytest.mark.parametrize("held", [False, True])
async def test_a_call_of_nobody_is_taken_back_as_soon_as_it_can_be(
    campaigns: CampaignStore,
    rest: TwilioRest,
    twilio: Twilio,
    monkeypatch: pytest.MonkeyPatch,
    held: bool,
) -> None:
    """Also by a worker that claims nobody any more, but has calls for an hour."""
    asked: list[Callable[[], None]] = []

    class Gone(Meanwhile):
        """It takes no call back at first."""

        async def create(
            self, parameters: Mapping[str, Any], *, wanted: Callable[[], bool]
        ) -> RestCall:
            call = await super().create(parameters, wanted=wanted)
            twilio.standin.misbehave("denied", times=2)
            for then in asked:
                then()
            return call

    monkeypatch.setattr(dialer_module, "AGAIN_S", (0.001,) * 3)
    await running(campaigns)
    dialer = Dialer(campaigns, Gone(rest, binding(campaigns)), ADDRESS, NO_LIMITS)
    if held:
        asked.append(dialer.hold)
    await tick(dialer)
    (call,) = await rest.list_calls()
    assert call.status == "canceled"


async def test_that_twilio_fails_is_told_until_it_places_a_call(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio, now: Now, back_off: BackOff
) -> None:
    standstill = Standstill(campaigns, lambda: now.seconds)
    dialer = Dialer(
        campaigns, rest, ADDRESS, NO_LIMITS, clocks=now, back_off=back_off, standstill=standstill
    )
    campaign = await running(campaigns, **ALWAYS)
    twilio.standin.misbehave("failure", times=2)
    await tick(dialer)
    await tick(dialer)
    now.seconds = LASTS_S - 1
    await campaigns.add(campaign.id, [(person(1), plan())])
    await tick(dialer)
    assert await campaigns.obstacle() == ""
    now.seconds = LASTS_S
    await tick(dialer)
    assert await campaigns.obstacle() == "twilio"
    now.seconds = LASTS_S + 60
    await campaigns.add(campaign.id, [(person(2), plan())])
    await tick(dialer)
    assert len(twilio.forms()) == 3
    assert await campaigns.obstacle() == ""


async def test_when_nobody_is_to_be_called_twilio_is_in_nobodys_way(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio, now: Now, back_off: BackOff
) -> None:
    standstill = Standstill(campaigns, lambda: now.seconds)
    dialer = Dialer(
        campaigns, rest, ADDRESS, NO_LIMITS, clocks=now, back_off=back_off, standstill=standstill
    )
    await running(campaigns, **ALWAYS)
    twilio.standin.misbehave("failure")
    for seconds in (0.0, 0.5, 10.0, LASTS_S, 2 * LASTS_S):
        now.seconds = seconds
        await tick(dialer)
    assert await campaigns.obstacle() == ""


async def test_whoever_asks_not_to_be_called_while_twilio_is_asked_is_not(
    campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio
) -> None:
    async def refuse(parameters: Mapping[str, Any], wanted: Callable[[], bool]) -> None:
        await campaigns.do_not_call(number(0), "api")

    await running(campaigns)
    await tick(Dialer(campaigns, Meanwhile(rest, refuse), ADDRESS, NO_LIMITS))
    (call,) = await rest.list_calls()
    assert call.status == "canceled"


async def test_a_plan_that_has_passed_is_made_anew(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, clock: Clock
) -> None:
    campaign = await running(campaigns, [(person(0), plan(START_MS, MINUTE_MS))], **ALWAYS)
    clock.pass_ms(5 * MINUTE_MS)
    await tick(dialer)
    contact = await contact_of(campaigns, campaign)
    # Replanned, and called in the same tick: it is open all day.
    assert contact.state == "live"
    assert len(twilio.forms()) == 1


async def test_a_claim_whose_answer_was_lost_is_asked_for_again(
    campaigns: CampaignStore, twilio: Twilio, rest: TwilioRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await running(campaigns)
    claim, lost = campaigns.claim, [True]

    async def losing(*asked: Any) -> Any:
        claims = await claim(*asked)
        if lost:
            lost.pop()
            raise StoreUnavailable("Redis: TimeoutError")
        return claims

    monkeypatch.setattr(campaigns, "claim", losing)
    await tick(Dialer(campaigns, rest, ADDRESS, NO_LIMITS))
    assert len(twilio.forms()) == 1
    assert len(await attempts(campaigns, campaign)) == 1


async def test_without_redis_nobody_is_dialled(twilio: Twilio, rest: TwilioRest) -> None:
    away = CampaignStore("unix:///nonexistent/redis.sock")
    await tick(Dialer(away, rest, ADDRESS, NO_LIMITS))
    await away.aclose()
    assert twilio.standin.requests == []


async def test_who_is_stopped_claims_nobody(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio
) -> None:
    await running(campaigns)
    await dialer.stop()
    await tick(dialer)
    assert twilio.standin.requests == []


async def test_whoever_is_being_claimed_at_the_stop_is_called(
    campaigns: CampaignStore, dialer: Dialer, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(campaigns)
    claim, asked, go_on = campaigns.claim, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> Any:
        asked.set()
        await go_on.wait()
        return await claim(*given)

    monkeypatch.setattr(campaigns, "claim", slow)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(dialer.tick(group.create_task))
        await asked.wait()
        stopping = group.create_task(dialer.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        go_on.set()
        await stopping
        ticking.cancel()
    assert len(twilio.forms()) == 1


async def test_calls_are_spread_over_the_second(
    redis_url: str, redis_prefix: str, campaigns: CampaignStore, rest: TwilioRest, twilio: Twilio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By Redis's own clock: ten calls a second are one every tenth."""
    monkeypatch.setattr(dialer_module, "TICK_S", 0.45)
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10)
    now_ms = await store.now_ms()
    campaign = await running(
        store, [(person(index), plan(now_ms, MINUTE_MS)) for index in range(20)]
    )
    limits = Limits(calls_per_second=10.0, max_concurrent=50, inbound_room=0, lease_ms=10_000)
    await tick(Dialer(store, rest, ADDRESS, limits))
    claimed = [attempt.claimed_ms for attempt in await attempts(store, campaign)]
    await store.aclose()
    assert 2 <= len(twilio.forms()) == len(claimed) <= 5
    gaps = [later - earlier for earlier, later in pairwise(claimed)]
    assert min(gaps) >= 100
