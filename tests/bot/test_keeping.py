from __future__ import annotations

import asyncio
from typing import Any

import pytest

import bot.keeping
from bot.dialog import Call, Hangup, HistoryEntry, Transfer
from bot.keeping import RecordKeeper
from bot.parts import Counts, Latency
from bot.record import Record
from bot.store import Store

SID = "CA" + "0" * 32


def keeper(
    store: Store, record: Record | None = None, counts: Counts | None = None
) -> RecordKeeper:
    record = record or Record(SID, generation=1)
    call = Call(SID, "", "", "inbound", history=record.history, state=record.state)
    return RecordKeeper(store, record, call, counts or Counts())


async def stored(store: Store) -> Record:
    assert await store.flush(5)
    record = await store.load(SID)
    assert record is not None
    return record


async def test_counters_and_latencies_are_kept(store: Store) -> None:
    record, counts = Record(SID, generation=1), Counts()
    keeps = keeper(store, record, counts)
    counts.frames_in, counts.turns = 7, 1
    counts.latencies.append(Latency(500, 20))
    keeps.save()
    kept = await stored(store)
    assert kept.counters["frames_in"] == 7
    assert kept.latencies == [{"endpointing_ms": 500, "reply_ms": 20}]
    # A later stream counts on.
    again = Counts(frames_in=3, latencies=[Latency(600, 30)])
    keeper(store, kept, again).save()
    assert (await stored(store)).counters["frames_in"] == 10
    assert [latency["reply_ms"] for latency in (await stored(store)).latencies] == [20, 30]


async def test_the_language_of_the_call_is_kept(store: Store) -> None:
    record = Record(SID, generation=1)
    call = Call(SID, "", "", "inbound")
    keeps = RecordKeeper(store, record, call, Counts())
    call.language = "fr-FR"
    keeps.save()
    assert (await stored(store)).language == "fr-FR"


@pytest.mark.parametrize(
    "bad", [{"lock": object()}, {1: "one"}, {"half": "\ud83d"}, {"big": 2**70}]
)
async def test_of_the_state_what_json_can_hold_is_kept(store: Store, bad: dict[Any, Any]) -> None:
    record = Record(SID, generation=1, state={"name": "Ann", **bad})
    keeps = keeper(store, record)
    keeps.save()
    keeps.save()
    assert (await stored(store)).state == {"name": "Ann"}
    assert record.state == {"name": "Ann", **bad}


async def test_a_history_that_json_cannot_hold_ends_nothing(store: Store) -> None:
    record = Record(SID, generation=1)
    keeps = keeper(store, record)
    keeps.save()
    record.history.append(HistoryEntry("bot", "\ud83d", "", 0, 0))
    keeps.save()
    assert (await stored(store)).history == []


async def test_events_are_logged(store: Store) -> None:
    keeps = keeper(store)
    keeps.save()
    keeps.note("key", digit="5")
    await stored(store)
    call = await store.get(SID)
    assert call is not None
    (event,) = call.log
    assert (event["kind"], event["digit"]) == ("key", "5")


async def test_what_comes_next_is_there_when_it_is_said_to_be(store: Store) -> None:
    record = Record(SID, generation=1)
    assert await keeper(store, record).commit(Transfer("+15550000000"))
    loaded = await store.load(SID)
    assert loaded is not None
    assert loaded.pending == {"action": "transfer", "to": "+15550000000", "caller_id": None}


async def test_a_call_that_another_stream_owns_commits_nothing(store: Store) -> None:
    await store.take(SID, "worker-2", 2)
    assert not await keeper(store).commit(Hangup())


async def test_what_cannot_be_committed_is_not_pending(
    no_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.keeping, "COMMIT_PAUSE_S", 0)
    record = Record(SID, generation=1)
    assert not await keeper(no_store, record).commit(Hangup())
    assert record.pending is None


async def test_a_store_that_comes_back_is_asked_again(
    store: Store, no_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.keeping, "COMMIT_PAUSE_S", 0)
    tries = []
    commit = store.commit

    async def flaky(record: Record) -> None:
        tries.append(record)
        await (no_store.commit if len(tries) < 3 else commit)(record)

    monkeypatch.setattr(store, "commit", flaky)
    async with asyncio.timeout(5):
        assert await keeper(store).commit(Hangup("done"))
    assert len(tries) == 3
    assert (await stored(store)).pending == {"action": "hangup", "reason": "done"}
