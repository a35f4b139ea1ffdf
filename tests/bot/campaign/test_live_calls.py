"""Campaigns' calls as a worker carries them, from the stream to the outcome, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import bot.calls
import bot.ends
import tests.bot.engines
from bot.campaign.arriving import Arrival, furnish
from bot.campaign.ending import Endings
from bot.campaign.outcome import NO_DIALOG
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Contact, NewContact
from bot.dialog import Call, CallBack, DialogError, Ended, Hangup, Turn
from bot.dialog.hook import Dialog, DialogFactory
from bot.numbers import BotSettings
from bot.record import Record
from bot.settings import Settings
from bot.store import Store
from media.messages import Start
from providers import catalog
from providers.types import SynthesisChunk, TtsOptions
from tests.background import until
from tests.bot.engines import Recognizer, Tones
from tests.bot.live_calls import ACCOUNT, SID, Bot, Worker, working
from tests.bot.sessions import STREAM, Telephone

from .campaigns import FROM, START_MS, claim, claimed, is_listed, number, plan, running

PERSON = number(0)
HUNG_UP = Ended("caller", "hung up")
FAREWELL = "This cannot go on."
REFUSAL = "please stop calling me"
HEARD: list[str | None] = [REFUSAL]
SPOKEN: list[str] = []


@dataclass
class Listener(Recognizer):
    """Understands one thing."""

    texts: list[str | None] = field(default_factory=lambda: HEARD)


@dataclass
class Voice(Tones):
    """Can be asked what it said."""

    def __post_init__(self) -> None:
        SPOKEN.clear()
        HEARD[:] = [REFUSAL]

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        SPOKEN.append(text)
        async with aclosing(super().synthesize(text, options)) as chunks:
            async for chunk in chunks:
                yield chunk


class Survey(Bot):
    """A campaign's dialog."""

    async def on_turn(self, call: Call, turn: Turn) -> list[object]:
        return [f"You said {turn.text}", *([CallBack(7200)] if turn.text == "later" else [])]

    async def on_dtmf(self, call: Call, digits: str) -> list[object]:
        return ["Later.", CallBack(7200), Hangup()] if digits == "1" else ["Well."]


@pytest.fixture
def survey() -> Survey:
    return Survey("Hello.")


@pytest.fixture
def own() -> Bot:
    """The number's own dialog."""
    return Bot("Welcome.")


@pytest.fixture
async def worker(
    redis_url: str,
    redis_prefix: str,
    tmp_path: Path,
    campaigns: CampaignStore,
    survey: Survey,
    own: Bot,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Worker]:
    monkeypatch.setitem(catalog.STT, "pocketsphinx", f"{__name__}:Listener")
    monkeypatch.setitem(catalog.TTS, "espeak", f"{__name__}:Voice")
    monkeypatch.setattr(tests.bot.engines, "MS_PER_CHARACTER", 5)
    monkeypatch.setattr(bot.calls, "SWEEP_S", 0.05)

    def load(name: str) -> DialogFactory:
        if name == "survey":
            return lambda: Dialog(survey)
        raise DialogError(f"no dialog called {name!r}")

    named: dict[str, Any] = {"farewell": FAREWELL, "endpointing_ms": 100, "do_not_call_digit": "0"}
    named |= {"campaigns": campaigns, "load": load}
    async with working(redis_url, redis_prefix, tmp_path, own, **named) as made:
        yield made


async def dialled(campaigns: CampaignStore, **spec: Any) -> tuple[Campaign, Attempt]:
    """A campaign of one contact, who has just taken the call."""
    contact = NewContact(PERSON, ("America/New_York",), "Ada")
    # The caller's voice is a tone, which is a beep to whoever listens for machines.
    spec = {"dialog": "survey", "days": ["sat", "sun"], "voicemail": "talk", **spec}
    campaign = await running(campaigns, [(contact, plan())], **spec)
    attempt = await claimed(campaigns, campaign)
    await campaigns.note(attempt.id, sid=SID, status="in-progress")
    return campaign, attempt


async def record_of(
    campaigns: CampaignStore, worker: Worker, attempt: Attempt, **values: Any
) -> Record:
    """The record of an attempt's call as `voice` leaves it, taken by its first stream."""
    record = Record(SID, ACCOUNT, FROM, PERSON, "outbound")
    for name, value in values.items():
        setattr(record, name, value)
    campaign, contact = await people(campaigns, attempt)
    furnish(record, Arrival(attempt.id, campaign, contact), _bot(worker))
    await worker.store.commit(record)
    worker.store.release(SID)
    return await worker.take(1)


async def people(campaigns: CampaignStore, attempt: Attempt) -> tuple[Campaign, Contact]:
    campaign = await campaigns.campaign(attempt.campaign)
    contact = await campaigns.contact(attempt.campaign, attempt.number)
    assert campaign is not None
    assert contact is not None
    return campaign, contact


async def over(campaigns: CampaignStore, worker: Worker, attempt: Attempt) -> None:
    """Twilio says that the call is over; it is seen to here."""
    await campaigns.note(attempt.id, sid=SID, status="completed", duration_s=60)
    await worker.calls.end(SID, HUNG_UP)


async def outcome(campaigns: CampaignStore, attempt: Attempt) -> str | None:
    known = await campaigns.attempt(attempt.id)
    assert known is not None
    return known.outcome


async def leaves(phone: Telephone) -> None:
    """Wait until the bot has hung up."""
    await until(lambda: phone.closed is not None)


async def answer(worker: Worker, text: str) -> list[Any]:
    """What the dialog of the call in progress answers."""
    live = worker.calls._live[SID]
    turn = Turn("t1", text)
    return [reply async for reply in live.dialog.on_turn(live.call, turn)]


async def test_a_call_has_its_campaigns_dialog_and_is_settled_when_it_ends(
    worker: Worker, campaigns: CampaignStore, survey: Survey, own: Bot
) -> None:
    campaign, attempt = await dialled(campaigns)
    async with worker.stream(await record_of(campaigns, worker, attempt)):
        await worker.said("Hello.")
        assert worker.calls.beside_campaigns == 0
        assert worker.calls._live[SID].call.parameters["name"] == "Ada"
    await over(campaigns, worker, attempt)
    assert await outcome(campaigns, attempt) == "answered"
    stored = await worker.stored()
    assert (stored.campaign, stored.dialog) == (campaign.id, "survey")
    assert len(survey.ends) == 1
    assert own.ends == []


async def test_a_call_is_settled_by_whoever_hears_of_its_end_last(
    worker: Worker, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.ends, "SECURE_DEADLINE_S", 10)
    _, attempt = await dialled(campaigns)
    async with worker.stream(await record_of(campaigns, worker, attempt)):
        await worker.said("Hello.")
    await worker.calls.end(SID, HUNG_UP)
    assert await outcome(campaigns, attempt) is None, "Twilio has not said so"
    await campaigns.note(attempt.id, sid=SID, status="completed", duration_s=60)
    assert await Settling(campaigns, worker.store).settle(attempt.id)


async def test_a_request_by_voice_stops_a_dial_that_is_due_in_another_campaign(
    worker: Worker, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    other = await running(campaigns, contacts=2)
    async with worker.stream(await record_of(campaigns, worker, attempt)) as phone:
        await worker.said("Hello.")
        phone.speak(300)
        await leaves(phone)
    assert SPOKEN[-1] == "Goodbye."
    await over(campaigns, worker, attempt)
    assert await outcome(campaigns, attempt) == "do_not_call"
    claims = await claim(campaigns, other, count=2)
    assert [each.number for each in claims.attempts] == [number(1)]
    for each in (attempt.campaign, other.id):
        contact = await campaigns.contact(each, PERSON)
        assert contact is not None
        assert (contact.state, contact.outcome) == ("done", "do_not_call")
    assert (await worker.stored()).do_not_call


async def test_a_request_by_key_ends_the_call(worker: Worker, campaigns: CampaignStore) -> None:
    _, attempt = await dialled(campaigns, do_not_call_digit="5")
    record = await record_of(campaigns, worker, attempt)
    with capture_logs() as logs:
        async with worker.stream(record) as phone:
            await worker.said("Hello.")
            for times, key in enumerate("90", 1):
                phone.press(key)
                await worker.said("Hello.", *["Well."] * times)
            phone.press("5")
            await leaves(phone)
    assert await is_listed(campaigns, PERSON)
    assert PERSON not in repr(logs)


async def test_a_key_that_nobody_has_answered_when_they_hang_up_counts(
    worker: Worker, campaigns: CampaignStore, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, attempt = await dialled(campaigns)
    thinks = asyncio.Event()

    async def think(call: Call, turn: Turn) -> str:
        thinks.set()
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(survey, "on_turn", think)
    HEARD[:] = ["yes"]
    record = await record_of(campaigns, worker, attempt)
    async with worker.stream(record) as phone:
        await worker.said("Hello.")
        phone.speak(300)
        await thinks.wait()
        phone.press("9")
        await until(lambda: record.open_keys == ["9"])
    await over(campaigns, worker, attempt)
    assert await outcome(campaigns, attempt) == "do_not_call"
    assert await is_listed(campaigns, PERSON)


async def test_the_usual_key_counts_while_the_campaign_is_not_known(
    worker: Worker, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = CampaignStore("unix:///nonexistent/redis.sock")
    _, attempt = await dialled(campaigns)
    monkeypatch.setattr(campaigns, "campaign", away.campaign)
    record = Record(SID, ACCOUNT, FROM, PERSON, "outbound", generation=1, attempt=attempt.id)
    async with worker.stream(record) as phone:
        await worker.said("Welcome.")
        phone.press("9")
        await leaves(phone)
    assert await is_listed(campaigns, PERSON)
    await away.aclose()


async def test_whoever_asks_to_be_called_later_is(worker: Worker, campaigns: CampaignStore) -> None:
    _, attempt = await dialled(campaigns)
    async with worker.stream(await record_of(campaigns, worker, attempt)) as phone:
        await worker.said("Hello.")
        phone.press("1")
        await leaves(phone)
    await over(campaigns, worker, attempt)
    assert await outcome(campaigns, attempt) == "callback"
    _, contact = await people(campaigns, attempt)
    assert contact.plan is not None
    assert contact.plan.due_ms >= START_MS + 7200 * 1000


async def test_a_machine_gets_the_campaigns_message(
    worker: Worker, campaigns: CampaignStore
) -> None:
    spec = {"voicemail": "leave_message", "message": "Call us.", "machine_detection": "sync"}
    _, attempt = await dialled(campaigns, **spec)
    record = await record_of(campaigns, worker, attempt, answered_by="machine_end_beep")
    async with worker.stream(record) as phone:
        await leaves(phone)
    await over(campaigns, worker, attempt)
    assert await outcome(campaigns, attempt) == "message_left"
    assert SPOKEN[-1] == "Call us."


async def test_a_dialog_that_cannot_be_loaded_ends_the_call_and_pauses_the_campaign(
    worker: Worker, campaigns: CampaignStore
) -> None:
    campaign, attempt = await dialled(campaigns, dialog="lost:Dialog")
    with capture_logs() as logs:
        async with worker.stream(await record_of(campaigns, worker, attempt)) as phone:
            await leaves(phone)
    assert [line["campaign"] for line in logs if line["event"] == "campaign is paused"] == [
        campaign.id
    ]
    assert SPOKEN[-1] == FAREWELL
    paused = await campaigns.campaign(campaign.id)
    assert paused is not None
    assert (paused.state, paused.reason) == ("paused", "no dialog called 'lost:Dialog'")
    await campaigns.note(attempt.id, sid=SID, status="completed", duration_s=2)
    await worker.calls.end(SID, Ended("bot", NO_DIALOG))
    assert await outcome(campaigns, attempt) == "failed"


async def test_a_call_that_came_while_redis_was_away_finds_its_campaign(
    worker: Worker, campaigns: CampaignStore
) -> None:
    campaign, attempt = await dialled(campaigns)
    record = Record(SID, ACCOUNT, FROM, PERSON, "outbound", generation=1, attempt=attempt.id)
    async with worker.stream(record):
        await worker.said("Hello.")
    assert (record.campaign, record.parameters["name"]) == (campaign.id, "Ada")


async def test_a_call_that_is_another_ones_is_hung_up_though_redis_was_away_when_it_came(
    worker: Worker, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns)
    other = "CA" + "1" * 32
    record = Record(other, ACCOUNT, FROM, PERSON, "outbound", generation=1, attempt=attempt.id)
    await worker.calls._makes.prepare(record)
    live = worker.calls._makes.resume(record, None, None)
    said = [reply async for reply in live.dialog.greet(live.call)]
    assert said == [Hangup("the attempt has another call")]


async def test_a_call_whose_campaign_is_not_to_be_had_goes_on(
    worker: Worker, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = CampaignStore("unix:///nonexistent/redis.sock")
    for question in ("note", "attempt", "campaign", "contact", "do_not_call"):
        monkeypatch.setattr(campaigns, question, getattr(away, question))
    record = Record(SID, ACCOUNT, FROM, PERSON, "outbound", generation=1, attempt="0" * 20)
    async with worker.stream(record):
        await worker.said("Welcome.")
        assert await answer(worker, REFUSAL)
    assert record.do_not_call
    assert record.notes == ["the do-not-call request waited for Redis"]
    with capture_logs() as logs:
        await worker.calls.end(SID, HUNG_UP)
    assert "attempt not settled yet" in [log["event"] for log in logs]
    await away.aclose()


async def test_a_call_whose_campaign_cannot_be_read_goes_on(
    worker: Worker, campaigns: CampaignStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer version has written it, while workers are replaced one by one."""
    _, attempt = await dialled(campaigns)
    record = await record_of(campaigns, worker, attempt)

    async def read(name: str) -> Campaign:
        raise ValueError("extra inputs are not permitted")

    monkeypatch.setattr(campaigns, "campaign", read)
    async with worker.stream(record):
        await worker.said("Hello.")
    await worker.calls.end(SID, HUNG_UP)
    assert (await worker.stored()).ended == HUNG_UP


async def test_a_stream_that_was_overtaken_while_its_dialog_was_loaded_is_not_carried(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = asyncio.Event()

    async def prepare(record: Record) -> None:
        if record.generation == 1:
            await loaded.wait()

    monkeypatch.setattr(worker.calls._makes, "prepare", prepare)
    late, start = Telephone(), Start(STREAM, ACCOUNT, SID, {})
    first = Record(SID, ACCOUNT, PERSON, FROM, generation=1)
    carried = asyncio.create_task(worker.calls.carry(late, start, first))
    async with worker.stream(Record(SID, ACCOUNT, PERSON, FROM, generation=2)):
        await worker.said("Welcome.")
        loaded.set()
        await carried
        assert late.closed == bot.calls.GOING_AWAY
        assert worker.calls.held() == {SID: 2}


# Calls that no campaign has made


async def test_any_caller_may_ask_never_to_be_called(
    worker: Worker, campaigns: CampaignStore
) -> None:
    async with worker.stream(Record(SID, ACCOUNT, PERSON, FROM, generation=1)) as phone:
        await worker.said("Welcome.")
        assert worker.calls.beside_campaigns == 1
        phone.speak(300)
        await until(lambda: len(SPOKEN) > 1 and "call you again" in SPOKEN[-1])
        assert worker.calls._live[SID].session is not None, "the call goes on"
        assert await is_listed(campaigns, PERSON)


async def test_any_caller_may_ask_for_it_by_the_key_of_the_settings(
    worker: Worker, campaigns: CampaignStore
) -> None:
    async with worker.stream(Record(SID, ACCOUNT, PERSON, FROM, generation=1)) as phone:
        await worker.said("Welcome.")
        phone.press("0")
        await until(lambda: len(SPOKEN) > 1 and "call you again" in SPOKEN[-1])
        assert await is_listed(campaigns, PERSON)


@pytest.mark.parametrize("withheld", ["anonymous", "+266696687"])
async def test_nothing_is_promised_to_a_caller_without_a_number(
    worker: Worker, withheld: str
) -> None:
    record = Record(SID, ACCOUNT, withheld, FROM, generation=1)
    async with worker.stream(record):
        await worker.said("Welcome.")
        assert await answer(worker, REFUSAL) == []
    assert record.notes == ["do not call: the person's number is not known"]


@pytest.mark.parametrize(
    ("text", "state", "ended_with"),
    [
        ("hello", "done", "called_back"),
        (None, "waiting", "busy"),
        (REFUSAL, "done", "do_not_call"),
        ("later", "waiting", "callback"),
    ],
)
async def test_who_has_called_back_need_not_be_called(
    worker: Worker, campaigns: CampaignStore, text: str | None, state: str, ended_with: str
) -> None:
    campaign, attempt = await dialled(campaigns)
    await campaigns.settle(attempt.id, "busy", plan(START_MS + 3_600_000))
    record = Record(SID, ACCOUNT, PERSON, FROM, generation=1)
    furnish(record, Arrival(attempt.id, *await people(campaigns, attempt)), _bot(worker))
    HEARD[:] = [text or ""]
    async with worker.stream(record) as phone:
        await worker.said("Hello.")
        if text is not None:
            phone.speak(300)
            await until(lambda: record.history[-1].role == "bot" and len(record.history) == 3)
    await worker.calls.end(SID, HUNG_UP)
    contact = await campaigns.contact(campaign.id, PERSON)
    assert contact is not None
    assert (contact.state, contact.outcome) == (state, ended_with)
    if contact.plan is not None:
        hours = (contact.plan.due_ms - START_MS) // 3_600_000
        assert hours >= 2 if text == "later" else hours == 1


@pytest.mark.parametrize(
    ("turns", "state", "ended", "done"),
    [
        (1, {}, HUNG_UP, True),
        (0, {"result": {"coming": "yes"}}, HUNG_UP, True),  # they pressed keys
        (1, {}, Ended("error", "speech recognition is not available"), False),
        (0, {}, HUNG_UP, False),
    ],
)
async def test_what_a_call_back_is_good_for(
    campaigns: CampaignStore,
    tmp_path: Path,
    turns: int,
    state: dict[str, Any],
    ended: Ended,
    done: bool,
) -> None:
    campaign, attempt = await dialled(campaigns)
    await campaigns.settle(attempt.id, "busy", plan(START_MS + 3_600_000))
    record = Record(SID, ACCOUNT, PERSON, FROM, turns=turns, state=state)
    record.attempt, record.campaign = attempt.id, campaign.id
    record.close(ended)
    store = Store(f"unix://{tmp_path}/none.sock")
    await Endings(campaigns, Settling(campaigns, store)).ended(record)
    await store.aclose()
    _, contact = await people(campaigns, attempt)
    assert (contact.state == "done") is done


async def test_a_call_back_has_the_numbers_own_bot_if_the_campaigns_is_gone(
    worker: Worker, campaigns: CampaignStore
) -> None:
    _, attempt = await dialled(campaigns, dialog="lost:Dialog")
    record = Record(SID, ACCOUNT, PERSON, FROM, generation=1)
    furnish(record, Arrival(attempt.id, *await people(campaigns, attempt)), _bot(worker))
    async with worker.stream(record):
        await worker.said("Welcome.")


def _bot(worker: Worker) -> BotSettings:
    given = {"public_url": "http://127.0.0.1:1", "state_dir": worker.folder}
    return Settings.model_validate(given).bot_for(FROM)
