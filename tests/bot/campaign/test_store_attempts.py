"""What is learned of an attempt, in whatever order, and what becomes of it."""

from __future__ import annotations

import itertools

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Contact, Outcome

from .campaigns import (
    DAY,
    FROM,
    MINUTE_MS,
    START_MS,
    Clock,
    claim,
    claimed,
    number,
    plan,
    running,
)

LATER = plan(START_MS + 3_600_000)


async def noted(
    store: CampaignStore, attempt: Attempt, status: str = "", sid: str = "CA1"
) -> Attempt:
    """What the attempt is once that is known of its call."""
    known = await store.note(attempt.id, sid=sid, status=status)
    assert known is not None
    return known


async def contact(store: CampaignStore, campaign: Campaign) -> Contact:
    """The campaign's first contact."""
    found = await store.contact(campaign.id, number(0))
    assert found is not None
    return found


# What Twilio says


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_callbacks_give_the_same_end_in_any_order(
    campaigns: CampaignStore, order: tuple[int, ...]
) -> None:
    statuses = ["queued", "ringing", "in-progress", "completed"]
    attempt = await claimed(campaigns, await running(campaigns))
    highest = 0
    for index in order:
        for _ in range(2):  # each is told twice
            after = await noted(campaigns, attempt, statuses[index])
        highest = max(highest, index)
        assert after.status == statuses[highest]
        assert after.state == ("ended" if highest == 3 else "placed")
    assert (after.answered_ms is None) == (order.index(3) < order.index(2))


async def test_words_that_are_no_status_change_nothing(campaigns: CampaignStore) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    for word in ("", "answered", "stolen"):
        assert (await noted(campaigns, attempt, word)).status == ""
    assert (await noted(campaigns, attempt, "busy")).status == "busy"
    assert (await noted(campaigns, attempt, "completed")).status == "busy"


async def test_what_is_told_of_a_call_is_kept_as_it_was_told_first(
    campaigns: CampaignStore,
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", answered_by="human", status="in-progress")
    await campaigns.note(
        attempt.id, sid="CA1", status="completed", duration_s=61, minutes=2, reason="so"
    )
    last = await campaigns.note(
        attempt.id, sid="CA1", duration_s=5, minutes=1, answered_by="fax", reason="other"
    )
    assert last is not None
    assert (last.duration_s, last.minutes) == (61, 2)
    assert (last.answered_by, last.reason) == ("human", "so")
    await campaigns.settle(attempt.id, "answered", None)
    assert (await noted(campaigns, attempt, "failed")).state == "settled"
    settled = await campaigns.note(attempt.id, sid="CA1", duration_s=7)
    assert settled is not None
    assert (settled.duration_s, settled.status) == (61, "completed")


async def test_a_call_of_another_sid_changes_nothing(campaigns: CampaignStore) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    placed = await noted(campaigns, attempt, "queued", sid="CA1")
    assert await noted(campaigns, attempt, "completed", sid="CA2") == placed
    assert await campaigns.attempt_of("CA1") == placed
    assert await campaigns.attempt_of("CA2") is None
    assert await campaigns.note("0" * 20, sid="CA1") is None


async def test_a_call_back_finds_the_last_attempt_that_was_placed(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns)
    assert await campaigns.last_called(number(0), FROM) is None
    first = await claimed(campaigns, campaign)
    assert await campaigns.last_called(number(0), FROM) is None
    placed = await noted(campaigns, first, "queued")
    assert await campaigns.last_called(number(0), FROM) == placed
    await campaigns.settle(first.id, "busy", plan())
    second = await noted(campaigns, await claimed(campaigns, campaign), sid="CA2")
    assert await campaigns.last_called(number(0), FROM) == second


# An answer that never came


async def test_an_answer_that_never_came_is_unknown_with_a_new_token(
    campaigns: CampaignStore,
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    unknown = await campaigns.lost_answer(attempt.id, 1)
    assert unknown is not None
    assert (unknown.state, unknown.token) == ("unknown", 2)
    assert await campaigns.lost_answer(attempt.id, 1) is None
    assert await campaigns.look(1, 1000) == [unknown]
    assert not await campaigns.void(attempt.id, 1, LATER)
    assert (await noted(campaigns, attempt, "ringing")).state == "placed"
    assert await campaigns.lost_answer(attempt.id, 2) is None
    assert not await campaigns.void(attempt.id, 2, LATER)


async def test_no_empty_list_is_counted_twice(campaigns: CampaignStore, clock: Clock) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await campaigns.empty_list(attempt.id, 1, clock()) is None  # it is not unknown
    await campaigns.lost_answer(attempt.id, 1)
    first = await campaigns.empty_list(attempt.id, 2, clock() + 5000)
    assert first is not None
    assert (first.empties, first.token) == (1, 3)
    assert await campaigns.empty_list(attempt.id, 2, clock() + 5000) is None
    assert await campaigns.look(1, 1000) == []
    clock.pass_ms(5000)
    assert await campaigns.look(1, 1000) == [first]
    second = await campaigns.empty_list(attempt.id, 3, clock())
    assert second is not None
    assert second.empties == 2
    assert await campaigns.void(attempt.id, 4, LATER)


# Void


async def test_a_call_that_was_not_placed_does_not_count(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    for _ in range(2):  # the answer may have been lost
        assert await campaigns.void(attempt.id, 1, LATER, reason="429")
        after = await contact(campaigns, campaign)
        assert (after.state, after.attempts, after.today) == ("waiting", 0, 0)
        assert (after.plan, after.outcome) == (LATER, None)
    progress = await campaigns.progress(campaign.id)
    assert (progress.attempts, progress.waiting, progress.live, progress.outcomes) == (0, 1, 0, {})
    assert progress.placed_lately == 0
    kept = await campaigns.attempt(attempt.id)
    assert kept is not None
    assert (kept.state, kept.reason, kept.settled_ms) == ("void", "429", START_MS)
    assert await campaigns.live(campaign.id) == []
    assert not await campaigns.settle(attempt.id, "busy", None)
    assert not await campaigns.void("0" * 20, 1, None)


async def test_who_was_not_called_and_cannot_be_any_more_is_done(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    assert await campaigns.void(attempt.id, 1, None)
    after = await contact(campaigns, campaign)
    assert (after.state, after.outcome, after.attempts) == ("done", "expired", 0)
    assert (await campaigns.progress(campaign.id)).contact_outcomes == {"expired": 1}


async def test_a_void_attempt_whose_call_turns_up_counts_after_all(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign, other = await running(campaigns), await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.void(attempt.id, 1, LATER, reason="Twilio never placed the call")
    elsewhere = await claimed(campaigns, other)
    revived = await noted(campaigns, attempt, "ringing")
    assert (revived.state, revived.sid) == ("placed", "CA1")
    assert (revived.reason, revived.settled_ms) == ("", None)
    assert await redis.ttl(f"{redis_prefix}attempt:{attempt.id}") == -1
    after = await contact(campaigns, campaign)
    assert (after.state, after.attempts, after.today, after.day) == ("live", 1, 1, DAY)
    progress = await campaigns.progress(campaign.id)
    assert (progress.attempts, progress.live) == (1, 1)
    assert (progress.waiting, progress.done, progress.outcomes) == (0, 0, {})
    # The number is in two calls now, and free when both are over.
    third = await running(campaigns)
    await campaigns.settle(elsewhere.id, "answered", None)
    assert (await claim(campaigns, third)).attempts == []
    assert await campaigns.settle(attempt.id, "answered", None)
    assert (await contact(campaigns, campaign)).state == "done"
    assert (await campaigns.look(10, 1000)) == []


async def test_a_void_attempt_stays_void_while_its_contact_is_in_another(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.void(attempt.id, 1, plan())
    other = await claimed(campaigns, campaign)
    late = await noted(campaigns, attempt, "in-progress")
    assert (late.state, late.sid, late.status) == ("void", "CA1", "")
    assert (await contact(campaigns, campaign)).attempt == other.id
    await campaigns.settle(other.id, "busy", plan())
    assert (await noted(campaigns, attempt, "in-progress")).state == "placed"
    progress = await campaigns.progress(campaign.id)
    assert (progress.done, progress.live, progress.outcomes) == (0, 1, {"busy": 1})


@pytest.mark.parametrize("outcome", ["answered", "refused", "called_back", "expired"])
async def test_who_is_done_stays_so_when_the_call_of_a_void_attempt_turns_up(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str, outcome: Outcome
) -> None:
    campaign, other = await running(campaigns), await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.void(attempt.id, 1, None if outcome == "expired" else plan())
    if outcome == "called_back":
        await campaigns.finish_contact(campaign.id, number(0), outcome)
    elif outcome != "expired":
        second = await claimed(campaigns, campaign)
        await campaigns.settle(second.id, outcome, None)
    was = await contact(campaigns, campaign)

    late = await noted(campaigns, attempt, "no-answer")
    assert late.state == "ended"
    assert (await claim(campaigns, other)).attempts == []  # it is a call to them
    assert await campaigns.settle(attempt.id, "no_answer", plan())
    after = await contact(campaigns, campaign)
    assert (after.state, after.outcome, after.attempt) == ("done", outcome, was.attempt)
    assert after.attempts == was.attempts + 1
    assert (await claim(campaigns, campaign)).attempts == []
    progress = await campaigns.progress(campaign.id)
    assert (progress.done, progress.contact_outcomes) == (1, {outcome: 1})
    assert progress.outcomes["no_answer"] == 1
    assert await redis.exists(f"{redis_prefix}dial:live") == 0


async def test_the_call_of_one_attempt_is_never_bound_to_another(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    first = await claimed(campaigns, campaign)
    await campaigns.void(first.id, 1, plan())
    second = await claimed(campaigns, campaign)
    await noted(campaigns, second, "ringing", sid="CA1")
    await campaigns.settle(second.id, "busy", plan())
    late = await noted(campaigns, first, "completed", sid="CA1")
    assert (late.state, late.sid) == ("void", "")
    found = await campaigns.attempt_of("CA1")
    assert found is not None
    assert found.id == second.id
    assert (await campaigns.progress(campaign.id)).attempts == 1


# Settled


async def test_an_attempt_is_settled_once_from_whatever_it_was(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    assert await campaigns.settle(attempt.id, "refused", None, reason="21211: no such number")
    kept = await campaigns.attempt(attempt.id)
    assert kept is not None
    assert (kept.state, kept.outcome, kept.usd) == ("settled", "refused", None)
    assert kept.reason == "21211: no such number"
    assert not await campaigns.settle(attempt.id, "answered", plan())
    assert not await campaigns.void(attempt.id, 1, plan())
    assert await campaigns.lost_answer(attempt.id, 1) is None
    assert not await campaigns.settle("0" * 20, "answered", None)
    assert (await contact(campaigns, campaign)).outcome == "refused"


async def test_retries_are_counted_by_outcome_and_attempts_by_day(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns)
    outcomes = ("busy", "no_answer", "busy", "busy", "voicemail")
    for outcome, day in zip(outcomes, ("1", "1", "2", "2", "2"), strict=True):
        attempt = await claimed(campaigns, campaign)
        assert await campaigns.settle(attempt.id, outcome, plan(day=day))  # type: ignore[arg-type]
    after = await contact(campaigns, campaign)
    assert after.retries == {"busy": 3, "no_answer": 1, "voicemail": 1}
    assert (after.attempts, after.today, after.day) == (5, 2, "2")
    attempt = await claimed(campaigns, campaign)
    assert (await contact(campaigns, campaign)).today == 3


async def test_what_was_talked_and_what_it_cost_are_added_up(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2)
    for seconds, usd in ((20, 0.1), (3, 0.2)):
        attempt = await claimed(campaigns, campaign)
        await campaigns.note(attempt.id, sid=attempt.id, status="completed", duration_s=seconds)
        await campaigns.settle(attempt.id, "answered", None, usd=usd)
    progress = await campaigns.progress(campaign.id)
    assert (progress.talked_s, progress.usd) == (23, 0.3)
    kept = await campaigns.attempt(attempt.id)
    assert kept is not None
    assert kept.usd == 0.2


# The circuit breaker


async def test_calls_that_fail_in_a_row_pause_the_campaign(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 8, breaker=3)
    for outcome in ("failed", "failed", "busy", "failed", "failed"):
        attempt = await claimed(campaigns, campaign)
        await campaigns.settle(attempt.id, outcome, None)
    last, spare = (await claim(campaigns, campaign, 2)).attempts
    with capture_logs() as logs:
        assert await campaigns.settle(last.id, "failed", None, reason="no route")
    reason = "3 calls failed in a row, the last: no route"
    assert [(line["campaign"], line["reason"]) for line in logs] == [(campaign.id, reason)]
    paused = await campaigns.campaign(campaign.id)
    assert paused is not None
    assert (paused.state, paused.reason) == ("paused", reason)
    assert await campaigns.running() == []
    await campaigns.settle(spare.id, "failed", None)  # of before: it says nothing new
    await campaigns.change(campaign.id, "running", allowed=["paused"])
    attempt = await claimed(campaigns, campaign)
    await campaigns.settle(attempt.id, "failed", None)
    resumed = await campaigns.campaign(campaign.id)
    assert resumed is not None
    assert (resumed.state, resumed.reason) == ("running", "")


# The sweeper


async def test_an_attempt_is_looked_at_when_its_lease_is_over_and_again_later(
    campaigns: CampaignStore, clock: Clock
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await campaigns.look(10, MINUTE_MS) == []
    clock.pass_ms(10_000)
    assert await campaigns.look(10, MINUTE_MS) == [attempt]
    assert await campaigns.look(10, MINUTE_MS) == []
    await campaigns.watch(attempt.id, clock() + 5000)
    clock.pass_ms(5000)
    assert await campaigns.look(10, MINUTE_MS) == [attempt]
    await campaigns.watch(attempt.id, clock() + 2 * MINUTE_MS)
    await noted(campaigns, attempt, "completed")  # that its worker settles, or the sweeper soon
    clock.pass_ms(14_999)
    assert await campaigns.look(10, MINUTE_MS) == []
    clock.pass_ms(1)
    assert [found.id for found in await campaigns.look(10, MINUTE_MS)] == [attempt.id]
    await campaigns.settle(attempt.id, "answered", None)
    await campaigns.watch(attempt.id, clock())
    assert await campaigns.look(10, MINUTE_MS) == []


async def test_no_more_are_looked_at_than_were_asked_for(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 5)
    claims = await claim(campaigns, campaign, 5)
    clock.pass_ms(10_000)
    found = await campaigns.look(3, MINUTE_MS) + await campaigns.look(3, MINUTE_MS)
    assert {attempt.id for attempt in found} == {attempt.id for attempt in claims.attempts}
    live = await campaigns.live(campaign.id)
    assert {attempt.id for attempt in live} == {attempt.id for attempt in claims.attempts}
