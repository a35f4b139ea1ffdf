"""Streaming sessions: audio in, results out, and what becomes of those that nobody uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_8K, ULAW_8K
from providers.ears import Ears
from providers.errors import (
    AudioTooLargeError,
    AuthenticationError,
    CapacityError,
    DeadlineError,
    SessionActiveError,
    SessionCleanupError,
    SessionExpiredError,
    SessionNotFoundError,
    UnavailableError,
)
from providers.fallback import Candidate, Fallback
from providers.library import session as session_module
from providers.library import sessions as sessions_module
from providers.library.listening import Listening, listening
from providers.library.session import StreamingSession
from providers.library.sessions import IDLE_S, Sessions, SessionStatistics
from providers.options import SttOptions
from providers.results import StreamingResult
from providers.types import SttProvider
from tests.bot.engines import Level, Recognizer
from tests.virtual_time import virtual_time, virtual_time_on_sockets

from .hearing import SCRIPT, ears, said_in, soniox
from .test_listening import speech

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOBODY = "5c4b3f5e-0000-4000-8000-000000000000"


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Desk:
    """Sessions with one recognizer."""

    def __init__(self, stt: SttProvider | None = None) -> None:
        self.engine = Recognizer(utterances=False)
        self.stt = stt or self.engine
        self.clock = Clock()
        self.sessions = Sessions(self.clock, lambda: NOON)

    async def start(self, options: SttOptions = SttOptions(audio=PCM16_8K)) -> str:  # noqa: B008
        def listen(session: StreamingSession) -> AbstractAsyncContextManager[Listening]:
            stt = Fallback([Candidate(self.stt.name, self.stt)])
            return listening(stt, ears(), options, session)

        return await self.sessions.start(listen)

    async def read(self, session_id: str, timeout_s: float | None = None) -> list[StreamingResult]:
        return [result async for result in self.sessions.results(session_id, timeout_s)]


@asynccontextmanager
async def desk(stt: SttProvider | None = None) -> AsyncIterator[Desk]:
    desk = Desk(stt)
    try:
        yield desk
    finally:
        await desk.sessions.aclose()


async def heard() -> None:
    """Let what was said come through."""
    await asyncio.sleep(0.1)


@virtual_time_on_sockets
async def test_results_come_while_audio_goes() -> None:
    async with soniox() as (standin, stt), desk(stt.candidates[0].provider) as one:
        session_id = await one.start(SttOptions(audio=ULAW_8K))
        assert str(UUID(session_id)) == session_id
        reading = asyncio.create_task(one.read(session_id))
        for at in range(0, len(SCRIPT.audio), 1_600):
            await one.sessions.send(session_id, SCRIPT.audio[at : at + 1_600])
        whole = await one.sessions.stop(session_id)
        results = await reading
        assert [(w.text, w.start_ms, w.end_ms) for w in whole.words] == said_in(SCRIPT)
        assert len(standin.stt) == 1
    finals = [result for result in results if result.final]
    assert [word for result in finals for word in result.words] == list(whole.words)
    assert any(not result.final for result in results)
    assert {(result.session_id, result.timestamp) for result in results} == {(session_id, NOON)}
    duration_ms = ULAW_8K.duration_ms(len(SCRIPT.audio))
    assert (whole.provider, whole.duration_ms, whole.final) == ("soniox", duration_ms, True)


@virtual_time
async def test_results_wait_for_who_reads_later_and_outdated_ones_do_not() -> None:
    async with desk() as one:
        session_id = await one.start()
        for text in ("he", "hell", "hello"):
            one.engine.current.hear(text)
        one.engine.current.hear("hello", final=True)
        one.engine.current.hear("", final=True)
        one.engine.current.hear("wor")
        await heard()
        (info,) = one.sessions.infos()
        assert (info.state, info.results, info.finals, info.unread) == ("active", 5, 1, 2)
        one.engine.current.hear("world", final=True)
        stopped = await one.sessions.stop(session_id)
        assert stopped.text == "hello world"
        assert [result.text for result in await one.read(session_id)] == ["hello", "world"]
        assert await one.read(session_id) == []


@virtual_time
async def test_what_nobody_reads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_WAITING_RESULTS", 3)
    async with desk() as one:
        session_id = await one.start()
        for text in "abcde":
            one.engine.current.hear(text, final=True)
        whole = await one.sessions.stop(session_id)
        assert whole.text == "a b c d e"
        assert [result.text for result in await one.read(session_id)] == ["c", "d", "e"]


@virtual_time
async def test_who_reads_may_tire_of_waiting() -> None:
    loop = asyncio.get_running_loop()
    async with desk() as one:
        session_id = await one.start()
        one.engine.current.hear("hello", final=True)
        began_s = loop.time()
        assert [result.text for result in await one.read(session_id, 2.0)] == ["hello"]
        assert loop.time() - began_s == pytest.approx(2.0, abs=0.01)


@virtual_time
async def test_results_are_read_by_one_at_a_time() -> None:
    async with desk() as one:
        session_id = await one.start()
        first = asyncio.create_task(one.read(session_id))
        await heard()
        with pytest.raises(SessionActiveError, match="read already") as caught:
            await one.read(session_id)
        assert caught.value.retryable
        await one.sessions.stop(session_id)
        assert await first == []


@virtual_time
async def test_who_leaves_the_results_may_go_on_with_them() -> None:
    async with desk() as one:
        session_id = await one.start()
        for text in "abcd":
            one.engine.current.hear(text, final=True)
        await heard()
        for expected in "ab":
            async for result in one.sessions.results(session_id):
                assert result.text == expected
                break
        results = one.sessions.results(session_id)
        assert [(await anext(results)).text for _ in range(2)] == ["c", "d"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(results), 1.0)
        one.engine.current.hear("e", final=True)
        assert (await anext(results)).text == "e"


@virtual_time
async def test_senders_take_turns() -> None:
    async with desk() as one:
        session_id = await one.start()
        await asyncio.gather(*(one.sessions.send(session_id, bytes(1_600)) for _ in range(5)))
        assert [info.audio_ms for info in one.sessions.infos()] == [500]


@virtual_time
async def test_a_session_that_nobody_knows() -> None:
    async with desk() as one:
        with pytest.raises(SessionNotFoundError, match="no session '5c4b3f5e-"):
            await one.sessions.send(NOBODY, b"")
        with pytest.raises(SessionNotFoundError):
            one.sessions.results(NOBODY)
        with pytest.raises(SessionNotFoundError):
            await one.sessions.stop(NOBODY)


@virtual_time
async def test_a_session_is_stopped_once() -> None:
    async with desk() as one:
        session_id = await one.start()
        await one.sessions.stop(session_id)
        with pytest.raises(SessionNotFoundError, match="was stopped; start another one"):
            await one.sessions.stop(session_id)
        with pytest.raises(SessionNotFoundError, match="was stopped"):
            await one.sessions.send(session_id, b"")
        assert one.engine.open == 0
        assert one.sessions.statistics() == SessionStatistics(started=1, stopped=1)


@virtual_time
async def test_five_idle_minutes_end_a_session() -> None:
    async with desk() as one:
        idle, busy = await one.start(), await one.start()
        reading = asyncio.create_task(one.read(idle))
        await heard()
        one.clock.now_s += IDLE_S - 1
        await one.sessions.send(busy, bytes(800))
        assert await one.sessions.cleanup() == 0
        one.clock.now_s += 1
        with pytest.raises(SessionExpiredError, match="not used for 5 minutes; start another"):
            await one.sessions.send(idle, b"")
        await asyncio.sleep(sessions_module.SWEEP_S + 1)  # it is found by itself
        with pytest.raises(SessionExpiredError):
            await reading
        with pytest.raises(SessionExpiredError):
            one.sessions.results(idle)
        assert [info.session_id for info in one.sessions.infos()] == [busy]
        assert one.engine.open == 1
        assert one.sessions.statistics() == SessionStatistics(started=2, expired=1, active=1)


@virtual_time
async def test_a_session_is_not_idle_while_its_audio_is_sent() -> None:
    async with desk() as one:
        one.sessions = Sessions(asyncio.get_running_loop().time, lambda: NOON)
        session_id = await one.start()
        await one.sessions.send(session_id, PCM16_8K.silence(2 * IDLE_S * 1000))
        (info,) = one.sessions.infos()
        assert (info.state, info.audio_ms, info.idle_s) == ("active", 2 * IDLE_S * 1000, 0)
        await one.sessions.stop(session_id)
        with pytest.raises(SessionNotFoundError, match="was stopped"):
            await one.sessions.send(session_id, b"")


@virtual_time
async def test_stopping_waits_for_what_is_being_sent_but_not_for_long() -> None:
    loop = asyncio.get_running_loop()
    async with desk() as one:
        for sent_ms, taken_ms in ((8_000, 8_000), (200_000, 14_500)):
            session_id = await one.start()
            sending = asyncio.create_task(one.sessions.send(session_id, PCM16_8K.silence(sent_ms)))
            await asyncio.sleep(0)
            began_s = loop.time()
            whole = await one.sessions.stop(session_id)
            assert loop.time() - began_s <= session_module.SENDING_S + 0.2
            assert whole.duration_ms == pytest.approx(taken_ms, abs=100)
            await asyncio.wait([sending])
        with pytest.raises(UnavailableError, match="stopped before all audio was sent; stop it"):
            await sending


@virtual_time
async def test_reading_is_using() -> None:
    async with desk() as one:
        session_id = await one.start()
        one.clock.now_s += IDLE_S - 1
        one.engine.current.hear("hello", final=True)
        await one.read(session_id, 0.1)
        one.clock.now_s += IDLE_S - 1
        assert await one.sessions.cleanup() == 0
        assert [info.idle_s for info in one.sessions.infos()] == [IDLE_S - 1]


@virtual_time
async def test_results_of_a_stopped_session_are_kept_for_a_while() -> None:
    async with desk() as one:
        session_id = await one.start()
        await one.sessions.stop(session_id)
        one.clock.now_s += IDLE_S
        assert await one.sessions.cleanup() == 1
        with pytest.raises(SessionNotFoundError):
            one.sessions.results(session_id)
        assert one.sessions.statistics() == SessionStatistics(started=1, stopped=1)


@virtual_time
async def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 2)
    async with desk() as one:
        first = await one.start()
        await one.start()
        with pytest.raises(CapacityError, match="there are 2 sessions"):
            await one.start()
        for _ in range(3):  # of stopped ones the oldest are forgotten
            await one.sessions.stop(one.sessions.infos()[-1].session_id)
            await one.start()
        assert [info.state for info in one.sessions.infos()] == [
            "active",
            "stopped",
            "stopped",
            "active",
        ]
        assert one.sessions.infos()[0].session_id == first


@virtual_time
async def test_a_session_that_fails_tells_all() -> None:
    error = AuthenticationError("recognizer", "the key was refused")
    async with desk() as one:
        session_id = await one.start()
        one.engine.current.hear("hello", final=True)
        one.engine.current.fail(error)
        reading = one.sessions.results(session_id)
        assert (await anext(reading)).text == "hello"
        with pytest.raises(AuthenticationError):
            await anext(reading)
        with pytest.raises(AuthenticationError):
            await one.sessions.send(session_id, bytes(800))
        (info,) = one.sessions.infos()
        assert (info.state, info.errors, info.providers) == ("failed", 1, ("recognizer",))
        with pytest.raises(AuthenticationError):
            await one.sessions.stop(session_id)
        assert one.engine.open == 0
        one.clock.now_s += IDLE_S
        assert await one.sessions.cleanup() == 1
        await one.start()
        one.engine.current.fail(error)
        await heard()
        one.clock.now_s += IDLE_S
        assert await one.sessions.cleanup() == 1
        assert one.sessions.statistics() == SessionStatistics(started=2, failed=2, audio_ms=0.0)


@virtual_time
async def test_sessions_that_failed_hold_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 2)
    hearing = Ears(Level(), max_calls=2)
    monkeypatch.setattr("tests.providers.library.test_sessions.ears", lambda: hearing)
    async with desk() as one:
        for _ in range(5):
            await one.start()
            one.engine.current.fail(AuthenticationError("recognizer", "the key was refused"))
            await heard()
        assert one.engine.open == 0
        assert [info.state for info in one.sessions.infos()] == ["failed"] * 3
        await one.start()
        assert [info.state for info in one.sessions.infos()] == ["failed", "failed", "active"]
        assert one.sessions.statistics() == SessionStatistics(started=6, failed=3, active=1)


@virtual_time
async def test_who_cannot_be_had_is_no_session() -> None:
    async with desk() as one:
        one.engine.failures.append(AuthenticationError("recognizer", "the key was refused"))
        with pytest.raises(AuthenticationError):
            await one.start()
        assert one.sessions.infos() == []
        assert one.sessions.statistics() == SessionStatistics()


@virtual_time
async def test_a_session_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_DURATION_MS", 1_000.0)
    async with desk() as one:
        session_id = await one.start()
        await one.sessions.send(session_id, bytes(16_016))
        with pytest.raises(AudioTooLargeError, match="five hours"):
            await one.sessions.send(session_id, bytes(16))


class Clingy(Recognizer):
    """Does not let go of its streams."""

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[object]:  # type: ignore[override]
        async with super().stream(options) as stream:
            try:
                yield stream
            finally:
                await asyncio.sleep(200)


@virtual_time
async def test_what_cannot_be_ended_in_order_is_said_and_gone() -> None:
    stt: SttProvider = Clingy(utterances=False)  # type: ignore[assignment]
    async with desk(stt) as one:
        await one.start()
        one.clock.now_s += IDLE_S
        with pytest.raises(SessionCleanupError, match="1 of 1 sessions were not ended") as caught:
            await one.sessions.cleanup()
        assert "it takes too long" in str(caught.value.__cause__)
        assert one.sessions.infos() == []
        await one.start()
        one.clock.now_s += IDLE_S
        with capture_logs() as logs:
            await asyncio.sleep(sessions_module.SWEEP_S + session_module.CLOSE_S + 1)
        assert "sessions were not ended in order" in [log["event"] for log in logs]
        with pytest.raises(DeadlineError):
            await one.sessions.stop(await one.start())
    await asyncio.sleep(201)


@virtual_time
async def test_closing_ends_all() -> None:
    one = Desk()
    session_id = await one.start()
    reading = asyncio.create_task(one.read(session_id))
    sending = asyncio.create_task(one.sessions.send(session_id, speech(9_000)))
    await heard()
    await one.sessions.aclose()
    for task in (reading, sending):
        with pytest.raises(UnavailableError):
            await task
    assert one.engine.open == 0
    await one.sessions.aclose()


@pytest.mark.parametrize("fails", [False, True])
@virtual_time
async def test_closing_ends_what_is_being_opened(fails: bool) -> None:
    loop, engine = asyncio.get_running_loop(), Recognizer(utterances=False, opening_s=5.0)
    one = Desk(engine)
    if fails:
        engine.failures.append(AuthenticationError("recognizer", "the key was refused"))
    starting = asyncio.create_task(one.start())
    await heard()
    assert [info.idle_s for info in one.sessions.infos()] == [0]
    began_s = loop.time()
    await one.sessions.aclose()
    with pytest.raises(UnavailableError, match="ended with all others; start another one"):
        await starting
    assert loop.time() - began_s < 1
    await asyncio.sleep(10)
    assert engine.open == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert one.sessions.infos() == []
    assert one.sessions.statistics() == SessionStatistics()


@virtual_time
async def test_who_gives_up_starting_leaves_nothing() -> None:
    engine = Recognizer(utterances=False, opening_s=5.0)
    async with desk(engine) as one:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.start(), 1.0)
        assert one.sessions.infos() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
