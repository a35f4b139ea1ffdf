from __future__ import annotations

import csv
import io

import pytest
from redis.asyncio import Redis

from bot.campaign import export as export_module
from bot.campaign.export import Lost, export
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign, NewContact
from bot.dialog.types import HistoryEntry
from bot.record import Record
from bot.store import Store

from .campaigns import Clock, claim, number, people, plan, running

Row = dict[str, str]


async def table(
    campaigns: CampaignStore, store: Store, campaign: Campaign, lost: list[Lost] | None = None
) -> list[Row]:
    told: list[Lost] = [] if lost is None else lost
    text = "".join([piece async for piece in export(campaigns, store, campaign, told.append)])
    assert lost is not None or not told
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    # No row is shorter or longer than the header.
    assert all(None not in row and None not in row.values() for row in rows)
    return rows


async def test_every_attempt_has_a_row_with_all_of_it(
    campaigns: CampaignStore, store: Store, clock: Clock
) -> None:
    contact = NewContact(
        number(0), ("America/New_York", "America/Detroit"), "Ann", "en-US", {"customer": "=7"}
    )
    campaign = await running(campaigns, [(contact, plan())])
    (first,) = (await claim(campaigns, campaign)).attempts
    await campaigns.void(first.id, first.token, plan(), reason="Twilio was busy")
    (second,) = (await claim(campaigns, campaign)).attempts
    clock.pass_ms(1500)
    await campaigns.note(second.id, sid="CA1", status="in-progress")
    clock.pass_ms(30_000)
    await campaigns.note(
        second.id, sid="CA1", status="completed", duration_s=30, minutes=1, answered_by="human"
    )
    await campaigns.settle(second.id, "answered", None, usd=0.25)
    record = Record(
        "CA1",
        state={"result": {"day": "friday", "guests": 4, "note": None}},
        history=[
            HistoryEntry("bot", "Which day? Or week?", "Which day?", 0, 1, interrupted=True),
            HistoryEntry("caller", "on\nfriday", "on\nfriday", 1, 2),
            HistoryEntry("bot", "Never said.", "", 2, 2),
        ],
    )
    await store.commit(record)
    void, called = await table(campaigns, store, campaign)
    assert (void["state"], void["reason"], void["call_sid"]) == ("void", "Twilio was busy", "")
    assert called == {
        "number": number(0),
        "name": "Ann",
        "language": "en-US",
        "time_zones": "America/New_York America/Detroit",
        "contact_state": "done",
        "contact_outcome": "answered",
        "variable.customer": "'=7",
        "variable": "",
        "attempt": second.id,
        "ordinal": "1",
        "state": "settled",
        "outcome": "answered",
        "reason": "",
        "from": "+15550001111",
        "call_sid": "CA1",
        "status": "completed",
        "claimed_at": "2026-11-21T08:00:00.000+00:00",
        "placed_at": "2026-11-21T08:00:01.500+00:00",
        "answered_at": "2026-11-21T08:00:01.500+00:00",
        "ended_at": "2026-11-21T08:00:31.500+00:00",
        "settled_at": "2026-11-21T08:00:31.500+00:00",
        "duration_s": "30",
        "billed_minutes": "1",
        "answered_by": "human",
        "usd": "0.25",
        "transcript": "bot: Which day?\ncaller: on friday",
        "result.day": "friday",
        "result.guests": "4",
        "result.note": "",
        "result": "",
    }


async def test_contacts_whom_nobody_called_have_a_row(
    campaigns: CampaignStore, store: Store
) -> None:
    # More than one batch.
    campaign = await running(campaigns, people(20))
    attempts = (await claim(campaigns, campaign, 10)).attempts
    rows = await table(campaigns, store, campaign)
    assert [row["number"] for row in rows[:10]] == [attempt.number for attempt in attempts]
    assert {row["number"] for row in rows} == {number(index) for index in range(20)}
    assert {(row["contact_state"], row["attempt"]) for row in rows[10:]} == {("waiting", "")}


async def test_what_is_kept_no_more_is_said(
    campaigns: CampaignStore, store: Store, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns, people(4))
    attempts = (await claim(campaigns, campaign, 3)).attempts
    for attempt in attempts:
        await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="completed")
        await campaigns.settle(attempt.id, "answered", None)
    await redis.delete(f"{redis_prefix}attempt:{attempts[0].id}")
    await store.commit(Record(f"CA{attempts[1].id}"))
    lost: list[Lost] = []
    rows = await table(campaigns, store, campaign, lost)
    assert lost == [Lost(attempts=1, records=1)]
    assert str(lost[0]).startswith("1 attempts have no row, and 1 calls have neither transcript")
    found = {row["number"]: row["attempt"] for row in rows}
    assert len(rows) == len(found) == 4
    assert found[attempts[0].number] == ""
    assert found[attempts[1].number] == attempts[1].id


async def test_what_has_no_column_of_its_own_is_not_lost(
    campaigns: CampaignStore, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "MAX_COLUMNS", 1)
    contact = NewContact(number(0), ("UTC",), variables={"a": "1", "b": "2"})
    campaign = await running(campaigns, [(contact, plan())])
    (attempt,) = (await claim(campaigns, campaign)).attempts
    await campaigns.note(attempt.id, sid="CA1", status="completed")
    await store.commit(Record("CA1", state={"result": {"day": "friday", "=x": [1]}}))
    (row,) = await table(campaigns, store, campaign)
    assert (row["variable.a"], row["variable"]) == ("1", '{"b":"2"}')
    assert (row["result.day"], row["result"]) == ("friday", '{"=x":[1]}')


@pytest.mark.parametrize("state", [{}, {"result": "yes"}, {"result": None}])
async def test_a_dialog_without_a_result(
    campaigns: CampaignStore, store: Store, state: dict[str, object]
) -> None:
    campaign = await running(campaigns)
    (attempt,) = (await claim(campaigns, campaign)).attempts
    await campaigns.note(attempt.id, sid="CA1", status="completed")
    await store.commit(Record("CA1", state=state))
    (row,) = await table(campaigns, store, campaign)
    assert (row["result"], row["transcript"], row["call_sid"]) == ("", "", "CA1")
    assert not [name for name in row if name.startswith("result.")]


async def test_a_campaign_without_contacts_has_a_heading(
    campaigns: CampaignStore, store: Store
) -> None:
    campaign = await running(campaigns, 0)
    lost: list[Lost] = []
    (heading,) = [piece async for piece in export(campaigns, store, campaign, lost.append)]
    assert heading.startswith("number,name,")
    assert not lost
