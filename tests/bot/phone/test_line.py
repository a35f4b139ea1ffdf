"""One stream on a real socket: counters, marks, clears, faults, endings."""

from __future__ import annotations

import asyncio
import base64
import time
from itertools import pairwise
from typing import get_args

import pytest

from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import Clip
from bot.phone.events import EventKind, PhoneEvent
from bot.phone.result import CallResult
from bot.phone.steps import Lose, LossKind, Play, Press, Step, Wait, WaitForBot
from tests.background import until

from .sounds import quiet, tone
from .worker_stub import TOKEN, StubStream, StubWorker, Talk, running_worker

SPEED = 5.0
CLIP = Clip("clip", tone(200))


async def call(
    talk: Talk, *steps: Step, events: list[PhoneEvent] | None = None, speed: float = SPEED
) -> tuple[CallResult, StubWorker]:
    async with running_worker() as worker:
        worker.talk = [talk]
        config = PhoneConfig(worker.url, TOKEN, speed=speed)
        on_event = None if events is None else events.append
        return await place_call(config, steps, on_event=on_event), worker


async def to_the_end(stream: StubStream) -> None:
    while await stream.next() is not None:
        pass


async def test_messages_and_their_counters() -> None:
    result, worker = await call(to_the_end, Wait(60), Play(CLIP), Press("5"))
    (stream,) = worker.streams
    kinds = [message["event"] for message in stream.messages]
    assert kinds[:2] == ["connected", "start"]
    assert kinds[-1] == "stop"
    assert stream.messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start, numbered = stream.messages[1], stream.messages[1:]
    assert start["start"]["callSid"] == result.call_sid
    assert start["start"]["mediaFormat"] == {
        "encoding": "audio/x-mulaw",
        "sampleRate": 8000,
        "channels": 1,
    }
    assert [message["sequenceNumber"] for message in numbered] == [
        str(number) for number in range(1, len(numbered) + 1)
    ]
    media = [message["media"] for message in stream.of("media")]
    assert [frame["chunk"] for frame in media] == [str(n + 1) for n in range(len(media))]
    assert [frame["timestamp"] for frame in media] == [str(20 * n) for n in range(len(media))]
    audio = b"".join(base64.b64decode(frame["payload"]) for frame in media)
    assert audio == quiet(60) + CLIP.audio + quiet(200) == bytes(result.tape.caller)
    assert result.traffic.frames_sent == len(media) == 23
    (key,) = stream.of("dtmf")
    assert key["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert numbered[-1]["stop"] == {
        "accountSid": start["start"]["accountSid"],
        "callSid": result.call_sid,
    }
    assert [step.span.start_ms for step in result.tape.steps] == [60]
    assert [step.span.end_ms for step in result.tape.steps] == [260]


async def test_frames_are_sent_on_an_absolute_clock() -> None:
    async def talk(stream: StubStream) -> None:
        await stream.frames(10)
        time.sleep(0.2)  # noqa: ASYNC251 - the phone is late, as on a busy machine
        await to_the_end(stream)

    loop = asyncio.get_running_loop()
    began = loop.time()
    result, _ = await call(talk, Wait(4_000))
    took_s = loop.time() - began
    late_ms = result.traffic.late_ms
    assert len(late_ms) == 201
    assert min(late_ms) >= 0
    assert took_s >= 4.0 / SPEED
    assert result.duration_s >= 4.0
    # Frames that come late do not make later ones late.
    assert max(late_ms[:100]) > 150
    assert min(late_ms[100:]) < 150


async def test_marks_come_back_when_the_audio_before_them_was_played() -> None:
    echoes: list[tuple[str, int]] = []

    async def talk(stream: StubStream) -> None:
        await stream.mark("at once")
        await stream.media(tone(300))
        await stream.mark("one")
        await stream.media(tone(200))
        await stream.mark("two")
        await stream.mark("three")
        while (message := await stream.next()) is not None:
            if message["event"] == "mark":
                echoes.append((message["mark"]["name"], len(stream.of("media")) * 20))

    result, _ = await call(talk, Wait(800), speed=1.0)  # its times are asserted
    assert [name for name, _ in echoes] == ["at once", "one", "two", "three"]
    at_once, one, two, three = (at_ms for _, at_ms in echoes)
    late_ms = max(result.traffic.late_ms)
    assert at_once <= 60 + late_ms
    assert 280 - late_ms <= one - at_once <= 400 + late_ms
    assert two == three
    assert 180 - late_ms <= two - one <= 240 + late_ms
    assert (result.traffic.marks_sent, result.traffic.marks_echoed) == (4, 4)
    assert result.traffic.frames_received == 2
    played = bytes(result.tape.bot).strip(b"\xff")
    assert played == (tone(300) + tone(200)).strip(b"\xff")


async def test_clear_drops_audio_and_returns_the_marks() -> None:
    async def talk(stream: StubStream) -> None:
        await stream.media(tone(1_000))
        await stream.mark("one")
        await stream.media(tone(1_000))
        await stream.mark("two")
        await stream.frames(20)
        await stream.clear()
        await stream.media(tone(100, hz=900.0))
        await stream.mark("after")
        await to_the_end(stream)

    events: list[PhoneEvent] = []
    result, worker = await call(talk, Wait(1_500), events=events, speed=1.0)  # as above
    late_ms = max(result.traffic.late_ms)
    (clear,) = result.tape.clears
    assert clear.played_bytes + clear.dropped_bytes == 16_000
    assert 300 - late_ms <= clear.played_bytes / 8 <= 600 + late_ms
    names = [message["mark"]["name"] for message in worker.streams[0].of("mark")]
    assert names == ["one", "two", "after"]
    assert result.tape.marks_ms[0] >= clear.at_ms
    assert result.tape.marks_ms[1] - clear.at_ms < 40 + late_ms
    # What was played up to the clear is the beginning of what was sent, and then the rest.
    at = round(clear.at_ms * 8)
    before = bytes(result.tape.bot[: at + 8]).lstrip(b"\xff")
    assert tone(1_000).lstrip(b"\xff").startswith(before[: clear.played_bytes - 160])
    assert tone(100, hz=900.0).strip(b"\xff") in bytes(result.tape.bot[at - 8 :])
    told = [event.kind for event in events]
    assert told.index(EventKind.CLEAR) < told.index(EventKind.BOT_STOPPED)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00\x01", 31950),
        ("no JSON", 31951),
        ('{"event":"media","streamSid":"MZ0","media":{"payload":""}}', 31951),
        ('{"event":"clear","streamSid":"SID","sequenceNumber":"1"}', 31951),
        ('{"event":"media","streamSid":"SID","media":{"payload":"","track":"inbound"}}', 31951),
        ('{"event":"mark","streamSid":"SID","mark":{}}', 31951),
        ('{"event":"stop","streamSid":"SID"}', 31951),
    ],
)
async def test_what_twilio_would_not_take_is_reported(frame: str | bytes, code: int) -> None:
    async def talk(stream: StubStream) -> None:
        if isinstance(frame, bytes):
            await stream.ws.send_bytes(frame)
        else:
            await stream.ws.send_text(frame.replace("SID", stream.sid))
        await stream.mark("still there")
        await stream.until("mark")

    events: list[PhoneEvent] = []
    result, _ = await call(talk, Wait(60_000), events=events)
    assert [fault.code for fault in result.faults] == [code]
    assert result.failed
    assert result.traffic.marks_echoed == 1
    assert EventKind.FAULT in [event.kind for event in events]


async def test_the_same_fault_in_every_message_is_kept_a_hundred_times() -> None:
    async def talk(stream: StubStream) -> None:
        for _ in range(150):
            await stream.ws.send_text("{}")
        await stream.mark("all of them")
        await stream.until("mark")

    result, _ = await call(talk, Wait(60_000))
    assert len(result.faults) == 100


async def test_the_bots_speech_is_told_live() -> None:
    async def talk(stream: StubStream) -> None:
        await stream.frames(10)
        await stream.media(tone(400))
        await to_the_end(stream)

    events: list[PhoneEvent] = []
    await call(talk, WaitForBot(), Play(CLIP), events=events)
    told = [event for event in events if event.kind is not EventKind.VERB]
    assert [event.kind for event in told] == [
        EventKind.STREAM_STARTED,
        EventKind.BOT_STARTED,
        EventKind.BOT_STOPPED,
        EventKind.STEP_STARTED,
        EventKind.STEP_ENDED,
        EventKind.STREAM_ENDED,
        EventKind.ENDED,
    ]
    assert all(one.at_ms <= other.at_ms for one, other in pairwise(told))


async def test_audio_is_discarded_when_the_worker_does_not_read() -> None:
    read_on = asyncio.Event()

    async def talk(stream: StubStream) -> None:
        await read_on.wait()

    def on_event(event: PhoneEvent) -> None:
        if event.kind in {EventKind.FAULT, EventKind.STREAM_ENDED}:
            read_on.set()

    async with running_worker() as worker:
        worker.talk = [talk]
        config = PhoneConfig(worker.url, TOKEN, speed=1_000.0)
        result = await place_call(config, [Wait(600_000)], on_event=on_event)
    assert [fault.code for fault in result.faults] == [31930]
    # What was discarded was spoken all the same.
    assert result.traffic.frames_sent * 160 < len(result.tape.caller)


@pytest.mark.parametrize("how", get_args(LossKind))
async def test_a_lost_stream_leaves_the_call_alive(how: LossKind) -> None:
    ends: list[int] = []

    async def talk(stream: StubStream) -> None:
        await to_the_end(stream)
        ends.append(len(stream.of("stop")))

    async with running_worker() as worker:
        worker.talk = [talk]
        connect = worker.connect(more="<Redirect>/twilio/again</Redirect>")
        worker.documents["/twilio/next"] = [connect, "<Response/>"]
        worker.documents["/twilio/again"] = [connect]
        steps: list[Step] = [Play(CLIP), Lose(how), Wait(40), Play(CLIP)]
        config = PhoneConfig(worker.url, TOKEN, speed=20.0 if how == "silence" else 10.0)
        events: list[PhoneEvent] = []
        result = await place_call(config, steps, on_event=events.append)
    assert ends == [0, 1]
    assert result.faults == ()
    assert result.ended.by == "caller"
    assert result.traffic.streams == 2
    assert worker.about("/twilio/next")[0]["CallStatus"] == "in-progress"
    # The action follows the loss, and the next verb a handshake that fails.
    failing = {"refused": "31902", "timeout": "31901"}.get(how)
    assert worker.paths().count("/twilio/again") == (failing is not None)
    told = [event.detail.partition(":")[0] for event in events if event.kind is EventKind.FAULT]
    assert told == [failing] * (failing is not None)
    first, second = result.tape.steps
    (gap,) = result.gaps
    assert gap.cause == f"the phone dropped it: {how}"
    assert gap.to_stream_ms is not None
    lasts_ms = Lose(how).lasts_ms
    assert gap.to_stream_ms > lasts_ms
    assert second.span.start_ms - first.span.end_ms >= lasts_ms
    # Both streams are on one clock and one grid of frames, and each counts for itself.
    assert second.span.start_ms % 20 == 0
    assert len(result.tape.caller) // 8 == second.span.end_ms
    for stream in worker.streams:
        media = [message["media"] for message in stream.of("media")]
        assert (media[0]["chunk"], media[0]["timestamp"]) == ("1", "0")
    assert bytes(result.tape.caller[: 8 * 200]) == CLIP.audio


async def test_a_worker_that_dies_is_a_broken_pipe() -> None:
    async with running_worker() as worker:

        async def talk(stream: StubStream) -> None:
            # Else this callback may break as well.
            await until(lambda: "/twilio/stream" in worker.paths())
            await stream.frames(5)
            worker.served.abort_connections()

        worker.talk = [talk]
        result = await place_call(PhoneConfig(worker.url, TOKEN, speed=SPEED), [Wait(60_000)])
    assert [fault.code for fault in result.faults] == [31903]
    # It goes on as after a close.
    assert "/twilio/next" in worker.paths()
    events = [params["StreamEvent"] for params in worker.about("/twilio/stream")]
    assert events == ["stream-started", "stream-error"]
    assert worker.about("/twilio/stream")[1]["StreamError"] == "the connection broke"


async def test_frames_that_are_no_websocket_are_a_protocol_error() -> None:
    async with running_worker() as worker:

        async def talk(stream: StubStream) -> None:
            for connection in list(worker.served.server.server_state.connections):
                connection.transport.write(b"\xff\xff\xff")
            await to_the_end(stream)

        worker.talk = [talk]
        result = await place_call(PhoneConfig(worker.url, TOKEN, speed=SPEED), [Wait(60_000)])
    assert [fault.code for fault in result.faults] == [31924]
