"""Ends of calls that two workers hear of, or that Redis does not; on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import bot.calls
import bot.ends
from bot.dialog import Call, Ended, Hangup, SendDigits
from bot.parts import StreamEnd
from bot.store import Store, StoreUnavailable
from bot.telephony.facts import asked_key
from bot.telephony.pending import dump_pending
from providers import catalog
from tests.background import running, until
from tests.bot.live_calls import SID, Bot, Worker, working

HUNG_UP = Ended("caller", "hung up")


class Closing(Bot):
    """Notes in the state that it was told of the end."""

    async def on_end(self, call: Call, ended: Ended) -> None:
        await super().on_end(call, ended)
        call.state["closed"] = True


@pytest.fixture
def hook() -> Bot:
    return Bot("Hello.")


@pytest.fixture
def far() -> Closing:
    """The dialog of the other worker."""
    return Closing("Hello.")


@pytest.fixture
async def worker(
    redis_url: str, redis_prefix: str, tmp_path: Path, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    monkeypatch.setitem(catalog.STT, "pocketsphinx", "tests.bot.engines:Recognizer")
    monkeypatch.setitem(catalog.TTS, "espeak", "tests.bot.engines:Tones")
    monkeypatch.setattr(bot.ends, "RETURN_DEADLINE_S", 0.2)
    monkeypatch.setattr(bot.ends, "UNTOLD_AFTER_S", 0.3)
    monkeypatch.setattr(bot.calls, "SWEEP_S", 0.05)
    async with working(redis_url, redis_prefix, tmp_path, hook) as made:
        yield made


@pytest.fixture
async def other(
    worker: Worker, redis_url: str, redis_prefix: str, tmp_path: Path, far: Closing
) -> AsyncIterator[Worker]:
    """Another worker of the same deployment."""
    async with working(redis_url, redis_prefix, tmp_path, far, "worker-2") as made:
        yield made


@asynccontextmanager
async def redis_away(worker: Worker, *questions: str) -> AsyncIterator[None]:
    """Redis does not answer these."""
    away = Store("unix:///nonexistent/redis.sock")
    with pytest.MonkeyPatch.context() as patch:
        for question in questions:
            patch.setattr(worker.store, question, getattr(away, question))
        yield
    await away.aclose()


async def has_ended(worker: Worker, *, lost: bool = False) -> None:
    """A call whose stream has ended: the caller has hung up, or the connection was lost."""
    async with worker.stream(await worker.take(1)) as phone:
        await worker.said("Hello.")
        if lost:
            phone.drop()
    await worker.stored()


async def test_what_the_dialog_did_at_the_end_elsewhere_is_kept(
    worker: Worker, other: Worker, far: Closing, hook: Bot
) -> None:
    await has_ended(worker)
    await other.calls.end(SID, HUNG_UP)
    assert far.ends == [(["Hello."], HUNG_UP)]
    await other.stored()
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    stored = await worker.stored()
    assert (stored.state, stored.ended) == ({"closed": True}, HUNG_UP)
    assert hook.ends == []


async def test_the_dialog_hears_elsewhere_what_was_heard_last(
    worker: Worker, other: Worker, far: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twilio's word overtakes the end of the stream."""
    monkeypatch.setattr(bot.ends, "LAST_STREAM_S", 10)
    async with worker.stream(await worker.take(1)) as phone:
        await until(lambda: phone.speech_ms > 0)
        await worker.stored()
        async with running(worker.store.run()), asyncio.TaskGroup() as group:
            group.create_task(other.calls.end(SID, HUNG_UP))
            await worker.said("Hello.")
            phone.hang_up()
            await until(lambda: far.ends)
    assert far.ends == [(["Hello."], HUNG_UP)]


async def test_who_does_not_say_what_was_heard_last_is_not_waited_for(
    worker: Worker, other: Worker, far: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.ends, "LAST_STREAM_S", 0.1)
    async with worker.stream(await worker.take(1)):
        await worker.stored()
        await other.calls.end(SID, HUNG_UP)
        assert len(far.ends) == 1


async def test_a_call_about_which_another_worker_was_asked_has_not_ended(
    worker: Worker, other: Worker, hook: Bot
) -> None:
    """Its answer takes Twilio a while: touch tones, an announcement, a handshake that fails."""
    await has_ended(worker, lost=True)
    await other.store.remember(asked_key(SID, 1), "", 60)
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    assert (hook.ends, (await worker.stored()).ended) == ([], None)


async def test_a_call_that_was_lost_while_redis_is_away_is_given_time(
    worker: Worker, hook: Bot
) -> None:
    """Another worker may have been asked, which waits for Redis too."""
    await has_ended(worker, lost=True)
    live = worker.calls._live[SID]
    async with redis_away(worker, "load"), running(worker.calls.run()):
        await until(lambda: live.doubtful)
        assert hook.ends == []
        await until(lambda: hook.ends)
    assert hook.ends[0][1].by == "unknown"


async def test_what_was_concluded_while_redis_was_away_ends_no_call_that_went_on(
    worker: Worker, other: Worker
) -> None:
    await has_ended(worker, lost=True)
    async with running(worker.calls.run()):
        async with redis_away(worker, "load", "finish", "ping"):
            await until(lambda: not worker.calls.holds(SID))
            await other.take(2)
        await until(lambda: not len(worker.calls._ends._late))
    assert (await worker.stored()).ended is None


async def test_an_end_that_is_told_while_redis_is_away_is_told_the_dialog_later(
    worker: Worker, other: Worker, far: Closing
) -> None:
    """Of a call that is not here, such as one that was transferred."""
    await has_ended(worker)
    async with running(other.calls.run()):
        async with redis_away(other, "finish", "ping"):
            await other.calls.end(SID, HUNG_UP)
            assert far.ends == []
        await until(lambda: far.ends)
    assert (await other.stored()).ended == HUNG_UP


async def test_a_worker_that_stops_ends_the_calls_that_were_hung_up(
    worker: Worker, hook: Bot
) -> None:
    await has_ended(worker)
    await worker.calls.conclude()
    assert hook.ends == [(["Hello."], HUNG_UP)]
    assert (await worker.stored()).ended == HUNG_UP


async def test_a_worker_that_stops_leaves_calls_that_were_lost_to_the_others(
    worker: Worker, hook: Bot
) -> None:
    await has_ended(worker, lost=True)
    await worker.calls.conclude()
    assert (hook.ends, (await worker.stored()).ended) == ([], None)


async def test_a_worker_that_stops_does_not_wait_for_a_dialog_for_long(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends(call: Call, ended: Ended) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(hook, "on_end", ends)
    monkeypatch.setattr(bot.ends, "CONCLUDE_DEADLINE_S", 1.0)
    await has_ended(worker)
    await worker.calls.conclude()
    assert (await worker.stored()).ended == HUNG_UP


async def test_a_call_that_was_deleted_meanwhile_stays_so(
    worker: Worker, other: Worker, hook: Bot
) -> None:
    await has_ended(worker)
    await other.calls.end(SID, HUNG_UP)
    await other.stored()
    assert await other.store.delete(SID)
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    assert await worker.store.flush(5)
    assert (hook.ends, await other.store.load(SID)) == ([], None)


async def test_redis_may_go_away_between_the_end_and_the_record(
    worker: Worker, other: Worker, far: Closing
) -> None:
    await has_ended(worker)
    async with redis_away(other, "load"):
        await other.calls.end(SID, HUNG_UP)
    assert not await worker.store.finish(SID, HUNG_UP)
    async with running(other.calls.run()):
        await until(lambda: far.ends)
    assert len(far.ends) == 1


async def test_whose_hang_up_it_was_is_known_without_redis(worker: Worker, hook: Bot) -> None:
    """Twilio says only that the call is completed; the bot had it hung up by REST."""
    await has_ended(worker)
    worker.calls._live[SID].record.pending = dump_pending(Hangup("done"))
    async with redis_away(worker, "finish"):
        await worker.calls.end(SID, HUNG_UP)
    assert [ended for _, ended in hook.ends] == [Ended("bot", "done")]
    assert (await worker.stored()).ended == Ended("bot", "done")


async def test_redis_that_comes_back_does_not_tell_the_end_again(worker: Worker, hook: Bot) -> None:
    await has_ended(worker)
    async with redis_away(worker, "finish"):
        await worker.calls.end(SID, HUNG_UP)
    await worker.calls.end(SID, HUNG_UP)
    assert len(hook.ends) == 1


async def test_redis_that_comes_back_is_told_the_end_before_others_tell_it(
    worker: Worker, other: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, ping = 0, worker.store.ping

    async def counted() -> None:
        nonlocal tried
        tried += 1
        await ping()

    monkeypatch.setattr(worker.store, "ping", counted)
    await has_ended(worker)
    async with running(worker.calls.run()):
        async with redis_away(worker, "finish"):
            await worker.calls.end(SID, HUNG_UP)
            before = tried
            await until(lambda: tried > before + 1)
            assert len(worker.calls._ends._late)
        await until(lambda: not len(worker.calls._ends._late))
    # Another worker, which is told of the end too.
    assert not await other.store.finish(SID, HUNG_UP)


async def test_the_end_is_told_though_the_answer_of_redis_was_lost(
    worker: Worker, other: Worker, hook: Bot, far: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was late, and the one who asked has been called the first."""
    await has_ended(worker)
    finish = other.store.finish

    async def unheard(*asked: Any, **more: Any) -> bool:
        await finish(*asked, **more)
        monkeypatch.setattr(other.store, "finish", finish)
        raise StoreUnavailable("no answer within 300 ms")

    monkeypatch.setattr(other.store, "finish", unheard)
    await other.calls.end(SID, HUNG_UP)
    assert far.ends == []
    async with running(worker.calls.run()), running(other.calls.run()):
        await until(lambda: far.ends and not worker.calls.holds(SID))
    assert (len(far.ends), hook.ends) == (1, [])


async def test_who_told_the_dialog_during_an_outage_says_so_before_others_tell_it(
    worker: Worker, other: Worker, hook: Bot, far: Closing
) -> None:
    await has_ended(worker)
    async with redis_away(worker, "finish"), redis_away(other, "finish"):
        await worker.calls.end(SID, HUNG_UP)
        await other.calls.end(SID, HUNG_UP)
    assert len(hook.ends) == 1
    # The one who has not told it finds Redis back first.
    async with running(other.calls.run()):
        await until(lambda: other.calls._ends._back_since_s)
        async with running(worker.calls.run()):
            await until(lambda: not len(worker.calls._ends._late))
            await until(lambda: not len(other.calls._ends._late))
    assert (len(hook.ends), far.ends) == (1, [])


async def test_a_worker_that_stops_lets_a_dialog_come_to_its_end(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def on_end(call: Call, ended: Ended) -> None:
        told.set()
        await go_on.wait()
        call.state["closed"] = True

    monkeypatch.setattr(hook, "on_end", on_end)
    await has_ended(worker)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.calls.end(SID, HUNG_UP))
        await told.wait()
        concluding = group.create_task(worker.calls.conclude())
        await asyncio.sleep(0)
        assert not concluding.done()
        go_on.set()
    assert (await worker.stored()).state == {"closed": True}


async def test_a_record_is_closed_though_its_dialog_is_cancelled(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()

    async def on_end(call: Call, ended: Ended) -> None:
        told.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(hook, "on_end", on_end)
    await has_ended(worker)
    async with running(worker.calls.end(SID, HUNG_UP)):
        await told.wait()
    assert (await worker.stored()).ended_ms is not None


async def test_a_call_whose_digits_are_sent_has_not_been_hung_up(worker: Worker, hook: Bot) -> None:
    """The bot has ended the stream, and Twilio comes back, perhaps to another worker."""
    await has_ended(worker, lost=True)
    live = worker.calls._live[SID]
    live.stream_end = StreamEnd("bot", "digits")
    live.record.pending = dump_pending(SendDigits("1"))
    async with redis_away(worker, "load"), running(worker.calls.run()):
        await until(lambda: live.doubtful)
        assert hook.ends == []


async def test_an_older_streams_end_does_not_end_a_call_that_has_come_back(
    worker: Worker, hook: Bot
) -> None:
    await has_ended(worker, lost=True)
    async with worker.stream(await worker.take(2)) as phone:
        await worker.calls.end(SID, Ended("unknown", "worker lost"), 1)
        before = phone.frames
        await until(lambda: phone.frames > before + 5)
        assert (hook.ends, (await worker.stored()).ended) == ([], None)
