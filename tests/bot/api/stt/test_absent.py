"""Clients that are lost in mid-utterance, and come back, or do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosedError

from bot.api.keys.types import KeyLimits
from bot.api.stt import upkeep
from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.session import Session
from bot.api.stt.upkeep import LOOK_S, RESUME_S
from media.audio import PCM16_16K, ULAW_8K
from media.files import wav_header
from providers.errors import AuthenticationError
from tests.background import until
from tests.bot.engines import Recognizer
from tests.providers.library.hearing import SCRIPT, said_in, soniox
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, QUIET, Service, service_of, serving
from .test_failover import PIECE, Vendors
from .test_lull import ENDS_S

PLAIN = SessionRequest()
HEARD_S = 0.1


def messages(session: Session) -> list[dict[str, Any]]:
    return [orjson.loads(message) for message in session.take_all()]


def texts(session: Session) -> list[str]:
    return [message["text"] for message in messages(session) if message.get("is_final")]


async def back(service: Service, session: Session, **values: Any) -> Session:
    asked = replace(session.request, session_id=session.id, **values)
    return await service.sessions.resume(asked, session.principal)


@asynccontextmanager
async def lost(
    engine: Recognizer, audio: bytes = LOUD, *, request: SessionRequest = PLAIN, **options: Any
) -> AsyncIterator[tuple[Service, Session]]:
    """A session whose client is lost after so much audio."""
    async with service_of(engine, **options) as service:
        session = await service.sessions.open(request, ANYBODY, door="stream")
        await session.send(audio)
        await asyncio.sleep(HEARD_S)
        await service.sessions.leave(session)
        yield service, session


@pytest.mark.parametrize("size", [3_200, 3_201, 3_210, len(LOUD)])
@virtual_time_on_sockets
async def test_its_recognizer_goes_on_in_the_midst_of_a_word(size: int) -> None:
    engine = Recognizer(utterances=False, texts=["a whole word"])
    async with lost(engine, LOUD[:size]) as (service, session):
        await asyncio.sleep(RESUME_S - 2)
        again = await back(service, session)
        begin = PCM16_16K.byte_count(again.from_ms)
        await again.send((LOUD + QUIET)[begin:])
        await asyncio.sleep(HEARD_S)
        (stream,) = engine.streams
        assert bytes(stream.audio) == (LOUD + QUIET)[: len(stream.audio)]
        assert len(stream.audio) > len(LOUD)
        assert (stream.finalized, texts(again)) == (1, ["a whole word"])


@virtual_time_on_sockets
async def test_two_channels_go_on() -> None:
    engine = Recognizer(utterances=False)
    split = SessionRequest(channels=2, stereo="split")
    both = b"".join(LOUD[at : at + 2] * 2 for at in range(0, len(LOUD), 2))
    async with lost(engine, both[:6_402], request=split) as (service, session):
        again = await back(service, session)
        await again.send(both[PCM16_16K.byte_count(again.from_ms) * 2 :])
        await again.let_go()
        assert [bytes(stream.audio) for stream in engine.streams] == [LOUD, LOUD]


@virtual_time_on_sockets
async def test_a_container_begins_anew_and_its_recognizer_goes_on() -> None:
    engine = Recognizer(utterances=False)
    wav = wav_header(0xFFFFFFFF, 8_000, 1)  # which is resampled: the last of it comes late
    request = SessionRequest(encoding="wav")
    async with lost(engine, wav + b"\x00\x40" * 8_000, request=request) as (service, session):
        assert session.audio_ms < 1_000
        again = await back(service, session)
        assert (again.from_ms, again.resumed) == (1_000, True)
        await again.send(wav + bytes(16_000))
        await again.let_go()
        (stream,) = engine.streams
        assert len(stream.audio) == len(LOUD + QUIET)


@virtual_time_on_sockets
async def test_what_it_said_last_is_made_final_when_it_does_not_come_back() -> None:
    engine = Recognizer(texts=["half a wo"])
    async with lost(engine) as (service, session):
        await asyncio.sleep(RESUME_S - 1)
        assert (engine.current.finalized, engine.open) == (0, 1)
        await asyncio.sleep(3)
        assert (engine.current.finalized, engine.open) == (1, 0)
        assert session.joined.result("", 0).text == "half a wo"
        with pytest.raises(Fault):
            await back(service, session)


async def test_who_comes_back_while_that_is_done_goes_on_after_it(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LOOK_S", 0.02)
    monkeypatch.setattr(upkeep, "RESUME_S", 0.0)
    engine = Recognizer(texts=["half a wo"], delay_s=0.1)
    async with lost(engine, redis_url=redis_url, prefix=redis_prefix) as (service, session):
        await until(lambda: engine.current.finalized)
        again = await back(service, session)
        assert (again.sequence, again.from_ms, again.over) == (1, 1_000, False)
        assert texts(again) == ["half a wo"]
        await again.send(QUIET)
        assert await service.store.flush(10)
        assert not again.over
        await service.sessions.leave(again)


async def test_another_worker_has_it_sent_again(redis_url: str, redis_prefix: str) -> None:
    engine = Recognizer(texts=["one", "lost"])
    async with (
        lost(engine, LOUD + QUIET, redis_url=redis_url, prefix=redis_prefix) as (a, before),
        service_of(
            Recognizer(texts=["two"]), redis_url=redis_url, prefix=redis_prefix, worker="b"
        ) as b,
    ):
        session = await back(a, before)
        assert texts(session) == ["one"]
        await session.send(LOUD)
        await a.sessions.leave(session)
        there = await back(b, session)
        # Nothing was made of half an utterance, which is heard again from its beginning on.
        assert (there.sequence, there.from_ms <= 2_000, engine.open) == (1, True, 0)
        assert session.sequence == 1
        await there.send((LOUD + QUIET)[: PCM16_16K.byte_count(3_000 - there.from_ms)] + QUIET)
        await until(lambda: there.sequence == 2)
        assert texts(there) == ["one", "two"]
        await b.sessions.leave(there)


@virtual_time_on_sockets
async def test_it_counts_for_nobody_and_the_end_of_the_worker_waits_for_none() -> None:
    engine = Recognizer(texts=["half a wo"])
    async with lost(engine) as (service, session):
        sessions = service.sessions
        assert (sessions.active, sessions.active_by_door.total(), service.gate.open) == (0, 0, [])
        assert (sessions.recognizing.total(), engine.open) == (0, 1)
        began_s = asyncio.get_running_loop().time()
        await sessions.drain()
        assert asyncio.get_running_loop().time() - began_s < 0.1
        assert (engine.open, session.sequence, session.settled_ms < 1_000) == (0, 0, True)


@virtual_time_on_sockets
async def test_it_gives_way_where_a_worker_has_too_many() -> None:
    engine = Recognizer(texts=["half a wo"])
    async with lost(engine, stt_max_sessions=2) as (service, session):
        one = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert engine.open == 2
        service.gate.used_ms.clear()
        two = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert session.id not in service.gate.used_ms  # which would count it as open again
        assert (engine.open, service.sessions.active) == (2, 2)
        with pytest.raises(Fault):
            await back(service, session)
        await service.sessions.leave(one)
        await service.sessions.leave(two)
        # It goes on all the same: what was not understood is sent again.
        again = await back(service, session)
        assert (again.sequence, again.from_ms < 1_000) == (0, True)


@virtual_time_on_sockets
async def test_it_gives_way_to_another_session_of_its_key() -> None:
    engine = Recognizer()
    mine = Principal("mine", limits=KeyLimits(sessions=2))
    async with service_of(engine) as service:
        for key, count in ((mine, 2), (mine, 2), (mine, 2), (ANYBODY, 3), (ANYBODY, 4)):
            session = await service.sessions.open(PLAIN, key, door="stream")
            await service.sessions.leave(session)
            await session.next()
            assert engine.open == min(count, len(engine.streams))


@virtual_time_on_sockets
async def test_it_gives_its_recognizer_to_who_is_there() -> None:
    engine = Recognizer(capacity=2)
    async with lost(engine) as (service, session):
        first = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert (engine.open, session.over) == (2, False)
        await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert (engine.open, session.over) == (2, True)
        await service.sessions.leave(first)
        await asyncio.sleep(5)
        assert engine.open == 2
        service.calls["recognizer"] = 1
        await asyncio.sleep(LOOK_S + 0.1)
        assert engine.open == 1


@virtual_time_on_sockets
async def test_who_asks_for_something_else_is_heard_again() -> None:
    engine = Recognizer()
    async with lost(engine) as (service, session):
        asked = replace(PLAIN, session_id=session.id)
        again = await service.sessions.resume(asked, ANYBODY, given=[("language", "fr-FR")])
        assert (again.from_ms < 1_000, engine.streams[0].finalized) == (True, 0)
        assert (engine.current.options.language, engine.open) == ("fr-FR", 1)


@virtual_time_on_sockets
async def test_what_is_understood_while_it_comes_back_is_told_in_order() -> None:
    engine = Recognizer(utterances=False)
    async with lost(engine) as (service, session):
        engine.current.hear("one", final=True)
        await asyncio.sleep(HEARD_S)
        opens, counted = service.gate.open_session, asyncio.Event()

        async def counting(principal: Principal, session_id: str) -> None:
            await counted.wait()
            await opens(principal, session_id)

        service.gate.open_session = counting  # type: ignore[method-assign]
        coming = asyncio.create_task(back(service, session))
        await asyncio.sleep(HEARD_S)
        engine.current.hear("two", final=True)
        await asyncio.sleep(HEARD_S)
        counted.set()
        told = messages(await coming)
        assert [(m["type"], m["sequence"], m.get("text")) for m in told] == [
            ("session_started", 1, None),
            ("transcription", 1, "one"),
            ("transcription", 2, "two"),
        ]


@virtual_time_on_sockets
async def test_who_may_not_come_back_leaves_nothing() -> None:
    async with lost(Recognizer()) as (service, session):

        async def refusing(principal: Principal, session_id: str) -> None:
            raise Fault("too_many_sessions", "end one")

        service.gate.open_session = refusing  # type: ignore[method-assign]
        with pytest.raises(Fault, match="end one"):
            await back(service, session)
        assert (service.engine.open, service.sessions.active) == (0, 0)


@virtual_time_on_sockets
async def test_a_recognizer_that_fails_meanwhile_is_replaced() -> None:
    engine = Recognizer(utterances=False)
    async with lost(engine) as (service, session):
        engine.current.fail(AuthenticationError("recognizer", "the key was refused"))
        await asyncio.sleep(HEARD_S)
        again = await back(service, session)
        assert (again.from_ms, len(engine.streams), engine.open) == (0, 2, 1)


@virtual_time_on_sockets
async def test_where_one_channel_fails_meanwhile_the_other_waits_no_longer() -> None:
    engine = Recognizer(utterances=False)
    split = SessionRequest(channels=2, stereo="split")
    async with lost(engine, LOUD, request=split) as (service, session):
        engine.streams[0].fail(AuthenticationError("recognizer", "the key was refused"))
        await asyncio.sleep(LOOK_S + 0.1)
        assert (session.over, engine.open) == (True, 0)
        again = await back(service, session)
        assert (again.from_ms, engine.open) == (0, 2)


@virtual_time_on_sockets
async def test_who_has_said_all_when_it_comes_back_is_answered() -> None:
    engine = Recognizer(utterances=False, texts=["pressed"])
    async with lost(engine) as (service, session):
        again = await back(service, session)
        await asyncio.sleep(ENDS_S - HEARD_S)
        assert texts(again) == []
        await asyncio.sleep(2 * HEARD_S)
        assert texts(again) == ["pressed"]


@virtual_time_on_sockets
async def test_one_that_waits_no_longer_keeps_no_audio_and_no_messages() -> None:
    async with lost(Recognizer(capacity=1)) as (service, session):
        heard = session._hearing
        await service.sessions.open(PLAIN, ANYBODY, door="stream")
        assert (session.over, session.audio_ms, session.take_all()) == (True, 1_000, [])
        assert session._hearing is not heard


@virtual_time_on_sockets
async def test_one_that_another_worker_took_or_that_was_deleted_waits_no_longer() -> None:
    for deleted in (True, False):
        engine = Recognizer()
        async with lost(engine) as (service, session):
            service.sessions.superseded(session.id, session.generation, deleted)
            await asyncio.sleep(LOOK_S + 0.1)
            assert (engine.open, session.over, session.id in service.gate.open) == (0, True, False)


@virtual_time_on_sockets
async def test_clients_of_other_services_do_not_come_back() -> None:
    async with serving(Recognizer(texts=["last words"])) as service:
        async with service.client(path="/ws/asr-stream") as client:
            await client.websocket.send(b'{"language_code": "en-US"}'.decode())
            session_id = (await client.hear("metadata"))["session_id"]
            await client.send(LOUD)
            await asyncio.sleep(HEARD_S)
            session = service.sessions.get(session_id)
            assert session is not None
            client.websocket.transport.abort()
        await until(lambda: session.over)
        assert session.joined.result("", 0).text == "last words"


async def transcribed(service: Service, cuts: list[int]) -> dict[int, dict[str, Any]]:
    """The finals of a recording whose client is cut off at these times (ms), and comes back."""
    said: dict[int, dict[str, Any]] = {}
    query, sent = "encoding=mulaw", 0
    while True:
        async with service.client(query) as client:
            started = await client.hear()
            sent = ULAW_8K.byte_count(started["audio_ms"])
            stop = ULAW_8K.byte_count(cuts.pop(0)) if cuts else len(SCRIPT.audio)
            while sent < stop:
                await client.send(SCRIPT.audio[sent : sent + PIECE])
                sent += PIECE
                await asyncio.sleep(0.02)
            if sent < len(SCRIPT.audio):
                client.websocket.transport.abort()
            else:
                await client.say("close")
            with suppress(ConnectionClosedError):
                async for text in client.websocket:
                    message = orjson.loads(text)
                    if message.get("is_final"):
                        said[message["sequence"]] = message
            if client.websocket.close_code == 1000:
                return said
        query = f"session_id={started['session_id']}&after={max(said, default=0)}"
        await asyncio.sleep(1)


@virtual_time_on_sockets
async def test_a_client_that_is_lost_again_and_again_hears_every_word_once() -> None:
    words = said_in(SCRIPT)
    cuts = [(begin_ms + end_ms) // 2 for _, begin_ms, end_ms in (words[0], words[2], words[5])]
    async with soniox() as (standin, stt):
        recognizers: Any = Vendors(stt)
        async with serving(recognizers=recognizers) as service:
            said = await transcribed(service, cuts)
        assert len(standin.stt) == 1
    heard = [word for number in sorted(said) for word in said[number]["words"]]
    assert [(w["text"], w["start_ms"], w["end_ms"]) for w in heard] == words
