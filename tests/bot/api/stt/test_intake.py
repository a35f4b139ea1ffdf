"""How a worker hears the chunks of a session, with a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.api.stt import intake
from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunks import Chunk
from bot.api.stt.faults import Fault
from bot.api.stt.intake import Intakes
from bot.api.stt.store import SttStore
from bot.api.stt.wakes import Wakes
from bot.inbox import Command
from tests.background import running, until
from tests.bot.redis_process import stopped

from .chunk_workers import NumberSession, Worker, frames, worker


@pytest.fixture
async def here(redis_url: str, redis_prefix: str) -> AsyncIterator[Worker]:
    async with worker(redis_url, redis_prefix, "a") as made:
        yield made


async def session_of(at: Worker, *chunks: bytes, final: bool = False) -> NumberSession:
    """A session with chunks, which nobody hears yet."""
    generation = await at.store.begin("s", "k", {}, SessionRequest().format)
    for index, audio in enumerate(chunks):
        last = final and index == len(chunks) - 1
        await at.chunks.put("s", "k", Chunk(index, audio, last, audio[:8], False), held=True)
    return NumberSession(at.store, SessionRequest(session_id="s"), generation)


async def adopt(at: Worker, session: NumberSession) -> None:
    async def opening() -> NumberSession:
        return session

    await at.intakes.adopt("s", opening)


async def test_it_is_known_what_is_heard_here(here: Worker) -> None:
    hear = Command("stt_hear", "s")
    with pytest.raises(LookupError):
        await here.intakes.command(hear)
    await adopt(here, await session_of(here))
    await here.intakes.command(hear)


async def test_a_session_is_adopted_once(here: Worker) -> None:
    session = await session_of(here, frames(0, 5))
    await adopt(here, session)

    async def never() -> NumberSession:
        raise AssertionError

    await here.intakes.adopt("s", never)
    await until(lambda: session.asked == 1)


async def test_what_cannot_be_begun_is_not_held() -> None:
    wakes = Wakes()
    intakes = Intakes(SttStore("unix:///nonexistent/redis.sock", "a"), wakes)

    async def refused() -> NumberSession:
        raise Fault("too_many_sessions", "wait")

    with wakes.news_of("s") as news:
        with pytest.raises(Fault):
            await intakes.adopt("s", refused)
        assert news.is_set()
    assert not intakes.holds("s")


async def test_what_begins_when_the_worker_has_ended_is_closed(here: Worker) -> None:
    session = await session_of(here)
    intakes = Intakes(here.store, Wakes())
    async with running(intakes.run()):
        await asyncio.sleep(0)

    async def opening() -> NumberSession:
        return session

    with pytest.raises(Fault) as refused:
        await intakes.adopt("s", opening)
    assert (refused.value.code, session.over, intakes.holds("s")) == ("draining", True, False)


async def test_a_session_that_is_over_is_not_held(here: Worker) -> None:
    session = await session_of(here, frames(0, 5), final=True)
    await adopt(here, session)
    await until(lambda: not here.intakes.holds("s"))
    shown = await here.store.show("s", "k")
    assert shown is not None
    assert (shown.text, shown.ended) == ("0 1 2 3 4", "final_chunk")


async def test_a_session_is_let_go_while_no_chunks_come(
    here: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PAUSE_S", 0.02)
    monkeypatch.setattr(intake, "LOOK_S", 0.01)
    session = await session_of(here, frames(0, 5))
    await adopt(here, session)
    await until(lambda: not here.intakes.holds("s"))
    assert session.over
    assert await here.store.flush(10)
    shown = await here.store.show("s", "k")
    assert shown is not None
    assert (shown.text, shown.ended) == ("0 1 2 3 4", "")
    here.store.release("s")
    # It is taken up with its next chunk.
    last = Chunk(1, frames(5, 8), True, b"two", False)
    answer = await here.posting.post(SessionRequest(session_id="s"), last, Principal("k"))
    assert answer["transcript"]["text"] == "0 1 2 3 4 5 6 7"


async def test_who_lost_a_session_hears_no_more_of_it(here: Worker) -> None:
    session = await session_of(here, frames(0, 5), frames(5, 10))
    await here.store.link.ask(lambda redis: redis.hset(here.store.keys("s")[0], "generation", 2))
    await adopt(here, session)
    await until(lambda: not here.intakes.holds("s"))
    assert session.asked == 1


async def test_who_cannot_finish_a_session_leaves_it_to_others(here: Worker) -> None:
    session = await session_of(here, frames(0, 5), final=True)

    async def fails(reason: str, fault: Fault | None = None) -> None:
        raise Fault("provider_failed", "nobody can go on")

    session.finish = fails  # type: ignore[method-assign]
    await adopt(here, session)
    await until(lambda: not here.intakes.holds("s"))
    assert len((await here.chunks.waiting("s", 0, 8))[0]) == 1


async def test_chunks_are_looked_for_until_redis_is_back(own_redis: str) -> None:
    async with worker(own_redis, "p:", "a") as here:
        session = await session_of(here, frames(0, 5), frames(5, 12), final=True)
        with stopped(own_redis):
            here.store.link._deadline_s = 0.01
            await adopt(here, session)
            await until(lambda: not here.store.link.available)
        here.store.link._deadline_s = 10
        await until(lambda: not here.intakes.holds("s"))
        shown = await here.store.show("s", "k")
        assert shown is not None
        assert shown.text == " ".join(map(str, range(12)))
