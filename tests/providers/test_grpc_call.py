from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from media.audio import ULAW_8K
from providers.codec import Close, Frame
from providers.errors import DeadlineError, InvalidResponseError, UnavailableError
from providers.grpc_call import END, ENDED, Call
from providers.stt.google import GoogleRecognizer, GoogleSttCodec
from providers.types import SttOptions
from tests.providers.conformance.reach import SCRIPT
from tests.providers.leaks import nothing_left
from tests.providers.wire import answering
from tests.vendors.google.access import ACCESS
from tests.vendors.google.standin import GoogleStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.virtual_time import virtual_time_on_sockets

SECOND = ULAW_8K.silence(1_000)


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.closes: list[Close] = []
        self.had_room = asyncio.Event()
        self.told = asyncio.Event()

    def received(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.told.set()

    def lost(self, close: Close) -> None:
        self.closes.append(close)
        self.told.set()

    def writable(self) -> None:
        self.had_room.set()


@asynccontextmanager
async def opened(*faults: Fault) -> AsyncIterator[tuple[Call, GoogleSttCodec, Listener]]:
    """A call whose first messages are said."""
    standin = GoogleStandIn(OracleHearing(SCRIPT), faults={"stt": faults})
    # Not inside: who reads nothing does not see that its client leaves.
    async with nothing_left(), standin:
        codec = GoogleRecognizer(**ACCESS.settings(standin)).codec(SttOptions(audio=ULAW_8K))
        listener = Listener()
        call = await codec.request().open("google", listener, deadline_s=2.0)
        assert isinstance(call, Call)
        for frame in codec.opening():
            call.say(frame)
        yield call, codec, listener
        call.drop()


@virtual_time_on_sockets
async def test_calls_follow_one_another() -> None:
    async with opened() as (call, codec, listener):
        for _ in range(3):
            call.say(END)
            await listener.told.wait()
            listener.told.clear()
            for frame in codec.opening():
                call.say(frame)
        assert listener.frames == [ENDED] * 3
        assert call.is_open


@virtual_time_on_sockets
async def test_what_is_said_while_a_call_ends_is_not_the_next_one_s() -> None:
    async with opened() as (call, codec, listener):
        call.say(END)
        call.say(codec.audio(SECOND))
        await listener.told.wait()
        listener.told.clear()
        for frame in (*codec.opening(), END):
            call.say(frame)
        await listener.told.wait()
        assert (listener.frames, listener.closes) == ([ENDED] * 2, [])


@virtual_time_on_sockets
async def test_nothing_is_told_to_who_has_dropped_it() -> None:
    async with opened() as (call, _, listener):
        call.say(END)
        call.drop()
        assert not call.is_open
        call.say(END)
        call.probe()
        await asyncio.sleep(1)
        assert (listener.frames, listener.closes) == ([], [])


@virtual_time_on_sockets
async def test_it_says_when_there_is_no_more_room_and_when_there_is() -> None:
    async with opened() as (call, codec, listener):
        while not call.is_full:
            call.say(codec.audio(SECOND))
        await listener.had_room.wait()
        assert not call.is_full
    async with opened(Fault("deaf", "open")) as (call, codec, _):
        for _ in range(100):
            call.say(codec.audio(SECOND))
            await asyncio.sleep(0.01)
        assert call.is_full


@virtual_time_on_sockets
async def test_a_status_is_what_it_means() -> None:
    async with opened(Fault("error", "audio", 100, code=503)) as (call, codec, listener):
        call.say(codec.audio(SECOND))
        await listener.told.wait()
        (close,) = listener.closes
        assert close.code == 14
        assert isinstance(close.error, UnavailableError)
        assert not call.is_open


@virtual_time_on_sockets
async def test_what_cannot_be_read_is_told() -> None:
    async with opened(Fault("garbage", "audio", 100)) as (call, codec, listener):
        call.say(codec.audio(SECOND))
        await listener.told.wait()
        (close,) = listener.closes
        assert isinstance(close.error, InvalidResponseError)
        assert close.error.retryable


@virtual_time_on_sockets
async def test_an_answer_moves_the_clock() -> None:
    async with opened() as (call, _, _):
        await asyncio.sleep(5)
        before_s = call.heard_s
        call.probe()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert call.heard_s > before_s


@virtual_time_on_sockets
async def test_who_does_not_answer_is_given_up() -> None:
    async def keep_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with nothing_left(), answering(keep_silent) as url:
        vendor = GoogleRecognizer(api_key="the-key", base_url=url.replace("ws:", "http:"))
        opener = vendor.codec(SttOptions(audio=ULAW_8K)).request()
        with pytest.raises(DeadlineError, match=r"2\.0 s"):
            await opener.open("google", Listener(), deadline_s=2.0)
