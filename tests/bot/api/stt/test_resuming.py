"""What sessions have when they go on: here, at another worker, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.session import Session
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, service_of

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
