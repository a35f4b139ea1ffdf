"""What sessions have when they go on: here, at another worker, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.outbox import MOST_MESSAGES
from bot.api.stt.session import Session
from bot.api.stt.upkeep import LOOK_S, TOUCH_EVERY
from tests.background import until
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, QUIET, service_of, serving

PLAIN = SessionRequest()


def messages(session: Session) -> list[dict[str, Any]]:
    return [orjson.loads(message) for message in session.take_all()]


@virtual_time_on_sockets
async def test_what_is_understood_too_late_is_heard_again() -> None:
    engine = Recognizer(utterances=False)
    async with service_of(engine) as service:
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        await session.send(LOUD)
        session.fail(Fault("slow_reader", "it does not read"))
        engine.current.hear("nobody was told", final=True, end_ms=900)
        await asyncio.sleep(0.1)
        await service.sessions.leave(session)
        again = await service.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        (started,) = messages(again)
        assert (started["sequence"], started["audio_ms"]) == (0, 0)


async def test_what_was_changed_in_a_session_holds_at_another_worker(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="a") as a,
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="b") as b,
    ):
        session = await a.sessions.open(PLAIN, ANYBODY, door="stream")
        asked = replace(PLAIN, session_id=session.id)
        await session.configure(replace(session.request, language="fr-FR", sample_rate_hz=8_000))
        there = await b.sessions.resume(asked, ANYBODY)
        assert (there.request.language, there.request.sample_rate_hz) == ("fr-FR", 8_000)
        # What is asked for by resuming is kept as well.
        given = [("session_id", session.id), ("profanity_filter", "true")]
        there = await b.sessions.resume(asked, ANYBODY, given=given)
        back = await a.sessions.resume(asked, ANYBODY)
        assert (back.request.language, back.request.profanity_filter) == ("fr-FR", True)
        assert await a.store.flush(10)
        shown = await a.store.show(session.id, ANYBODY.key_id)
        assert shown is not None
        assert shown.values["language"] == "fr-FR"
        await a.sessions.leave(back)


async def test_a_session_that_was_deleted_does_not_come_back(
    redis_url: str, redis_prefix: str
) -> None:
    engine = Recognizer(texts=["deleted"])
    async with serving(engine, redis_url=redis_url, prefix=redis_prefix) as service:
        async with service.client() as client:
            session_id = (await client.hear())["session_id"]
            assert await service.store.delete(session_id, ANYBODY.key_id)
            await client.send(LOUD, QUIET)
            assert (await client.hear("error"))["code"] == "session_ended"
            assert await client.closed() == (1008, "session_ended")
        async with service.client(f"session_id={session_id}") as again:
            assert (await again.hear())["code"] == "session_ended"
        assert (service.sessions.active, service.gate.open) == (0, [])


async def test_the_place_of_a_session_that_was_deleted_is_free_at_once(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        serving(redis_url=redis_url, prefix=redis_prefix) as service,
        service.client() as client,
        service.client() as other,
    ):
        session_id = (await client.hear())["session_id"]
        await other.hear()
        assert await service.store.flush(10)
        began_s = asyncio.get_running_loop().time()
        assert await service.store.delete(session_id, ANYBODY.key_id)
        # Without a word of its client, and before it is written down.
        assert (await client.hear())["code"] == "session_ended"
        await until(lambda: len(service.gate.open) == service.engine.open == 1)
        assert asyncio.get_running_loop().time() - began_s < LOOK_S * TOUCH_EVERY / 2
        assert session_id not in service.gate.open


async def test_a_session_that_another_worker_took_is_taken_back_in_order(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        serving(
            Recognizer(texts=["one", "lost", "three"]), redis_url=redis_url, prefix=redis_prefix
        ) as a,
        serving(
            Recognizer(texts=["two"]), redis_url=redis_url, prefix=redis_prefix, worker="b"
        ) as b,
        a.client() as client,
    ):
        session_id = (await client.hear())["session_id"]
        await client.send(LOUD, QUIET)
        assert (await client.hear("transcription"))["sequence"] == 1
        assert await a.store.flush(10)
        await a.die()
        async with b.client(f"session_id={session_id}&after=1") as there:
            await there.send(LOUD, QUIET)
            assert (await there.hear("transcription"))["sequence"] == 2
            await client.send(LOUD, QUIET)
            assert (await client.hear("error"))["code"] == "session_taken_over"
            async with a.client(f"session_id={session_id}&after=2") as back:
                assert (await back.hear())["sequence"] == 2
                assert (await there.hear("error"))["code"] == "session_taken_over"
                await back.send(LOUD, QUIET)
                assert (await back.hear("transcription"))["sequence"] == 3
                assert a.sessions.active + b.sessions.active == 1


async def test_one_who_owns_a_session_no_more_is_told(redis_url: str, redis_prefix: str) -> None:
    async with service_of(redis_url=redis_url, prefix=redis_prefix) as service:
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        service.store.release(session.id)  # as when it was taken while it was about to begin
        service.store.touch(session.id, session.generation, 1_000)
        assert session.fault is not None
        assert session.fault.code == "session_taken_over"
        await service.sessions.leave(session)


def final(sequence: int) -> bytes:
    return orjson.dumps({"text": "", "confidence": None, "language": None, "sequence": sequence})


async def test_who_missed_more_than_may_wait_gets_it_all(redis_url: str, redis_prefix: str) -> None:
    finals = range(1, MOST_MESSAGES + 100)
    async with (
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="a") as a,
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="b") as b,
    ):
        session = await a.sessions.open(PLAIN, ANYBODY, door="stream")
        for sequence in finals:
            a.store.final(session.id, 1, sequence, final(sequence), 0)
            if sequence % 500 == 0:  # of what is not written yet, so much is kept and no more
                assert await a.store.flush(10)
        again = await b.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        assert not again.over
        assert [m["sequence"] for m in messages(again)] == [finals[-1], *finals]
        await b.sessions.leave(again)


async def test_a_log_that_has_lost_some_gives_what_it_has_once(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="a") as a,
        service_of(redis_url=redis_url, prefix=redis_prefix, worker="b") as b,
    ):
        session = await a.sessions.open(PLAIN, ANYBODY, door="stream")
        for sequence in (1, 2, 3, 6, 7):
            a.store.final(session.id, 1, sequence, final(sequence), 0)
        asked = replace(PLAIN, session_id=session.id, after=3)
        again = await b.sessions.resume(asked, ANYBODY)
        assert [m["sequence"] for m in messages(again)] == [7, 6, 7]
        await b.sessions.leave(again)


@virtual_time_on_sockets
async def test_who_missed_more_than_is_known_here_is_told_to_come_again() -> None:
    engine = Recognizer(utterances=False)
    async with service_of(engine) as service:  # whose Redis is away
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        for number in range(60):
            engine.current.hear(f"{number}", final=True)
        await asyncio.sleep(0.1)
        with pytest.raises(Fault, match="try again soon") as away:
            await service.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        assert away.value.code == "store_away"
        asked = replace(PLAIN, session_id=session.id, after=20)
        again = await service.sessions.resume(asked, ANYBODY)
        assert [m["sequence"] for m in messages(again)] == [60, *range(21, 61)]


@virtual_time_on_sockets
async def test_a_session_that_is_about_to_begin_goes_elsewhere_when_the_worker_ends() -> None:
    async with service_of() as service:
        opens, counted = service.gate.open_session, asyncio.Event()

        async def counting(principal: Principal, session_id: str) -> None:
            await counted.wait()
            await opens(principal, session_id)

        service.gate.open_session = counting  # type: ignore[method-assign]
        opening = asyncio.create_task(service.sessions.open(PLAIN, ANYBODY, door="stream"))
        await asyncio.sleep(1)
        assert service.sessions.active == 1
        draining = asyncio.create_task(service.sessions.drain())
        await asyncio.sleep(1)
        counted.set()
        with pytest.raises(Fault) as refused:
            await opening
        await draining
        assert refused.value.code == "draining"
        assert (service.sessions.active, service.engine.open, service.gate.open) == (0, 0, [])


@virtual_time_on_sockets
async def test_a_session_is_brought_to_its_end_when_it_has_begun() -> None:
    async with service_of() as service:
        counted = asyncio.Event()

        async def counting(principal: Principal, session_id: str) -> None:
            await counted.wait()

        service.gate.open_session = counting  # type: ignore[method-assign]
        service.gate.end = Fault("quota_used_up", "the key's audio is used up")
        opening = asyncio.create_task(service.sessions.open(PLAIN, ANYBODY, door="stream"))
        with capture_logs() as logged:
            await asyncio.sleep(3)
            counted.set()
            session = await opening
            await asyncio.sleep(2)
        kinds = [message["type"] for message in messages(session)]
        assert kinds == ["session_started", "error", "session_ended"]
        assert not [entry for entry in logged if entry["log_level"] == "error"]


@virtual_time_on_sockets
async def test_a_session_whose_recognizer_is_being_opened_ends_in_order() -> None:
    engine = Recognizer(opening_s=0.04)
    async with service_of(engine) as service:
        opening = asyncio.create_task(service.sessions.open(PLAIN, ANYBODY, door="stream"))
        await asyncio.sleep(0.02)
        await service.sessions.drain()
        with pytest.raises(Fault) as refused:
            await opening
        assert (refused.value.code, engine.open) == ("draining", 0)


async def test_one_that_did_not_start_may_be_begun_again(redis_url: str, redis_prefix: str) -> None:
    async with service_of(redis_url=redis_url, prefix=redis_prefix) as service:
        engine = service.engine
        asked = replace(PLAIN, session_id="11111111-1111-4111-8111-111111111111")
        opens = service.gate.open_session

        async def refusing(principal: Principal, session_id: str) -> None:
            raise Fault("too_many_sessions", "end one")

        service.gate.open_session = refusing  # type: ignore[method-assign]
        with pytest.raises(Fault, match="end one"):
            await service.sessions.open(asked, ANYBODY, door="stream")
        service.gate.open_session = opens  # type: ignore[method-assign]
        session = await service.sessions.resume(asked, ANYBODY)
        assert (session.over, engine.open, service.sessions.active) == (False, 1, 1)
        await service.sessions.leave(session)


async def test_who_lost_the_connection_while_it_was_closed_is_told_the_rest(
    redis_url: str, redis_prefix: str
) -> None:
    engine = Recognizer(texts=["first", "last words"])
    async with (
        serving(engine, redis_url=redis_url, prefix=redis_prefix) as a,
        serving(redis_url=redis_url, prefix=redis_prefix, worker="b") as b,
    ):
        async with a.client() as client:
            session_id = (await client.hear())["session_id"]
            await client.send(LOUD, QUIET)
            assert (await client.hear("transcription"))["text"] == "first"
            await client.send(LOUD)
            await client.say("close")
            await until(lambda: engine.current.finalized == 2)
            client.websocket.transport.abort()
        for service, after in ((a, 1), (b, 1), (b, 2)):
            async with service.client(f"session_id={session_id}&after={after}") as again:
                started = await again.hear()
                assert (started["type"], started["resumed"]) == ("session_started", True)
                assert (started["sequence"], started["audio_ms"]) == (2, 3_000)
                for _ in range(after, 2):
                    said = await again.hear()
                    assert (said["sequence"], said["text"]) == (2, "last words")
                ended = await again.hear()
                assert (ended["type"], ended["reason"], ended["text"]) == (
                    "session_ended", "client", "first last words",
                )  # fmt: skip
                assert (ended["audio_ms"], ended["sequence"]) == (3_000, 2)
                assert await again.closed() == (1000, "client")
        elsewhere = {"X-API-Key": "another"}
        async with b.client(f"session_id={session_id}", additional_headers=elsewhere) as stranger:
            assert (await stranger.hear())["code"] == "session_not_found"
        assert (a.sessions.active, b.sessions.active) == (0, 0)
