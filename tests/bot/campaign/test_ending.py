"""What a call has come to counts for its campaign, though Redis was away when it ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import bot.campaign.ending
from bot.campaign.ending import Endings
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Contact, NewContact
from bot.dialog import Ended
from bot.record import Record
from bot.store import Store
from tests.background import running as in_background
from tests.background import until

from .campaigns import (
    ALWAYS,
    FROM,
    START_MS,
    Clock,
    claimed,
    comes_back,
    contact_of,
    number,
    plan,
    running,
)

SID = "CA" + "0" * 32
GIVEN = {"result": {"coming": "yes"}}


@pytest.fixture
def endings(far: CampaignStore, store: Store) -> Endings:
    """Of a worker whose Redis is away."""
    return Endings(far, Settling(far, store, jitter=lambda: 0.0), again_s=0.01)


def closed(attempt: Attempt, **values: Any) -> Record:
    """The record of a call in which somebody has talked to us."""
    record = Record(SID, "AC", attempt=attempt.id, answered_ms=START_MS, turns=6, state=GIVEN)
    record.close(Ended("caller", "hung up"))
    return replace(record, **values)


def called_back(attempt: Attempt, **values: Any) -> Record:
    """Of a call in which the attempt's contact calls us."""
    given = {"direction": "inbound", "campaign": attempt.campaign, "from_number": attempt.number}
    return closed(attempt, **{**given, "to_number": FROM, **values})


async def waiting(campaigns: CampaignStore, person: str = number(0)) -> Attempt:
    """An attempt that did not reach them, who are to be called again."""
    contacts = [(NewContact(person, ("America/New_York",)), plan())]
    attempt = await claimed(campaigns, await running(campaigns, contacts, **ALWAYS))
    await campaigns.note(attempt.id, sid="CA1", status="busy")
    await campaigns.settle(attempt.id, "busy", plan())
    return attempt


async def of(campaigns: CampaignStore, attempt: Attempt) -> Contact:
    contact = await campaigns.contact(attempt.campaign, attempt.number)
    assert contact is not None
    return contact


async def later(endings: Endings, record: Record, socket: Path, redis_url: str) -> None:
    """The call ends, and Redis comes back."""
    with capture_logs() as logs:
        async with in_background(endings.run()):
            await endings.ended(record)
            assert endings.kept == 1
            comes_back(socket, redis_url)
            await until(lambda: endings.kept == 0)
    assert number(0) not in repr(logs)


async def test_who_calls_back_while_redis_is_away_is_not_called_again(
    campaigns: CampaignStore, endings: Endings, socket: Path, redis_url: str
) -> None:
    attempt = await waiting(campaigns)
    await later(endings, called_back(attempt), socket, redis_url)
    contact = await of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("done", "called_back")


async def test_who_asks_meanwhile_for_a_call_gets_it_when_they_said(
    campaigns: CampaignStore, endings: Endings, socket: Path, redis_url: str, clock: Clock
) -> None:
    attempt = await waiting(campaigns)
    await later(endings, called_back(attempt, call_back_s=7200), socket, redis_url)
    contact = await of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("waiting", "callback")
    assert contact.plan is not None
    assert contact.plan.due_ms == pytest.approx(clock.now_ms + 7_200_000, abs=10_000)


async def test_who_calls_back_from_a_number_in_its_old_spelling_is_not_called_again(
    campaigns: CampaignStore, endings: Endings, socket: Path, redis_url: str
) -> None:
    attempt = await waiting(campaigns, "+525512345678")
    record = called_back(attempt, from_number="+5215512345678")
    await later(endings, record, socket, redis_url)
    assert (await of(campaigns, attempt)).outcome == "called_back"


async def taken_for_unheard(campaigns: CampaignStore, store: Store) -> Attempt:
    """An attempt that was settled without the record of its call, whose worker has no Redis."""
    attempt = await claimed(campaigns, await running(campaigns, **ALWAYS))
    await campaigns.note(attempt.id, sid=SID, status="completed", duration_s=40)
    assert await Settling(campaigns, store).settle(attempt.id, late=True)
    assert (await of(campaigns, attempt)).outcome == "failed"
    return attempt


@pytest.mark.parametrize(
    ("said", "state", "outcome"),
    [
        ({}, "done", "answered"),
        ({"do_not_call": True}, "done", "do_not_call"),
        ({"call_back_s": 7200}, "waiting", "callback"),
        ({"message_left": True}, "done", "message_left"),
        ({"turns": 0, "state": {}, "ended": Ended("error", "no capacity")}, "waiting", "failed"),
    ],
)
async def test_what_only_their_worker_knew_counts_when_it_can_tell(
    campaigns: CampaignStore,
    store: Store,
    endings: Endings,
    socket: Path,
    redis_url: str,
    said: dict[str, Any],
    state: str,
    outcome: str,
) -> None:
    attempt = await taken_for_unheard(campaigns, store)
    record = closed(attempt, direction="outbound", **said)
    await later(endings, record, socket, redis_url)
    contact = await of(campaigns, attempt)
    assert (contact.state, contact.outcome) == (state, outcome)


async def test_whoever_is_being_called_again_meanwhile_is_not_called_a_third_time(
    campaigns: CampaignStore,
    store: Store,
    endings: Endings,
    socket: Path,
    redis_url: str,
    clock: Clock,
) -> None:
    attempt = await taken_for_unheard(campaigns, store)
    planned = (await of(campaigns, attempt)).plan
    campaign = await campaigns.campaign(attempt.campaign)
    assert planned is not None
    assert campaign is not None
    clock.now_ms = planned.due_ms
    again = await claimed(campaigns, campaign)
    await later(endings, closed(attempt, direction="outbound"), socket, redis_url)
    await campaigns.settle(again.id, "busy", plan())
    contact = await contact_of(campaigns, campaign)
    assert (contact.state, contact.outcome) == ("done", "answered")


async def test_who_has_asked_for_a_call_since_gets_it(
    campaigns: CampaignStore, store: Store, endings: Endings, socket: Path, redis_url: str
) -> None:
    attempt = await taken_for_unheard(campaigns, store)
    await campaigns.call_back(attempt.campaign, attempt.number, plan())
    await later(endings, closed(attempt, direction="outbound"), socket, redis_url)
    contact = await of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("waiting", "callback")


async def test_when_a_worker_stops_all_are_told_once_more(
    campaigns: CampaignStore, endings: Endings, socket: Path, redis_url: str
) -> None:
    attempt = await waiting(campaigns)
    await endings.ended(called_back(attempt))
    with capture_logs() as logs:
        await endings.conclude()
    assert [(line["log_level"], line["calls"]) for line in logs] == [("error", 1)]
    comes_back(socket, redis_url)
    await endings.conclude()
    assert (await of(campaigns, attempt)).state == "done"


async def test_more_than_can_be_kept_are_said_to_be_lost(
    campaigns: CampaignStore, endings: Endings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.campaign.ending, "MAX_KEPT", 1)
    attempt = await waiting(campaigns)
    await endings.ended(called_back(attempt))
    with capture_logs() as logs:
        await endings.ended(called_back(attempt, sid="CA" + "1" * 32))
    assert endings.kept == 1
    assert [line["call_sid"] for line in logs if line["log_level"] == "error"] == [SID]
