"""What goes wrong on command."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from urllib.parse import urlsplit

import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from tests.background import until
from tests.vendors.speech.faults import GARBAGE, Fault, Garbage
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script

from .standin import SonioxStandIn
from .talking import CONFIG, FINALIZE, Talk, talking, text_of, tokens_of

WHOLE = "Hello, this is Parley.<end> How may I help you today?<end>"


async def whole(standin: SonioxStandIn, audio: bytes) -> str:
    """What an undisturbed client understands."""
    async with talking(standin.stt_url, CONFIG, audio, "") as talk:
        return text_of(await talk.rest())


async def test_each_connection_meets_the_next_fault(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("refuse"), Fault("behave"), Fault("denied"), Fault("busy"))
    with pytest.raises((InvalidMessage, ConnectionResetError)):
        await whole(standin, script.audio)
    assert await whole(standin, script.audio) == WHOLE
    for status in (401, 503):
        with pytest.raises(InvalidStatus) as refused:
            await whole(standin, script.audio)
        assert refused.value.response.status_code == status
    assert await whole(standin, script.audio) == WHOLE
    await standin.until(lambda: [r.ended.is_set() for r in standin.stt] == [True] * 5)


async def test_nobody_may_be_listening(standin: SonioxStandIn, script: Script) -> None:
    async with talking(standin.stt_url, CONFIG) as talk:
        standin.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await whole(standin, script.audio)
        await talk.say(script.audio, "")
        assert text_of(await talk.rest()) == WHOLE
    await standin.listen()
    assert await whole(standin, script.audio) == WHOLE


async def broken(standin: SonioxStandIn, script: Script, fault: Fault) -> list[Json]:
    """What was said to a client before this reset its connection."""
    standin.misbehave(fault)
    async with talking(standin.stt_url, CONFIG) as talk:
        with contextlib.suppress(ConnectionClosed):
            await talk.say(script.audio, "")
        await talk.rest()
        assert talk.close_code == 1006
    (record,) = standin.stt
    assert record.fault is fault
    return list(record.answers)


@pytest.mark.parametrize(("at_ms", "told_ms"), [(0, 0), (1234.5, 1200), (3000, 2900)])
async def test_a_connection_breaks_at_a_byte(
    standin: SonioxStandIn, script: Script, at_ms: float, told_ms: int
) -> None:
    messages = await broken(standin, script, Fault("reset", at_ms=at_ms))
    assert max((m["total_audio_proc_ms"] for m in messages), default=0) == told_ms


async def test_a_connection_breaks_in_a_word(standin: SonioxStandIn, script: Script) -> None:
    messages = await broken(standin, script, Fault("reset", "word", at_ms=2_600))
    # That is in the pause between the sentences.
    first = script.words[4]
    assert first.start_ms - 100 < messages[-1]["total_audio_proc_ms"] < first.start_ms


async def test_a_connection_breaks_between_interim_and_final(
    standin: SonioxStandIn, script: Script
) -> None:
    messages = await broken(standin, script, Fault("reset", "interim"))
    assert tokens_of(messages) == []
    assert [bool(message["tokens"]) for message in messages[-2:]] == [False, True]


async def test_a_connection_breaks_between_a_final_and_its_delivery(
    standin: SonioxStandIn, script: Script
) -> None:
    messages = await broken(standin, script, Fault("reset", "final", at_ms=2_000))
    async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
        undisturbed = await talk.rest()
    before = len(messages)
    assert text_of(messages) == text_of(undisturbed[:before])
    assert text_of(messages) != text_of(undisturbed[: before + 1])


async def test_a_connection_breaks_when_all_was_sent(
    standin: SonioxStandIn, script: Script
) -> None:
    messages = await broken(standin, script, Fault("reset", "finish"))
    assert messages[-1]["total_audio_proc_ms"] == len(script.audio) // 8
    assert "finished" not in messages[-1]


async def test_a_stream_ends_with_an_error(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(
        Fault("error", at_ms=500), Fault("error", "finish", 0, 401, "unauthenticated")
    )
    for code, error_type, told_ms in (
        (503, "service_unavailable", 400),
        (401, "unauthenticated", len(script.audio) // 8),
    ):
        async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
            *others, error = await talk.rest()
        assert (error["error_code"], error["error_type"]) == (code, error_type)
        assert others[-1]["total_audio_proc_ms"] == told_ms
        assert talk.close_code == 1000


async def test_a_stream_is_closed_and_not_finished(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("close"), Fault("close", "finish"), Fault("close", code=1011))
    for code in (1000, 1000, 1011):
        async with talking(standin.stt_url, CONFIG) as talk:
            with contextlib.suppress(ConnectionClosed):
                await talk.say(script.audio, "")
            assert all("finished" not in message for message in await talk.rest())
            assert talk.close_code == code


async def test_a_stream_stalls(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("stall", at_ms=100))
    async with talking(standin.stt_url, CONFIG, script.audio, "", FINALIZE) as talk:
        (record,) = standin.stt
        await until(lambda: len(record.received) == 4)  # it reads
        await talk.socket.ping()
    assert list(record.answers) == []
    await standin.until(record.ended.is_set)


async def test_a_stream_is_not_read(standin: SonioxStandIn) -> None:
    standin.misbehave(Fault("deaf"))
    async with talking(standin.stt_url, CONFIG) as talk:
        with pytest.raises(TimeoutError):
            await flood(talk)
        (record,) = standin.stt
        assert len(record.received) == 1
        talk.socket.transport.abort()


async def flood(talk: Talk) -> None:
    """Send until nothing more goes."""
    async with asyncio.timeout(0.2):
        while True:
            await talk.say(bytes(1_000_000))


@pytest.mark.parametrize("kind", GARBAGE)
async def test_a_message_makes_no_sense(
    standin: SonioxStandIn, script: Script, kind: Garbage
) -> None:
    standin.misbehave(Fault("garbage", at_ms=500, garbage=kind))
    async with talking(standin.stt_url, CONFIG, script.audio, "", max_size=None) as talk:
        frames = [frame async for frame in talk.socket]
    assert frames[4] == GARBAGE[kind]
    assert text_of(orjson.loads(frame) for frame in frames[:4] + frames[5:]) == WHOLE


async def test_tokens_are_held_back(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("hold"))
    async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
        messages = await talk.rest()
    assert all(not message["tokens"] for message in messages[:-2])
    assert text_of(messages) == WHOLE


async def test_tokens_trickle_in_after_the_end(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("trickle", delay_ms=1))
    end = script.words[1].end_ms * 8
    async with talking(standin.stt_url, CONFIG, script.audio[:end], "") as talk:
        messages = await talk.rest()
    assert text_of(messages) == "Hello, this"
    assert [len(tokens_of([message])) for message in messages[-4:]] == [1, 1, 1, 0]
    assert [message.get("finished") for message in messages[-2:]] == [None, True]


async def test_messages_are_slow(standin: SonioxStandIn, script: Script) -> None:
    standin.misbehave(Fault("slow", delay_ms=80))
    began_s = time.monotonic()
    async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
        messages = await talk.rest()
    (record,) = standin.stt
    assert text_of(messages) == WHOLE
    # Nothing waited for the message before it: that would have taken 5 s.
    assert record.sent[0].at_s - began_s > 0.08
    assert record.sent[-1].at_s - record.sent[0].at_s < 1
    assert record.received[-1].at_s < record.sent[0].at_s


async def test_a_client_that_does_not_read_is_left(script: Script) -> None:
    huge = Fault("garbage", garbage="huge")
    async with SonioxStandIn(OracleHearing(script), send_s=0.05, stt_faults=[huge]) as standin:
        async with talking(standin.stt_url, sock=_narrow(standin)) as talk:
            talk.socket.transport.pause_reading()
            await talk.say(CONFIG)
            await standin.until(lambda: standin.stt[0].ended.is_set())
            talk.socket.transport.resume_reading()
            with pytest.raises(ConnectionClosed):
                await talk.socket.recv()
        assert standin.stt[0].complaints == ["the client does not read"]


def _narrow(standin: SonioxStandIn) -> socket.socket:
    """A connection into which little goes unread."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", urlsplit(standin.stt_url).port))
    return narrow
