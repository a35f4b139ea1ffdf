"""Sessions in the time that passes: idle ones, long ones, those that are left and taken up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest

from bot.api.stt import outbox as outbox_module
from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.finalizing import FINALIZE_S
from bot.api.stt.session import Session
from bot.api.stt.upkeep import RESUME_S
from bot.inbox import Command
from tests.background import until
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, QUIET, SECOND, Service, service_of

PLAIN = SessionRequest()


def messages(session: Session) -> list[dict[str, Any]]:
    return [orjson.loads(message) for message in session.take_all()]


def kinds(session: Session) -> list[str]:
    return [message["type"] for message in messages(session)]


@asynccontextmanager
async def opened(
    engine: Recognizer | None = None, **options: Any
) -> AsyncIterator[tuple[Service, Session]]:
    async with service_of(engine, **options) as service:
        yield service, await service.sessions.open(PLAIN, ANYBODY, door="stream")


@virtual_time_on_sockets
async def test_a_session_that_is_left_idle_ends() -> None:
    async with opened(stt_idle_s=30) as (service, session):
        await session.send(QUIET)
        await asyncio.sleep(29)
        assert kinds(session) == ["session_started"]
        await asyncio.sleep(3)
        assert [(m["type"], m.get("code"), m.get("reason")) for m in messages(session)] == [
            ("error", "idle", None),
            ("session_ended", None, "idle"),
        ]
        assert (session.over, service.sessions.active, service.gate.open) == (True, 0, [])
        assert service.engine.open == 0


@virtual_time_on_sockets
async def test_a_session_lasts_so_long_and_no_longer() -> None:
    async with opened(stt_max_session_s=20, stt_idle_s=10) as (_, session):
        for _ in range(19):
            await session.send(QUIET)
            await asyncio.sleep(1)
        assert not session.over
        await asyncio.sleep(3)
        assert session.fault is not None
        assert session.fault.code == "too_long"
        with pytest.raises(Fault) as over:
            await session.send(QUIET)
        assert over.value is session.fault


@virtual_time_on_sockets
async def test_a_key_whose_audio_is_used_up_has_no_sessions() -> None:
    async with opened() as (service, session):
        service.gate.end = Fault("quota_used_up", "the key's audio is used up")
        await asyncio.sleep(2)
        assert kinds(session) == ["session_started", "error", "session_ended"]


@virtual_time_on_sockets
async def test_one_who_sends_fast_is_slowed_and_not_idle() -> None:
    loop = asyncio.get_running_loop()
    async with opened(Recognizer(utterances=False), stt_idle_s=5) as (service, session):
        began_s = loop.time()
        await session.send(QUIET * 15)
        assert loop.time() - began_s > 10
        assert not session.over
        assert len(service.engine.current.audio) == len(QUIET) * 15


@virtual_time_on_sockets
async def test_finalize_is_answered_though_nobody_answers_it() -> None:
    engine = Recognizer(texts=[None])
    async with opened(engine) as (_, session):
        await session.send(LOUD)
        session.finalize()
        session.finalize()
        assert engine.current.finalized == 1
        await asyncio.sleep(FINALIZE_S - 1)
        assert kinds(session) == ["session_started"]
        await asyncio.sleep(2)
        assert kinds(session) == ["finalized", "finalized"]


@virtual_time_on_sockets
async def test_many_finalize_cost_a_recognizer_little() -> None:
    engine = Recognizer(utterances=False, texts=[None] * 1000)
    async with opened(engine) as (_, session):
        for _ in range(500):
            await session.send(bytes(64))
            session.finalize()
        assert engine.current.finalized <= 16
        await asyncio.sleep(FINALIZE_S + 2)
        assert kinds(session).count("finalized") == 16


@virtual_time_on_sockets
async def test_a_session_that_was_left_is_there_for_a_while() -> None:
    async with opened() as (service, session):
        await service.sessions.leave(session)
        assert service.sessions.active == 0
        await asyncio.sleep(RESUME_S - 1)
        asked = replace(PLAIN, session_id=session.id)
        again = await service.sessions.resume(asked, ANYBODY)
        assert (again.id, again.resumed, service.sessions.active) == (session.id, True, 1)
        await service.sessions.leave(again)
        await asyncio.sleep(RESUME_S + 2)
        assert service.gate.open == []
        with pytest.raises(Fault) as gone:
            await service.sessions.resume(asked, ANYBODY)
        assert gone.value.code == "store_away"


@virtual_time_on_sockets
async def test_a_recognizer_that_does_not_end_keeps_nobody_waiting() -> None:
    loop = asyncio.get_running_loop()
    engine = Recognizer(texts=[None, "two"])
    async with opened(engine) as (service, session):
        await session.send(LOUD)
        await session.send(QUIET)
        began_s = loop.time()
        engine.current._due = 1  # it never ends
        again = await service.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        assert loop.time() - began_s < 5
        # What was not understood is to be sent again.
        assert again.from_ms < 2_000
        assert engine.open == 1


@virtual_time_on_sockets
async def test_a_session_keeps_to_its_door() -> None:
    async with opened() as (service, session):
        asked = replace(PLAIN, session_id=session.id)
        with pytest.raises(Fault) as refused:
            await service.sessions.resume(asked, ANYBODY, door="chunk")
        assert (refused.value.code, session.over) == ("bad_config", False)


@virtual_time_on_sockets
async def test_two_who_come_back_at_once_have_it_in_turn() -> None:
    async with opened() as (service, session):
        asked = replace(PLAIN, session_id=session.id)
        one, two = await asyncio.gather(
            *(service.sessions.resume(asked, ANYBODY) for _ in range(2))
        )
        assert (session.over, one.over, two.over) == (True, True, False)
        assert service.sessions.active == service.engine.open == 1


@virtual_time_on_sockets
async def test_what_is_ending_is_not_taken_up() -> None:
    engine = Recognizer(texts=["one"], delay_s=2.0)
    async with opened(engine) as (service, session):
        await session.send(LOUD)
        ending = asyncio.create_task(session.finish("client"))
        await asyncio.sleep(0.1)
        with pytest.raises(Fault) as over:
            await service.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        assert over.value.code == "session_ended"
        await ending
        assert kinds(session) == ["session_started", "transcription", "session_ended"]
        assert service.sessions.active == service.engine.open == 0


@virtual_time_on_sockets
async def test_an_utterance_in_which_a_session_is_let_go_is_heard_again_as_a_whole() -> None:
    engine = Recognizer(texts=["one", "two"])
    async with opened(engine) as (service, session):
        await session.send(LOUD + QUIET)
        await session.send(LOUD)
        await asyncio.sleep(0.1)
        assert [m.get("text") for m in messages(session)] == [None, "one"]
        again = await service.sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        # Nothing was made of half an utterance, and it is to be sent from its beginning on.
        assert (session.sequence, again.sequence, again.audio_ms <= 2_000) == (1, 1, True)
        await again.send((LOUD + QUIET + LOUD + QUIET)[SECOND * round(again.audio_ms) // 1_000 :])
        await asyncio.sleep(0.1)
        assert [m["text"] for m in messages(again)[1:] if m["is_final"]][-1] == "two"


@virtual_time_on_sockets
async def test_a_session_that_its_client_closes_ends_for_nothing_else() -> None:
    async with opened(Recognizer(texts=["one"], delay_s=3.0)) as (service, session):
        await session.send(LOUD)
        ending = asyncio.create_task(session.finish("client"))
        await asyncio.sleep(0.1)
        service.gate.end = Fault("quota_used_up", "the key's audio is used up")
        await ending
        *_, ended = messages(session)
        assert (ended["type"], ended["reason"], session.fault) == ("session_ended", "client", None)


@virtual_time_on_sockets
async def test_a_session_in_chunks_that_is_let_go_leaves_nothing_taken_or_uncounted() -> None:
    async with service_of() as service:
        session = await service.sessions.open(PLAIN, ANYBODY, door="chunk")
        await session.send(QUIET)
        await session.let_go()
        await asyncio.sleep(2)
        assert (service.gate.open, service.engine.open) == ([], 0)
        assert service.gate.used_ms == {session.id: 1_000}
        assert service.sessions.recognizing.total() == 0


@virtual_time_on_sockets
async def test_who_does_not_read_loses_its_connection_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_MESSAGES", 10)
    engine = Recognizer(utterances=False)
    async with opened(engine) as (service, session):
        for number in range(12):
            engine.current.hear(f"{number}", final=True)
        await asyncio.sleep(0.1)
        assert session.fault is not None
        assert session.fault.code == "slow_reader"
        assert await session.next() is None
        monkeypatch.undo()
        asked = replace(PLAIN, session_id=session.id, after=3)
        again = await service.sessions.resume(asked, ANYBODY)
        assert [m["sequence"] for m in messages(again)] == [session.sequence, *range(4, 11)]


@virtual_time_on_sockets
async def test_another_worker_may_have_it() -> None:
    async with opened() as (service, session):
        with pytest.raises(LookupError):
            await service.sessions.command(Command("stt_let_go", "another"))
        await service.sessions.command(Command("stt_let_go", session.id))
        assert session.fault is not None
        assert session.fault.code == "session_taken_over"
        assert service.sessions.get(session.id) is None
        # Whoever has it now has its place among those of its key.
        assert service.gate.open == [session.id]


@virtual_time_on_sockets
@pytest.mark.parametrize("patience_s", [1.0, 10.0])
async def test_one_that_is_asked_for_is_over_though_its_recognizer_is_slow(
    patience_s: float,
) -> None:
    engine = Recognizer(texts=["late"], delay_s=20.0)
    async with opened(engine) as (service, session):
        await session.send(LOUD)
        session.finalize()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await service.sessions.command(Command("stt_let_go", session.id))
        assert session.fault is not None
        assert session.fault.code == "session_taken_over"
        assert (service.sessions.get(session.id), engine.open) == (None, 0)


@virtual_time_on_sockets
async def test_a_client_that_nobody_hears_is_told() -> None:
    async with opened(Recognizer(texts=["late"], delay_s=20.0)) as (_, session):
        await session.send(LOUD)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await session.finish("client")  # who waits for that has gone
        with pytest.raises(Fault):
            await session.send(LOUD)
        assert session.over


@virtual_time_on_sockets
async def test_one_whose_writes_are_refused_is_over() -> None:
    async with opened() as (service, session):
        service.sessions.superseded(session.id, session.generation + 1, False)
        assert not session.over
        service.sessions.superseded(session.id, session.generation, False)
        assert kinds(session) == ["session_started", "error"]


@virtual_time_on_sockets
async def test_outdated_interims_are_not_said() -> None:
    engine = Recognizer(utterances=False)
    async with opened(engine) as (_, session):
        for text in ("a", "a b", "a b c"):
            engine.current.hear(text)
        await asyncio.sleep(0.1)
        assert [m.get("text") for m in messages(session)] == [None, "a b c"]
        engine.current.hear("a b c")
        engine.current.hear("a b c d", final=True)
        engine.current.hear("e")
        await asyncio.sleep(0.1)
        assert [m["text"] for m in messages(session)] == ["a b c d", "e"]


@virtual_time_on_sockets
async def test_interims_are_not_said_where_they_are_not_wanted() -> None:
    engine = Recognizer(utterances=False)
    async with service_of(engine) as service:
        asked = replace(PLAIN, interim_results=False)
        session = await service.sessions.open(asked, ANYBODY, door="stream")
        engine.current.hear("a")
        engine.current.hear("a b", final=True)
        await asyncio.sleep(0.1)
        assert [m.get("text") for m in messages(session)] == [None, "a b"]


@virtual_time_on_sockets
async def test_sessions_that_begin_at_the_same_time_are_counted_once() -> None:
    async with service_of(Recognizer(opening_s=0.2), stt_max_sessions=2) as service:
        first = asyncio.create_task(service.sessions.open(PLAIN, ANYBODY, door="stream"))
        await until(lambda: service.sessions.active == 1)
        assert not first.done()
        second = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        with pytest.raises(Fault, match="as many sessions as it takes, 2"):
            await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert (await first).id != second.id


@virtual_time_on_sockets
async def test_a_session_that_was_cut_within_a_sample_is_heard_on() -> None:
    engine = Recognizer(utterances=False)
    async with opened(engine) as (_, session):
        await session.send(LOUD[:3_201])
        await session.configure(replace(PLAIN, language="fr-FR"))
        await session.send(LOUD[3_201:6_400])
        await session.let_go()
        assert b"".join(bytes(stream.audio) for stream in engine.streams) == LOUD[:6_400]
