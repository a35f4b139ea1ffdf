"""Sessions that go on at another worker, with a real Redis between the two."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from tests.background import until
from tests.bot.engines import Recognizer

from .served import LOUD, QUIET, Service, serving


def worker(name: str, url: str, prefix: str, *texts: str) -> AbstractAsyncContextManager[Service]:
    return serving(Recognizer(texts=list(texts)), redis_url=url, prefix=prefix, worker=name)


async def test_a_session_goes_on_at_another_worker(redis_url: str, redis_prefix: str) -> None:
    async with (
        worker("a", redis_url, redis_prefix, "one", "two") as a,
        worker("b", redis_url, redis_prefix, "three") as b,
        a.client("encoding=mulaw") as client,
    ):
        session_id = (await client.hear())["session_id"]
        await client.send(b"\x00" * 8_000, b"\xff" * 8_000, b"\x00" * 8_000)
        await client.send(b"\xff" * 8_000)
        assert (await client.hear())["text"] == "one"
        session = a.sessions.get(session_id)
        assert session is not None
        await until(lambda: session.audio_ms == 4_000)
        async with b.client(f"session_id={session_id}&after=1") as again:
            # The worker that has it understands the rest, tells its client, and lets go.
            assert (await client.hear())["text"] == "two"
            assert (await client.hear())["code"] == "session_taken_over"
            assert await client.closed() == (1008, "session_taken_over")
            started = await again.hear()
            assert (started["resumed"], started["sequence"], started["audio_ms"]) == (
                True,
                2,
                4_000,
            )
            assert (started["encoding"], started["sample_rate"]) == ("mulaw", 8_000)
            assert (await again.hear())["text"] == "two"
            await again.send(b"\x00" * 8_000)
            await again.say("close")
            assert (await again.hear())["text"] == "three"
            assert (await again.hear())["text"] == "one two three"
        assert a.sessions.active == b.sessions.active == 0
        async with a.client(f"session_id={session_id}") as late:
            # It goes on no more, but all of it is told.
            assert (await late.hear("session_ended"))["text"] == "one two three"
        async with a.client(f"session_id={uuid4()}") as late:
            assert (await late.hear())["code"] == "session_not_found"


async def test_a_session_outlives_its_worker(redis_url: str, redis_prefix: str) -> None:
    async with (
        worker("a", redis_url, redis_prefix, "one", "lost") as a,
        worker("b", redis_url, redis_prefix, "two") as b,
        a.client() as client,
    ):
        session_id = (await client.hear())["session_id"]
        await client.send(LOUD, QUIET)
        assert (await client.hear())["text"] == "one"
        await client.send(LOUD)
        assert await a.store.flush(10)
        await a.die()
        async with b.client(f"session_id={session_id}&after=1") as again:
            started = await again.hear()
            assert (started["resumed"], started["sequence"]) == (True, 1)
            # From where on nothing was understood for good.
            assert 1_000 < started["audio_ms"] <= 2_000
            await again.send(LOUD)
            await again.say("close")
            said = await again.hear()
            assert (said["text"], said["sequence"]) == ("two", 2)
            # The one that was only taken for dead finds that it has the session no more.
            await client.send(QUIET)
            assert (await client.hear("error"))["code"] == "session_taken_over"
            assert a.sessions.get(session_id) is None


async def test_sessions_of_another_key_are_not_there(redis_url: str, redis_prefix: str) -> None:
    async with (
        worker("a", redis_url, redis_prefix) as a,
        worker("b", redis_url, redis_prefix) as b,
        a.client() as client,
    ):
        session_id = (await client.hear())["session_id"]
        headers = {"X-API-Key": "another"}
        for one in (a, b):
            async with one.client(f"session_id={session_id}", additional_headers=headers) as other:
                assert (await other.hear())["code"] == "session_not_found"
                assert await other.closed() == (1008, "session_not_found")
        await client.say("keepalive")
        assert (await client.hear())["type"] == "keepalive"
