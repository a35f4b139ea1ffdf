"""Audio that stops without silence: a button is let go, a microphone muted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.api.stt import lull as lull_module
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunks import Chunk, ChunkStore
from bot.api.stt.intake import Intakes
from bot.api.stt.lull import FADES, LATE_S, MOST_PIECE_S, SLACK_S, Lull
from bot.api.stt.posting import Posting
from bot.api.stt.wakes import Wakes
from media.audio import PCM16_16K
from tests.background import eventually, running
from tests.bot.engines import Recognizer
from tests.virtual_time import VirtualTimeLoop, virtual_time, virtual_time_on_sockets

from .served import ANYBODY, LOUD, QUIET, Client, service_of, serving

SILENCE_MS = SessionRequest().silence_ms
ENDS_S = SILENCE_MS / 1000 + SLACK_S
PIECE = PCM16_16K.byte_count(100)
ENGLISH = b'{"language_code": "en-US"}'


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def speak(client: Client, audio: bytes) -> float:
    """Send audio as it is spoken; gives when the last of it was sent."""
    for at in range(0, len(audio), PIECE):
        await asyncio.sleep(0.1)
        await client.send(audio[at : at + PIECE])
    return now_s()


@virtual_time_on_sockets
@pytest.mark.parametrize("utterances", [True, False])
async def test_an_utterance_ends_with_the_audio(utterances: bool) -> None:
    engine = Recognizer(texts=["one", "two", "three"], utterances=utterances)
    async with serving(engine) as service, service.client() as client:
        await client.hear("session_started")
        for text in ("one", "two"):
            last_s = await speak(client, LOUD)
            final = await client.hear()
            assert (final["text"], final["is_final"]) == (text, True)
            assert now_s() - last_s == pytest.approx(ENDS_S + 0.2, abs=0.1)
        # Nothing more is asked for while nothing comes, and what comes then is heard as ever.
        await asyncio.sleep(20)
        assert engine.current.finalized == 2
        last_s = await speak(client, LOUD + QUIET)
        final = await client.hear()
        assert (final["text"], final["is_final"]) == ("three", True)
        assert now_s() - last_s < 0.2
        await client.say("close")
        ended = await client.hear()
        assert (ended["text"], ended["audio_ms"]) == ("one two three", 4_000)
        assert engine.current.audio.count(LOUD[:2]) * 2 == 3 * len(LOUD)


@virtual_time_on_sockets
async def test_what_was_shown_is_made_final() -> None:
    """Words that the recognizer hears and the voice activity does not."""
    engine = Recognizer(utterances=False, texts=["whispered"])
    async with serving(engine) as service, service.client() as client:
        await client.hear("session_started")
        await speak(client, QUIET)
        engine.current.hear("whisp")
        assert not (await client.hear())["is_final"]
        final = await client.hear()
        assert (final["text"], final["is_final"]) == ("whispered", True)


@virtual_time_on_sockets
async def test_a_network_that_stalls_cuts_no_word() -> None:
    engine = Recognizer(texts=["whole"])
    async with serving(engine) as service, service.client() as client:
        await client.hear("session_started")
        await speak(client, LOUD)
        await asyncio.sleep(ENDS_S - 0.1)
        await speak(client, LOUD + QUIET)
        assert (await client.hear())["text"] == "whole"
        assert engine.current.finalized == 1


@virtual_time_on_sockets
async def test_silence_asks_for_nothing() -> None:
    engine = Recognizer()
    async with service_of(engine) as service:
        session = await service.sessions.open(SessionRequest(), ANYBODY, door="stream")
        await session.send(QUIET)
        await asyncio.sleep(10)
        assert engine.current.finalized == 0
        await session.send(LOUD)
        session.finalize()  # of which the lull need not be told
        await asyncio.sleep(10)
        assert engine.current.finalized == 1
        await service.sessions.leave(session)


@virtual_time_on_sockets
async def test_a_recognizer_that_takes_no_more_is_no_lull() -> None:
    engine = Recognizer(texts=["one", "two"], delay_s=30.0)
    async with service_of(engine) as service:
        session = await service.sessions.open(SessionRequest(), ANYBODY, door="stream")
        await session.send(LOUD + QUIET)
        sending = asyncio.create_task(session.send(LOUD))
        await asyncio.sleep(20)
        assert (sending.done(), engine.current.finalized) == (False, 1)
        await sending
        await asyncio.sleep(10)
        assert engine.current.finalized == 2
        await service.sessions.leave(session)


@virtual_time_on_sockets
async def test_at_the_door_of_other_services() -> None:
    engine = Recognizer(texts=["pressed"])
    async with serving(engine) as service, service.client(path="/ws/asr-stream") as client:
        await client.websocket.send(ENGLISH.decode())
        await client.hear("metadata")
        last_s = await speak(client, LOUD)
        said = await client.hear()
        assert (said["text"], said["is_final"]) == ("pressed", True)
        assert now_s() - last_s == pytest.approx(ENDS_S + 0.2, abs=0.1)
        assert (await client.hear())["type"] == "complete"
        assert now_s() - last_s == pytest.approx(service.settings.stt_end_s, abs=0.1)


async def test_in_chunks(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lull_module, "SLACK_S", 0.05)
    asked = SessionRequest(silence_ms=100)
    engine = Recognizer(texts=["one", "two"])
    async with service_of(engine, redis_url=redis_url, prefix=redis_prefix) as service:
        wakes, chunks = Wakes(), ChunkStore(service.store)
        intakes = Intakes(service.store, wakes)
        posting: Any = Posting(chunks, service.sessions, intakes, wakes, service.inbox.send)
        async with running(intakes.run()):
            loud = LOUD[: 2 * PIECE]
            answer = await posting.post(asked, Chunk(0, loud, False, b"0", False), ANYBODY)
            session_id = answer["session_id"]

            async def understood() -> bool:
                shown = await service.store.show(session_id, ANYBODY.key_id)
                return shown is not None and (shown.text, shown.ended) == ("one", "")

            await eventually(understood)  # without another word of its client
            again = SessionRequest(session_id=session_id)
            last = Chunk(1, loud, True, b"1", False)
            answer = await posting.post(again, last, ANYBODY)
            assert answer["transcript"]["text"] == "one two"


# The timer


@virtual_time
async def test_long_pieces_are_waited_for() -> None:
    lulls: list[float] = []
    lull = Lull(lambda: lulls.append(now_s()))
    began_s = now_s()
    for _ in range(4):
        lull.came(5_000, 0, SILENCE_MS)
        await asyncio.sleep(5)  # as long as the next one is spoken
    lull.came(0, 0, SILENCE_MS)
    await asyncio.sleep(60)
    assert [at_s - began_s for at_s in lulls] == [pytest.approx(20 + ENDS_S + 5 * FADES)]


@virtual_time
async def test_who_was_held_up_or_sends_very_long_pieces_is_not_waited_for_as_long() -> None:
    lulls: list[float] = []
    lull = Lull(lambda: lulls.append(now_s()))
    for piece_ms, took_s in ((20_000, 25), (20_000, 0)):
        began_s = now_s()
        lull.came(piece_ms, took_s, SILENCE_MS)
        await asyncio.sleep(60)
        lulls[-1] -= began_s
    assert lulls == [pytest.approx(ENDS_S), pytest.approx(ENDS_S + MOST_PIECE_S)]


@virtual_time
async def test_one_timer_sees_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, armed = asyncio.get_running_loop(), 0
    call_at = loop.call_at

    def counting(*args: Any, **options: Any) -> asyncio.TimerHandle:
        nonlocal armed
        armed += 1
        return call_at(*args, **options)

    lull = Lull(lambda: None)
    monkeypatch.setattr(lull_module, "SLACK_S", 1.0)
    handles = []
    for _ in range(500):
        monkeypatch.setattr(loop, "call_at", counting)
        lull.came(20, 0, SILENCE_MS)
        monkeypatch.setattr(loop, "call_at", call_at)
        handles.append(lull._timer)
        await asyncio.sleep(0.02)
    assert armed == 1
    assert len(set(handles)) < 10
    lull.close()
    lull.close()
    assert lull._timer is None


@virtual_time
async def test_a_worker_that_was_frozen_reads_first_what_has_come() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    lulls: list[float] = []
    lull = Lull(lambda: lulls.append(now_s()))
    lull.came(0, 0, SILENCE_MS)
    loop.stall(ENDS_S + 2 * LATE_S)
    await asyncio.sleep(SLACK_S / 2)
    assert lulls == []
    await asyncio.sleep(SLACK_S)
    assert len(lulls) == 1
