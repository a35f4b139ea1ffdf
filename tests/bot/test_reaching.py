"""Commands find their call: here, at another worker, by REST, or not at all."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

import bot.inbox
from bot.dialog.types import Ended, Hangup, Transfer
from bot.inbox import Command, CommandFailed, Inbox
from bot.metrics import Metrics
from bot.reaching import Outcome, Reached, action_of
from bot.record import Record
from bot.settings import Settings
from bot.store import Store
from bot.telephony.facts import asked_key
from bot.telephony.pending import dump_pending
from bot.telephony.rest import TwilioRest
from tests.background import running

from .reachable import ACCOUNT, SID, TOKEN, Calls, reaching, twilio
from .redis_process import redis_process

NUMBER = "+15559990000"
HANG_UP = Command("hangup", SID, reason="api")
TRANSFER = Command("transfer", SID, to=NUMBER)
MACHINE = Command("amd", SID, answered_by="machine_start")
DONE, UNREACHED = Reached(Outcome.DONE), Reached(Outcome.UNREACHED)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "public_url": "https://bot.example.com",
            "state_dir": tmp_path,
            "twilio_auth_token": TOKEN,
        }
    )


async def begun(store: Store, worker: str = "worker-2") -> Record:
    """The call has a stream, at a worker that is alive."""
    record = Record(SID, account_sid=ACCOUNT)
    await store.commit(record)
    await store.take(SID, worker, 1)
    await store.leases.renew(worker, {}, {SID: 1})
    record.generation = 1
    return record


async def kept(store: Store) -> Record:
    record = await store.load(SID)
    assert record is not None
    return record


# Workers


async def test_a_call_that_is_here_needs_nobody_else(settings: Settings, no_store: Store) -> None:
    calls = Calls(here={SID})
    assert await reaching(settings, no_store, calls).reach(HANG_UP) == DONE
    assert calls.commands == [HANG_UP]


@pytest.mark.parametrize("command", [HANG_UP, TRANSFER, MACHINE], ids=lambda c: c.kind)
async def test_a_call_elsewhere_is_reached_through_its_holders_inbox(
    settings: Settings,
    store: Store,
    redis_url: str,
    redis_prefix: str,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.inbox, "STEP_S", 10.0)
    await begun(store)
    holder = Calls(here={SID})
    ours, theirs = (
        Inbox(redis_url, worker, prefix=redis_prefix, metrics=Metrics())
        for worker in ("worker-1", "worker-2")
    )
    serving_inbox = asyncio.create_task(theirs.run(holder.command))
    way = reaching(settings, store, Calls(), inbox=ours, deadline_s=10)
    assert await way.reach(command) == DONE
    assert holder.commands == [command]
    serving_inbox.cancel()
    await asyncio.wait([serving_inbox])
    await ours.aclose()
    await theirs.aclose()


async def test_a_call_of_which_nothing_is_kept(settings: Settings, store: Store) -> None:
    unknown = Reached(Outcome.UNKNOWN)
    assert await reaching(settings, store, Calls()).reach(HANG_UP) == unknown
    assert await reaching(settings, store, Calls()).reach(MACHINE) == unknown


async def test_a_call_that_has_ended(settings: Settings, store: Store) -> None:
    await begun(store)
    await store.finish(SID, Ended("caller", "hung up"))
    async with twilio() as at:
        answer = await reaching(settings, store, Calls(), rest=at.rest).reach(HANG_UP)
        assert answer == Reached(Outcome.ENDED)
        assert at.standin.requests == []


async def test_a_worker_that_takes_too_long_is_not_waited_for(
    settings: Settings, store: Store
) -> None:
    class Stuck(Calls):
        async def command(self, command: Command) -> None:
            await asyncio.Event().wait()

    await begun(store)
    async with twilio() as at:
        answer = await reaching(settings, store, Stuck(), rest=at.rest).reach(HANG_UP)
        assert answer == Reached(Outcome.DONE, Ended("bot", "api"))


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
@pytest.mark.parametrize(
    ("command", "answer", "status"),
    [
        # Twilio may be about to do it, and would call somebody twice.
        pytest.param(TRANSFER, UNREACHED, "in-progress", id="transfer"),
        pytest.param(HANG_UP, Reached(Outcome.DONE, Ended("bot", "api")), "completed", id="hangup"),
    ],
)
async def test_what_was_tried_in_vain_where_the_call_is_calls_nobody_twice(
    settings: Settings,
    store: Store,
    redis_url: str,
    redis_prefix: str,
    elsewhere: bool,
    command: Command,
    answer: Reached,
    status: str,
) -> None:
    class Failing(Calls):
        async def command(self, command: Command) -> None:
            raise CommandFailed("neither stored nor done")

    await begun(store)
    ours, theirs = (
        Inbox(redis_url, worker, prefix=redis_prefix, metrics=Metrics())
        for worker in ("worker-1", "worker-2")
    )
    calls = Calls() if elsewhere else Failing()
    async with running(theirs.run(Failing().command)), twilio() as at:
        way = reaching(settings, store, calls, inbox=ours, rest=at.rest, deadline_s=5)
        assert await way.reach(command) == answer
        assert at.call.status == status
        assert at.followed.empty()
    assert (await kept(store)).pending is None
    await ours.aclose()
    await theirs.aclose()


@pytest.mark.parametrize("frozen_in", ["send", "commit"])
async def test_who_was_frozen_does_not_carry_out_an_old_command(
    settings: Settings, redis_url: str, redis_prefix: str, frozen_in: str
) -> None:
    now_s = 0.0

    def freeze(where: str) -> None:
        nonlocal now_s
        now_s += 60 if where == frozen_in else 0

    class FrozenInbox(Inbox):
        async def send(self, *args: object) -> bool:
            freeze("send")
            return False

    class FrozenStore(Store):
        async def commit(self, *args: object) -> None:
            freeze("commit")
            await super().commit(*args)  # type: ignore[arg-type]

    store = FrozenStore(redis_url, prefix=redis_prefix, deadline_s=10)
    inbox = FrozenInbox(redis_url, "worker-1", prefix=redis_prefix, metrics=Metrics())
    await begun(store)
    now_s = 0.0
    async with twilio() as at:
        way = reaching(settings, store, Calls(), inbox=inbox, rest=at.rest, clock=lambda: now_s)
        assert await way.reach(TRANSFER) == UNREACHED
        assert at.standin.requests == []
    assert ((await kept(store)).pending is None) is (frozen_in == "send")
    await inbox.aclose()
    await store.aclose()


# Twilio's REST


@pytest.mark.parametrize("held", [True, False], ids=["frozen", "nobody"])
async def test_a_call_without_a_worker_is_hung_up_by_rest(
    settings: Settings, store: Store, redis_url: str, redis_prefix: str, held: bool
) -> None:
    if held:
        await begun(store)  # by a worker that never looks into its inbox
    else:
        await store.commit(Record(SID))
    inbox = Inbox(redis_url, "worker-1", prefix=redis_prefix, metrics=Metrics())
    async with twilio() as at:
        answer = await reaching(settings, store, Calls(), inbox=inbox, rest=at.rest).reach(HANG_UP)
        assert at.call.status == "completed"
    assert answer == Reached(Outcome.DONE, Ended("bot", "api"))
    # Should `next` be asked at that moment, or a status arrive, it is known who wanted it.
    assert (await kept(store)).pending == dump_pending(Hangup("api"))
    await inbox.aclose()


async def test_a_call_without_a_worker_is_transferred_by_rest(
    settings: Settings, store: Store
) -> None:
    await begun(store)
    async with twilio() as at:
        answer = await reaching(settings, store, Calls(), rest=at.rest).reach(TRANSFER)
        (dial,) = fromstring(str(await at.followed.get()))
    assert answer == DONE
    assert (dial.tag, dial[0].text) == ("Dial", NUMBER)
    assert dial.attrib["action"].startswith("https://bot.example.com/twilio/next#")
    assert (await kept(store)).pending == dump_pending(Transfer(NUMBER))
    # The frozen worker's lease lapses, but the caller is not brought back from the transfer.
    assert await store.leases.holder(SID) is None
    # Nor does that worker, when it wakes, take the call for ended.
    assert await store.recall(asked_key(SID, 1)) is not None


async def test_without_redis_rest_does_it_all_the_same(settings: Settings, no_store: Store) -> None:
    for command in (TRANSFER, HANG_UP):
        async with twilio() as at:
            way = reaching(settings, no_store, Calls(), rest=at.rest)
            assert (await way.reach(command)).outcome is Outcome.DONE
    async with twilio() as at:
        del at.exchange.calls[SID]
        way = reaching(settings, no_store, Calls(), rest=at.rest)
        assert await way.reach(HANG_UP) == Reached(Outcome.UNKNOWN)


async def test_a_call_that_twilio_does_not_know_any_more_has_ended(
    settings: Settings, store: Store
) -> None:
    await begun(store)
    async with twilio() as at:
        at.call.over()
        answer = await reaching(settings, store, Calls(), rest=at.rest).reach(TRANSFER)
    assert answer == Reached(Outcome.ENDED, Ended("unknown", "gone"))


async def test_what_twilio_refuses_is_not_done_later_either(
    settings: Settings, store: Store
) -> None:
    await begun(store)
    async with twilio() as at:
        at.standin.misbehave("denied")
        answer = await reaching(settings, store, Calls(), rest=at.rest).reach(HANG_UP)
        assert at.call.status == "in-progress"
    assert answer == UNREACHED
    assert (await kept(store)).pending is None


async def test_what_did_not_reach_twilio_is_not_done_later_either(
    settings: Settings, store: Store
) -> None:
    await begun(store)
    nowhere = TwilioRest(
        ACCOUNT, TOKEN, api_url="http://127.0.0.1:1", deadline_s=10.0, jitter=lambda: 1e6
    )
    assert await reaching(settings, store, Calls(), rest=nowhere).reach(HANG_UP) == UNREACHED
    assert (await kept(store)).pending is None
    await nowhere.aclose()


async def test_what_twilio_may_have_done_is_done_by_next_too(
    settings: Settings, store: Store
) -> None:
    await begun(store)
    async with twilio() as at:
        at.standin.misbehave("silent", times=None)
        impatient = TwilioRest(ACCOUNT, TOKEN, api_url=at.url, deadline_s=0.05)
        answer = await reaching(settings, store, Calls(), rest=impatient).reach(HANG_UP)
        await impatient.aclose()
    assert answer == UNREACHED
    assert (await kept(store)).pending == dump_pending(Hangup("api"))


async def test_without_credentials_nobody_is_left_to_do_it(
    settings: Settings, store: Store, no_store: Store
) -> None:
    await begun(store)
    assert await reaching(settings, store, Calls()).reach(HANG_UP) == UNREACHED
    assert (await kept(store)).pending is None
    assert await reaching(settings, no_store, Calls()).reach(HANG_UP) == UNREACHED


async def test_a_newer_stream_is_not_written_over(
    settings: Settings, store: Store, redis_url: str, redis_prefix: str
) -> None:
    """The call gets a stream elsewhere while it is being hung up."""

    class Racing(Store):
        async def load(self, sid: str) -> Record | None:
            record = await super().load(sid)
            await store.take(sid, "worker-3", 2)
            return record

    racing = Racing(redis_url, prefix=redis_prefix, deadline_s=10)
    await begun(store)
    async with twilio() as at:
        answer = await reaching(settings, racing, Calls(), rest=at.rest).reach(HANG_UP)
        assert at.call.status == "completed"
    assert answer.outcome is Outcome.DONE
    assert (await kept(store)).pending is None
    assert await reaching(settings, racing, Calls()).reach(MACHINE) == DONE
    assert (await kept(store)).answered_by == "machine_start"
    await racing.aclose()


async def test_what_redis_did_not_take_is_not_written_over_its_holders_last_words(
    settings: Settings,
) -> None:
    class Losing(Store):
        async def load(self, sid: str) -> Record | None:
            record = await super().load(sid)
            await redis.stop()
            return record

    async with (
        redis_process() as redis,
        aclosing(Store(redis.url, deadline_s=10)) as holder,
        aclosing(Losing(redis.url, deadline_s=10)) as store,
        twilio() as at,
    ):
        record = await begun(holder)
        assert await reaching(settings, store, Calls(), rest=at.rest).reach(TRANSFER) == DONE
        await redis.start()
        record.notes.append("last words")
        await holder.commit(record)
        assert await store.flush(10)
        after = await kept(holder)
        assert (after.notes, after.pending) == (["last words"], None)


# What answered


async def test_what_answered_a_call_without_a_stream_is_written(
    settings: Settings, store: Store, no_store: Store
) -> None:
    await store.commit(Record(SID))
    assert await reaching(settings, store, Calls()).reach(MACHINE) == DONE
    assert (await kept(store)).answered_by == "machine_start"
    assert await reaching(settings, no_store, Calls()).reach(MACHINE) == UNREACHED


async def test_what_answered_is_not_written_over_a_newer_stream(
    settings: Settings, store: Store, redis_url: str, redis_prefix: str
) -> None:
    class Racing(Store):
        """The call gets another stream whenever its record was read."""

        async def load(self, sid: str) -> Record | None:
            record = await super().load(sid)
            assert record is not None
            await store.take(sid, "worker-3", record.generation + 1)
            return record

    await begun(store)
    racing = Racing(redis_url, prefix=redis_prefix, deadline_s=10)
    assert await reaching(settings, racing, Calls()).reach(MACHINE) == UNREACHED
    assert (await kept(store)).answered_by is None
    await racing.aclose()


def test_what_a_command_has_twilio_do() -> None:
    assert action_of(HANG_UP) == Hangup("api")
    assert action_of(Command("hangup", SID)) == Hangup("api")
    assert action_of(Command("transfer", SID, to=NUMBER, caller_id="+1555")) == Transfer(
        NUMBER, "+1555"
    )
