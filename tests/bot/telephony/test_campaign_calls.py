"""What Twilio is answered for a campaign's calls, and for those who call back."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

import bot.campaign.arriving
from bot.campaign.calls import CampaignCalls
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, NewContact
from bot.dialog import Ended
from bot.record import Record
from bot.settings import Settings
from bot.store import Store
from tests.bot.campaign.campaigns import FROM, Clock, claimed, number, plan, running

from .deployment import CALL, Deployment, parameters, settings, tags, target

PERSON = number(0)
OTHER = "CA" + "1" * 32
DIALLED = {
    "Direction": "outbound-api",
    "From": FROM,
    "To": PERSON,
    "CallStatus": "in-progress",
}
CONNECT = ["Connect", "Redirect"]


def with_campaigns(made: Settings, store: Store, campaigns: CampaignStore) -> Deployment:
    settling = Settling(campaigns, store, jitter=lambda: 0.0)
    return Deployment(made, store, CampaignCalls(made, campaigns, settling, {}, _no_dialog, 10))


def _no_dialog(name: str) -> Any:
    raise AssertionError("a webhook loads no dialog")


@pytest.fixture
def deployment(tmp_path: Path, store: Store, campaigns: CampaignStore) -> Deployment:
    return with_campaigns(settings(tmp_path), store, campaigns)


async def dialled(campaigns: CampaignStore, **spec: Any) -> tuple[Campaign, Attempt]:
    """A campaign of one contact, who is being called."""
    variables = {"order": "42", "note": "x" * 600}
    contact = NewContact(PERSON, ("America/New_York",), "Ada", "", variables)
    campaign = await running(campaigns, [(contact, plan())], **spec)
    return campaign, await claimed(campaigns, campaign)


async def known(campaigns: CampaignStore, attempt: Attempt) -> Attempt:
    found = await campaigns.attempt(attempt.id)
    assert found is not None
    return found


async def record_of(store: Store, sid: str = CALL) -> Record:
    record = await store.load(sid)
    assert record is not None
    return record


# Voice


async def test_an_attempts_call_gets_the_campaigns_dialog(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    spec = {"dialog": "survey:Survey", "language": "de-DE"}
    campaign, attempt = await dialled(campaigns, **spec)
    verbs = await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    assert tags(verbs) == CONNECT
    given = parameters(verbs)
    # What is too long for Twilio is only in the record.
    assert (given["name"], given["order"], given["attempt"]) == ("Ada", "42", attempt.id)
    assert "note" not in given
    record = await record_of(deployment.store)
    assert (record.campaign, record.attempt) == (campaign.id, attempt.id)
    assert (record.direction, record.dialog, record.language) == (
        "outbound", "survey:Survey", "de-DE",
    )  # fmt: skip
    assert record.parameters == {
        "name": "Ada", "campaign": "Test", "order": "42", "note": "x" * 600,
    }  # fmt: skip
    assert deployment.calls.dialled == [CALL]
    noted = await known(campaigns, attempt)
    assert (noted.state, noted.sid, noted.status) == ("placed", CALL, "in-progress")


async def test_what_the_contact_and_the_number_say_counts_too(
    tmp_path: Path, store: Store, campaigns: CampaignStore
) -> None:
    numbers = {FROM: {"dialog": "script:own.toml", "language": "fr-FR"}}
    deployment = with_campaigns(settings(tmp_path, numbers=numbers), store, campaigns)
    contact = NewContact(PERSON, ("America/New_York",), language="es-ES")
    campaign = await running(campaigns, [(contact, plan())])
    attempt = await claimed(campaigns, campaign)
    await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    record = await record_of(store)
    assert (record.dialog, record.language) == ("script:own.toml", "es-ES")


async def test_the_attempt_is_sent_on_with_the_call(
    tmp_path: Path, store: Store, campaigns: CampaignStore
) -> None:
    deployment = with_campaigns(settings(tmp_path, overflow="redirect"), store, campaigns)
    deployment.calls.draining = True
    _, attempt = await dialled(campaigns)
    (redirect,) = await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    assert target(redirect) == f"/twilio/voice?hop=1&attempt={attempt.id}"


@pytest.mark.parametrize("path", ["voice", "status", "amd"])
async def test_what_is_no_attempts_id_is_refused(deployment: Deployment, path: str) -> None:
    for attempt in ("", "xyz", "A" * 20, "0" * 21):
        response = await deployment.post(f"/twilio/{path}?attempt={attempt}", DIALLED)
        assert response.status_code == 400


async def test_a_call_that_is_not_the_attempts_is_hung_up(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    await campaigns.note(attempt.id, sid=OTHER, status="ringing")
    path = f"/twilio/voice?attempt={attempt.id}"
    assert tags(await deployment.ask(path, DIALLED)) == ["Hangup"]
    assert (await known(campaigns, attempt)).sid == OTHER
    assert await deployment.store.load(CALL) is None
    assert tags(await deployment.ask(path, {**DIALLED, "CallSid": OTHER})) == CONNECT


async def test_nobody_is_greeted_for_a_campaign_that_is_no_more(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    campaign, attempt = await dialled(campaigns)
    unknown = f"/twilio/voice?attempt={secrets.token_hex(10)}"
    assert tags(await deployment.ask(unknown, DIALLED)) == ["Hangup"]
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    path = f"/twilio/voice?attempt={attempt.id}"
    assert tags(await deployment.ask(path, DIALLED)) == ["Hangup"]
    assert deployment.calls.ends[-1] == (CALL, Ended("bot", "campaign canceled"))


async def test_a_call_that_was_given_up_is_hung_up_when_its_person_has_another(
    deployment: Deployment, campaigns: CampaignStore, clock: Clock
) -> None:
    campaign, attempt = await dialled(campaigns)
    assert await campaigns.void(attempt.id, attempt.token, plan())
    again = await claimed(campaigns, campaign)
    path = "/twilio/voice?attempt="
    assert tags(await deployment.ask(path + attempt.id, DIALLED)) == ["Hangup"]
    assert tags(await deployment.ask(path + again.id, {**DIALLED, "CallSid": OTHER})) == CONNECT


async def test_the_campaign_learns_of_a_call_for_which_there_was_no_room(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    deployment.calls.active = 100
    assert tags(await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("error", "no capacity"))]
    assert (await record_of(deployment.store)).attempt == attempt.id


async def test_nobody_whom_a_campaign_has_called_is_put_through_to_others(
    tmp_path: Path, store: Store, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    deployment = with_campaigns(
        settings(tmp_path, fallback_number="+15550009999"), store, campaigns
    )
    deployment.calls.active = 100
    answer = await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    assert tags(answer) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("error", "no capacity"))]


@pytest.mark.parametrize(
    ("answered_by", "voicemail", "reason"),
    [
        ("machine_start", "hang_up", "voicemail"),
        ("machine_end_beep", "hang_up", "voicemail"),
        ("fax", "talk", "fax"),
        ("machine_start", "talk", None),
        ("machine_start", "leave_message", None),
        ("human", "hang_up", None),
        ("unknown", "hang_up", None),
    ],
)
async def test_what_a_machine_gets(
    deployment: Deployment,
    campaigns: CampaignStore,
    answered_by: str,
    voicemail: str,
    reason: str | None,
) -> None:
    _, attempt = await dialled(campaigns, voicemail=voicemail, message="Call us.")
    form = {**DIALLED, "AnsweredBy": answered_by}
    verbs = await deployment.ask(f"/twilio/voice?attempt={attempt.id}", form)
    assert tags(verbs) == (CONNECT if reason is None else ["Hangup"])
    ends = [] if reason is None else [(CALL, Ended("bot", reason))]
    assert deployment.calls.ends == ends
    assert (await record_of(deployment.store)).answered_by == answered_by
    assert (await known(campaigns, attempt)).answered_by == answered_by


async def test_without_redis_an_attempts_call_goes_on(
    tmp_path: Path, no_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.campaign.arriving, "AGAIN_S", (0.0, 0.0))
    away = CampaignStore("unix:///nonexistent/redis.sock")
    deployment = with_campaigns(settings(tmp_path), no_store, away)
    attempt = secrets.token_hex(10)
    for _ in range(2):  # the second time it is known that Redis is away
        verbs = await deployment.ask(f"/twilio/voice?attempt={attempt}", DIALLED)
        assert tags(verbs) == CONNECT
        # The stream tells its worker whose call it is.
        assert parameters(verbs)["attempt"] == attempt
    response = await deployment.post(
        f"/twilio/status?attempt={attempt}", {**DIALLED, "CallStatus": "completed"}
    )
    assert response.status_code == 200
    await away.aclose()


# Status and machine detection


async def test_the_status_is_noted_and_what_never_rang_is_settled(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns, days=["sat"])
    path = f"/twilio/status?attempt={attempt.id}"
    for status, state in (("initiated", "placed"), ("ringing", "placed"), ("busy", "settled")):
        await deployment.ask(path, {**DIALLED, "CallStatus": status, "CallDuration": "0"})
        assert ((await known(campaigns, attempt)).state) == state
    assert (await known(campaigns, attempt)).outcome == "busy"
    # Once more, and late.
    await deployment.ask(path, {**DIALLED, "CallStatus": "busy"})
    await deployment.ask(path, {**DIALLED, "CallStatus": "ringing"})
    assert (await known(campaigns, attempt)).outcome == "busy"


async def test_a_call_is_settled_by_its_status_if_its_record_is_closed(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns, minute_usd=0.5)
    await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    over = {
        **DIALLED, "CallStatus": "completed", "CallDuration": "61", "Duration": "2",
    }  # fmt: skip
    path = f"/twilio/status?attempt={attempt.id}"
    await deployment.ask(path, over)
    noted = await known(campaigns, attempt)
    assert (noted.state, noted.duration_s, noted.minutes) == ("ended", 61, 2)
    record = await record_of(deployment.store)
    record.answered_ms = 1
    record.close(Ended("caller", "hung up"))
    await deployment.store.commit(record)
    await deployment.ask(path, over)
    noted = await known(campaigns, attempt)
    assert (noted.state, noted.outcome, noted.usd) == ("settled", "answered", 1.0)


async def test_a_last_word_that_redis_did_not_take_is_said_again(
    deployment: Deployment, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.campaign.arriving, "AGAIN_S", (0.0, 0.0))
    _, attempt = await dialled(campaigns)
    path, busy = f"/twilio/status?attempt={attempt.id}", {**DIALLED, "CallStatus": "busy"}
    # It is known that Redis has just failed, and then it fails once more.
    deployment.memory.set_away()
    away = CampaignStore("unix:///nonexistent/redis.sock")
    note, answers = campaigns.note, [away.note]

    async def noted(*args: Any, **facts: Any) -> Attempt | None:
        return await (answers.pop() if answers else note)(*args, **facts)

    monkeypatch.setattr(campaigns, "note", noted)
    await deployment.ask(path, busy)
    assert (await known(campaigns, attempt)).outcome == "busy"
    await away.aclose()


async def test_why_a_call_has_failed_is_kept(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    failed = {**DIALLED, "CallStatus": "failed", "SipResponseCode": "503"}
    await deployment.ask(f"/twilio/status?attempt={attempt.id}", failed)
    noted = await known(campaigns, attempt)
    assert (noted.outcome, noted.reason) == ("failed", "SIP 503")


async def test_the_verdict_on_a_machine_is_noted(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    await deployment.ask(f"/twilio/voice?attempt={attempt.id}", DIALLED)
    verdict = {**DIALLED, "AnsweredBy": "machine_end_beep"}
    await deployment.ask(f"/twilio/amd?attempt={attempt.id}", verdict)
    assert (await known(campaigns, attempt)).answered_by == "machine_end_beep"
    assert (await record_of(deployment.store)).answered_by == "machine_end_beep"


async def test_what_is_said_of_another_call_changes_nothing(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    await campaigns.note(attempt.id, sid=OTHER, status="ringing")
    path = f"/twilio/status?attempt={attempt.id}"
    await deployment.ask(path, {**DIALLED, "CallStatus": "failed"})
    noted = await known(campaigns, attempt)
    assert (noted.state, noted.sid, noted.status) == ("placed", OTHER, "ringing")


async def test_without_campaigns_an_attempt_means_nothing(tmp_path: Path, store: Store) -> None:
    deployment = Deployment(settings(tmp_path), store)
    attempt = secrets.token_hex(10)
    assert tags(await deployment.ask(f"/twilio/voice?attempt={attempt}", DIALLED)) == CONNECT
    over = {**DIALLED, "CallStatus": "completed"}
    assert (await deployment.ask(f"/twilio/status?attempt={attempt}", over)) == []


# Calls back


CALLS_BACK = {"From": PERSON, "To": FROM}


async def test_who_calls_back_finds_the_campaign(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    campaign, attempt = await dialled(campaigns, dialog="survey:Survey")
    await campaigns.note(attempt.id, sid=OTHER, status="no-answer")
    verbs = await deployment.ask("/twilio/voice", CALLS_BACK)
    assert tags(verbs) == CONNECT
    given = parameters(verbs)
    assert (given["called_back"], given["name"], given["order"]) == ("yes", "Ada", "42")
    assert "attempt" not in given
    record = await record_of(deployment.store)
    assert (record.campaign, record.attempt) == (campaign.id, attempt.id)
    assert (record.dialog, record.direction) == ("survey:Survey", "inbound")
    assert deployment.calls.dialled == []


async def test_other_callers_find_the_numbers_own_bot(
    deployment: Deployment, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns, dialog="survey:Survey")
    await campaigns.note(attempt.id, sid=OTHER, status="no-answer")
    for index, changes in enumerate(({"From": number(1), "To": FROM}, {"From": PERSON})):
        sid = f"CA{index + 2:032}"
        await deployment.ask("/twilio/voice", {**changes, "CallSid": sid})
        record = await record_of(deployment.store, sid)
        assert (record.campaign, record.attempt, record.dialog) == (None, None, "echo")


async def test_where_there_are_no_campaigns_nobody_is_looked_up(
    deployment: Deployment, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    last_called = campaigns.last_called

    async def counted(number: str, from_number: str) -> Attempt | None:
        asked.append(number)
        return await last_called(number, from_number)

    monkeypatch.setattr(campaigns, "last_called", counted)
    for index in range(3):
        await deployment.ask("/twilio/voice", {**CALLS_BACK, "CallSid": f"CA{index:032}"})
    assert asked == [PERSON]
