"""Chunks that come to several workers, which share a real Redis and a stand-in for recognition."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.api.stt import chunks, posting
from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunk_scripts import MOST_BYTES, PUT
from bot.api.stt.chunks import Chunk, ChunkStore
from bot.api.stt.faults import Fault
from bot.api.stt.intake import Intakes
from bot.api.stt.posting import Posting
from bot.api.stt.store import SttStore
from bot.api.stt.wakes import Wakes
from bot.inbox import Command
from tests.background import until
from tests.bot.redis_process import stopped

from .chunk_workers import FRAME, NumberSessions, Worker, frames, worker

ME = Principal("k")


@pytest.fixture
async def a(redis_url: str, redis_prefix: str) -> AsyncIterator[Worker]:
    async with worker(redis_url, redis_prefix, "a") as made:
        yield made


@pytest.fixture
async def b(redis_url: str, redis_prefix: str) -> AsyncIterator[Worker]:
    async with worker(redis_url, redis_prefix, "b") as made:
        yield made


@pytest.fixture
def session() -> str:
    return str(uuid4())


def chunk(index: int | None, audio: bytes, *, final: bool = False) -> Chunk:
    digest = hashlib.blake2b(audio, digest_size=16).digest()
    return Chunk(index, audio, final, digest, audio.count(audio[:1]) == len(audio))


async def post(
    at: Worker, session: str | None, index: int | None, audio: bytes, *, final: bool = False
) -> dict[str, Any]:
    request = SessionRequest(session_id=session)
    async with asyncio.timeout(20):
        return await at.posting.post(request, chunk(index, audio, final=final), ME)


def numbers(first: int, end: int) -> str:
    return " ".join(map(str, range(first, end)))


def finals(answer: dict[str, Any]) -> list[str]:
    return [result["text"] for result in answer["results"] if result["is_final"]]


async def test_a_session_goes_from_its_first_chunk_to_its_last(a: Worker) -> None:
    first = await post(a, None, 0, frames(0, 12))
    session = first["session_id"]
    assert first["chunk_index"] == 0
    assert first["status"] == "active"
    assert not first["duplicate"]
    assert first["audio_ms"] == 240
    second = await post(a, session, 1, frames(12, 25))
    last = await post(a, session, 2, frames(25, 27), final=True)
    assert [*finals(first), *finals(second), *finals(last)] == [
        numbers(0, 10), numbers(10, 20), numbers(20, 27),
    ]  # fmt: skip
    assert last["status"] == "ended"
    assert last["transcript"] == {"text": numbers(0, 27), "confidence": 0.5}
    assert all(result["is_final"] for result in last["results"])


async def test_chunks_may_go_to_any_worker(a: Worker, b: Worker, session: str) -> None:
    answers = [
        await post((a, b)[number % 2], session, number, frames(7 * number, 7 * number + 7))
        for number in range(12)
    ]
    answers.append(await post(b, session, 12, b"", final=True))
    heard = " ".join(text for answer in answers for text in finals(answer))
    assert heard == numbers(0, 84)
    assert answers[-1]["transcript"]["text"] == numbers(0, 84)
    assert len(a.sessions.begun) == 1
    assert not b.sessions.begun
    assert [answer["audio_ms"] for answer in answers[:3]] == [140, 280, 420]


async def test_what_is_not_final_is_told_until_it_is(a: Worker, b: Worker, session: str) -> None:
    first = await post(a, session, 0, frames(0, 5))
    assert [result["text"] for result in first["results"]] == [numbers(0, 5)]
    second = await post(b, session, 1, frames(5, 10))
    assert [result["text"] for result in second["results"]] == [numbers(0, 10)]
    assert finals(second) == [numbers(0, 10)]


async def test_a_chunk_that_is_sent_again_is_not_heard_again(
    a: Worker, b: Worker, session: str
) -> None:
    first = await post(a, session, 0, frames(0, 15))
    second = await post(a, session, 1, frames(15, 25))
    again = await post(b, session, 0, frames(0, 15))
    assert again == {**first, "duplicate": True}
    assert await post(b, session, 1, frames(15, 25)) == {**second, "duplicate": True}
    last = await post(a, session, 2, frames(25, 30), final=True)
    assert last["transcript"]["text"] == numbers(0, 30)
    assert finals(last) == [numbers(20, 30)]
    assert await post(b, session, 2, frames(25, 30), final=True) == {**last, "duplicate": True}
    assert await post(b, session, 0, frames(0, 15)) == again


async def test_a_chunk_sent_twice_at_once_is_heard_once(a: Worker, b: Worker, session: str) -> None:
    one, two = await asyncio.gather(
        post(a, session, 0, frames(0, 10)), post(b, session, 0, frames(0, 10))
    )
    assert sorted([one["duplicate"], two["duplicate"]]) == [False, True]
    assert one["results"] == two["results"]
    last = await post(b, session, 1, b"", final=True)
    assert last["transcript"]["text"] == numbers(0, 10)
    assert len(a.sessions.begun) + len(b.sessions.begun) == 1


async def test_without_an_index_the_same_bytes_are_the_same_chunk(a: Worker, session: str) -> None:
    first = await post(a, session, None, frames(1, 5))
    second = await post(a, session, None, frames(5, 9))
    assert [first["chunk_index"], second["chunk_index"]] == [0, 1]
    again = await post(a, session, None, frames(1, 5))
    assert again == {**first, "duplicate": True}
    # Silence is not: there may be much of it.
    silence = [await post(a, session, None, bytes(FRAME)) for _ in range(2)]
    assert [answer["chunk_index"] for answer in silence] == [2, 3]
    assert not silence[1]["duplicate"]


async def test_a_chunk_has_one_content(a: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 5))
    with pytest.raises(Fault, match="chunk_conflict"):
        await post(a, session, 0, frames(0, 6))


async def test_a_chunk_waits_for_the_one_before(a: Worker, b: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 5))
    later = asyncio.create_task(post(b, session, 2, frames(10, 15)))
    await until(lambda: session in b.posting._wakes._waiting)
    await post(a, session, 1, frames(5, 10))
    assert (await later)["chunk_index"] == 2
    last = await post(a, session, 3, b"", final=True)
    assert last["transcript"]["text"] == numbers(0, 15)


async def test_a_chunk_does_not_wait_for_ever(
    a: Worker, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "WAIT_S", 0.02)
    await post(a, session, 0, frames(0, 5))
    with pytest.raises(Fault, match="chunk_out_of_order") as caught:
        await post(a, session, 2, frames(10, 15))
    assert caught.value.allowed == {"chunk_index": 1}
    assert caught.value.status == 409


async def test_a_session_begins_with_its_first_chunk(a: Worker, session: str) -> None:
    with pytest.raises(Fault, match="session_not_found"):
        await post(a, session, 3, frames(0, 5))
    with pytest.raises(Fault, match="session_not_found"):
        await post(a, None, 1, frames(0, 5))
    a.sessions.faults.append(Fault("quota_used_up", "no more"))
    with pytest.raises(Fault, match="quota_used_up"):
        await post(a, session, 0, frames(0, 5))
    assert (await post(a, session, 0, frames(0, 5)))["status"] == "active"


async def test_a_session_is_its_key_s_alone(a: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 5))
    other = Principal("other")
    with pytest.raises(Fault, match="session_not_found"):
        await a.posting.post(SessionRequest(session_id=session), chunk(1, frames(5, 9)), other)


async def test_a_session_goes_on_when_its_worker_has_died(
    redis_url: str, redis_prefix: str, b: Worker, session: str
) -> None:
    async with worker(redis_url, redis_prefix, "a") as a:
        told = finals(await post(a, session, 0, frames(0, 17)))
        told += finals(await post(b, session, 1, frames(17, 25)))
        # What waits there unheard is not lost with it, nor what was heard and not understood.
        a.sessions.begun[0].slow.clear()
        waiting = asyncio.create_task(post(b, session, 2, frames(25, 33)))
        await until(lambda: session in b.posting._wakes._waiting)
    await a_dead(b, "a")
    told += finals(await waiting)
    told += finals(await post(b, session, 3, frames(33, 41)))
    last = await post(b, session, 4, frames(41, 45), final=True)
    told += finals(last)
    assert last["transcript"]["text"] == numbers(0, 45)
    assert " ".join(told) == numbers(0, 45)
    assert len(b.sessions.begun) == 1
    assert b.sessions.begun[0].generation == 2


async def test_chunks_may_be_cut_within_a_frame(
    redis_url: str, redis_prefix: str, b: Worker, session: str
) -> None:
    audio, cuts = frames(0, 20), [0, 19 * FRAME // 2 + 1, 13 * FRAME + 1, 20 * FRAME]
    pieces = [audio[at:end] for at, end in itertools.pairwise(cuts)]
    async with worker(redis_url, redis_prefix, "a") as a:
        told = finals(await post(a, session, 0, pieces[0]))
        told += finals(await post(a, session, 1, pieces[1]))
        # The first chunk is not kept any more, in which a frame begins that the second one ends.
        await a.store.flush(5)
    await a_dead(b, "a")
    last = await post(b, session, 2, pieces[2], final=True)
    assert " ".join([*told, *finals(last)]) == numbers(0, 20)
    assert last["transcript"]["text"] == numbers(0, 20)


async def test_audio_may_be_cut_anywhere(
    redis_url: str, redis_prefix: str, b: Worker, session: str
) -> None:
    audio = frames(0, 57)
    pieces = [audio[at : at + 1001] for at in range(0, len(audio), 1001)]
    half = len(pieces) // 2
    async with worker(redis_url, redis_prefix, "a") as a:
        for index, piece in enumerate(pieces[:half]):
            await post(a, session, index, piece)
    await a_dead(b, "a")
    for index, piece in enumerate(pieces[half:], half):
        last = await post(b, session, index, piece, final=index == len(pieces) - 1)
    assert last["transcript"]["text"] == numbers(0, 57)
    assert b.sessions.begun[0].from_ms == 400


async def a_dead(by: Worker, name: str) -> None:
    """A worker's lease has lapsed."""
    await by.leases.leave(name)


async def test_of_two_workers_one_takes_the_session(
    redis_url: str, redis_prefix: str, a: Worker, b: Worker, session: str
) -> None:
    async with worker(redis_url, redis_prefix, "dead") as dead:
        await post(dead, session, 0, frames(0, 5))
    await a_dead(a, "dead")
    await asyncio.gather(
        post(a, session, 1, frames(5, 10)),
        post(b, session, 1, frames(5, 10)),
        post(b, session, 2, frames(10, 15)),
    )
    assert len(a.sessions.begun) + len(b.sessions.begun) == 1
    last = await post(a, session, 3, b"", final=True)
    assert last["transcript"]["text"] == numbers(0, 15)


async def test_a_worker_that_lives_and_knows_nothing_of_the_session_loses_it(
    a: Worker, b: Worker, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "LOOK_S", 0.02)
    await a.store.begin(session, "k", {}, SessionRequest().format)
    first = await post(b, session, 0, frames(0, 10))
    assert finals(first) == [numbers(0, 10)]
    assert b.sessions.begun[0].generation == 2


async def test_what_fails_is_taken_up_by_who_waits(a: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 15))
    a.sessions.begun[0].failing = True
    second = await post(a, session, 1, frames(15, 20))
    assert finals(second) == [numbers(10, 20)]
    assert len(a.sessions.begun) == 2
    a.sessions.begun[1].failing = True
    a.sessions.faults.append(Fault("provider_failed", "nobody can"))
    with pytest.raises(Fault, match="provider_failed"):
        await post(a, session, 2, frames(20, 25))
    # The chunk is kept: it is enough to send it again.
    again = await post(a, session, 2, frames(20, 25), final=True)
    assert again["duplicate"]
    assert again["transcript"]["text"] == numbers(0, 25)


async def test_what_fails_again_and_again_is_not_taken_up_for_ever(a: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 5))
    a.sessions.failing = True
    a.sessions.begun[0].failing = True
    with pytest.raises(Fault, match="provider_failed") as caught:
        await post(a, session, 1, frames(5, 10))
    assert caught.value.retry_after_s
    assert len(a.sessions.begun) == 1 + posting.RESUMES
    a.sessions.failing = False
    again = await post(a, session, 1, frames(5, 10), final=True)
    assert again["transcript"]["text"] == numbers(0, 10)


async def test_broken_audio_ends_the_session_and_is_said_again(
    a: Worker, b: Worker, session: str
) -> None:
    await post(a, session, 0, frames(0, 10))
    broken = b"broken" + bytes(FRAME - 6)
    for at in (a, b):
        with pytest.raises(Fault, match="bad_audio: it is broken"):
            await post(at, session, 1, broken)
    with pytest.raises(Fault, match="session_ended"):
        await post(b, session, 2, frames(0, 5))


async def test_who_is_not_heard_in_time_is_told_so_and_who_sends_too_much_waits(
    a: Worker, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_S", 0.02)
    monkeypatch.setattr(posting, "WAIT_S", 0.02)
    await post(a, session, 0, frames(0, 5))
    a.sessions.begun[0].slow.clear()
    answer = await post(a, session, 1, frames(5, 5 + 1200))
    assert answer["status"] == "waiting"
    assert answer["audio_ms"] == 100
    await post(a, session, 2, frames(1205, 1205 + 250))
    with pytest.raises(Fault, match="too_fast") as caught:
        await post(a, session, 3, frames(1455, 1555))
    assert caught.value.status == 429
    assert caught.value.retry_after_s == 1
    a.sessions.begun[0].slow.set()
    monkeypatch.undo()
    last = await post(a, session, 3, frames(1455, 1555), final=True)
    assert last["transcript"]["text"] == numbers(0, 1555)


async def test_the_last_chunk_may_be_said_to_be_that_later(a: Worker, session: str) -> None:
    await post(a, session, 0, frames(0, 5))
    last = await post(a, session, 0, frames(0, 5), final=True)
    assert last["duplicate"]
    assert last["status"] == "ended"
    assert finals(last) == [numbers(0, 5)]
    with pytest.raises(Fault, match="session_ended"):
        await post(a, session, 1, frames(5, 6))


async def test_a_session_that_was_left_has_expired(
    a: Worker, session: str, redis: Redis, redis_prefix: str
) -> None:
    await post(a, session, 0, frames(0, 5))
    await redis.hset(f"{redis_prefix}stt:{session}", "expires", 1)
    with pytest.raises(Fault, match="session_expired") as caught:
        await post(a, session, 1, frames(5, 9))
    assert caught.value.status == 410


async def test_without_redis_nothing_is_taken(session: str) -> None:
    store = SttStore("unix:///nonexistent/redis.sock", "a")
    sessions, wakes = NumberSessions(store), Wakes()
    made = Posting(ChunkStore(store), sessions, Intakes(store, wakes), wakes, unsent)
    with pytest.raises(Fault, match="store_away") as caught:
        await made.post(SessionRequest(session_id=session), chunk(0, frames(0, 5)), ME)
    assert caught.value.status == 503
    assert caught.value.retry_after_s
    assert not sessions.begun


async def unsent(to: str, command: Command, deadline_s: float) -> bool:
    return False


async def test_what_comes_by_a_websocket_is_not_sent_in_chunks(a: Worker, session: str) -> None:
    await a.store.begin(session, "k", {}, SessionRequest().format)
    a.store.touch(session, 1, 20)
    assert await a.store.flush(10)
    with pytest.raises(Fault, match="bad_config"):
        await post(a, session, 0, frames(0, 5))


async def test_a_container_is_kept_whole_and_has_its_bounds(
    a: Worker, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "PUT", PUT.replace(str(MOST_BYTES), "3000"))
    request = SessionRequest(session_id=session, encoding="ogg")
    for index in range(4):
        await a.posting.post(request, chunk(index, frames(10 * index, 10 * index + 1)), ME)
    with pytest.raises(Fault, match="too_long"):
        await a.posting.post(request, chunk(4, frames(40, 41)), ME)
    kept, _ = await a.chunks.waiting(session, 0, 10)
    assert [one.index for one in kept] == [0, 1, 2, 3]


async def test_what_was_understood_is_not_kept_as_audio(a: Worker, session: str) -> None:
    for index in range(6):
        await post(a, session, index, frames(4 * index, 4 * index + 4))
    kept, _ = await a.chunks.waiting(session, 0, 10)
    # Twenty are understood for good, and the rest was heard.
    assert [one.index for one in kept] == [5]
    await post(a, session, 6, b"", final=True)
    assert await a.chunks.waiting(session, 0, 10) == ([], 6)


async def test_a_session_is_not_heard_on_by_a_worker_that_has_a_fault(
    a: Worker, session: str
) -> None:
    await post(a, session, 0, frames(0, 5))
    a.sessions.begun[0].broken = True
    with capture_logs() as logs:
        last = await post(a, session, 1, frames(5, 10), final=True)
    assert last["transcript"]["text"] == numbers(0, 10)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "session is not heard any more"
    ]


async def test_redis_may_hang_for_a_while(own_redis: str, session: str) -> None:
    async with worker(own_redis, "p:", "a") as a:
        await post(a, session, 0, frames(0, 5))
        a.sessions.begun[0].slow.clear()
        waiting = asyncio.create_task(post(a, session, 1, frames(5, 10)))
        await until(lambda: a.sessions.begun[0].asked == 2)
        with stopped(own_redis):
            a.store.link._deadline_s = 0.02
            a.sessions.begun[0].slow.set()
            with pytest.raises(Fault, match="store_away"):
                await post(a, session, 2, frames(10, 15))
        a.store.link._deadline_s = 10
        assert finals(await waiting) == [numbers(0, 10)]
        last = await post(a, session, 2, frames(10, 15), final=True)
        assert last["transcript"]["text"] == numbers(0, 15)
