from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import bot.keeping
from bot.dialog import Call, Gather, Hangup, HistoryEntry, Transfer, Turn
from bot.keeping import RecordKeeper
from bot.parts import Counts, Latency, Switch
from bot.progress import Gathering, Progress
from bot.record import Record
from bot.store import Store

SID = "CA" + "0" * 32


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that answers may take its time."""
    monkeypatch.setattr(bot.keeping, "COMMIT_DEADLINE_S", 10)
    monkeypatch.setattr(bot.keeping, "SECURE_DEADLINE_S", 10)


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


async def test_which_providers_are_used_and_when_one_took_over_is_kept(store: Store) -> None:
    record = Record(SID, generation=1, providers={"stt": "one", "vad": "level"})
    keeps = keeper(store, record, Counts())
    keeps.uses("stt", "other")
    keeps.switched(Switch("stt", "one", "other", 1_234, "NetworkError"))
    kept = await stored(store)
    assert kept.providers == {"stt": "other", "vad": "level"}
    switch = {"kind": "stt", "before": "one", "after": "other"}
    assert kept.switches == [{**switch, "at_ms": 1_234, "reason": "NetworkError"}]
    call = await store.get(SID)
    assert call is not None
    [event] = call.log
    assert (event["kind"], event["engine"], event["stream_ms"]) == ("switch", "stt", 1_234)


async def test_of_many_switches_the_last_are_kept(store: Store) -> None:
    keeps = keeper(store, record := Record(SID, generation=1))
    for at_ms in range(120):
        keeps.switched(Switch("stt", "one", "other", at_ms, "NetworkError"))
    assert [switch["at_ms"] for switch in record.switches] == list(range(20, 120))


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
    assert await keeper(store, record).commit(Transfer("+15550000000")) == "kept"
    loaded = await store.load(SID)
    assert loaded is not None
    assert loaded.pending == {"action": "transfer", "to": "+15550000000", "caller_id": None}


async def test_a_call_that_another_stream_owns_commits_nothing(store: Store) -> None:
    await store.take(SID, "worker-2", 2)
    assert await keeper(store).commit(Hangup()) == "superseded"


async def test_what_cannot_be_committed_is_withdrawn(no_store: Store) -> None:
    record = Record(SID, generation=1)
    keeps = keeper(no_store, record)
    assert await keeps.commit(Hangup()) == "unavailable"
    keeps.withdraw()
    assert record.pending is None


async def test_what_json_cannot_hold_is_not_committed(store: Store) -> None:
    record = Record(SID, generation=1)
    record.history.append(HistoryEntry("bot", "\ud83d", "", 0, 0))
    assert await keeper(store, record).commit(Hangup()) == "unavailable"


async def test_what_is_secured_is_there(store: Store, no_store: Store) -> None:
    for where, there in ((store, True), (no_store, False)):
        keeps = keeper(where)
        keeps.save(at_once=True)
        assert await keeps.secure() is there
    assert await store.load(SID) is not None


async def test_where_the_conversation_stands_is_kept(store: Store) -> None:
    record, turn = Record(SID, generation=1, state={"before": 1}), Turn("CA-3", "two words", 0.5)
    progress = Progress(
        turns=3,
        open_turn=turn,
        open_keys=["1", "22"],
        state_before={"before": 1},
        planned=Hangup("done"),
        speaking_from_ms=1500,
        gathering=Gathering(Gather(digits=4), "12"),
        expected=("yes", "no"),
    )
    call = Call(SID, "", "", "inbound", history=record.history, state=record.state)
    keeps = RecordKeeper(store, record, call, Counts(), progress)
    call.state["during"] = 2
    keeps.save()
    kept = await stored(store)
    assert kept.state == {"before": 1}
    progress.state_before = None
    assert Progress.of(kept) == progress
    keeps.save()
    assert (await stored(store)).state == {"before": 1, "during": 2}


async def test_notes_are_kept(store: Store) -> None:
    keeper(store).remark("it rained")
    assert (await stored(store)).notes == ["it rained"]


@pytest.mark.parametrize("lost", [False, True])
async def test_a_worker_that_was_frozen_asks_again(
    store: Store, other: Store, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline is over when it wakes, although Redis has answered."""
    monkeypatch.setattr(bot.keeping, "COMMIT_DEADLINE_S", 0.01)
    monkeypatch.setattr(bot.keeping, "STALL_S", 0.01)
    await store.take(SID, "worker-1", 1)
    if lost:
        await other.take(SID, "worker-2", 2)
    committing = asyncio.create_task(keeper(store).commit(Hangup("done")))
    await asyncio.sleep(0)
    time.sleep(0.03)  # noqa: ASYNC251 - as long as that nothing runs
    monkeypatch.setattr(bot.keeping, "COMMIT_DEADLINE_S", 10)
    assert await committing == ("superseded" if lost else "kept")
