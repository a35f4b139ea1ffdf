"""Recognition with a vendor that is there, and says nothing more, or never begins to listen."""

from __future__ import annotations

import asyncio

import pytest

from providers.errors import DeadlineError
from tests.providers.leaks import served
from tests.vendors.openai.standin import OpenAiStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import listening, listening_to_openai, said_in, speak

STALL = Fault("stall", "audio", 200)


@pytest.mark.parametrize("is_ended", [False, True])
@virtual_time_on_sockets
async def test_a_vendor_that_does_not_finish_is_asked_again(script: Script, is_ended: bool) -> None:
    async with served(script, STALL) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio)
        if is_ended:
            listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        assert (listener.error, listener.words) == (None, said_in(script))
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_a_vendor_that_never_finishes_is_left_with_what_it_said(script: Script) -> None:
    stall = Fault("stall", "interim", 2_000)
    async with served(script, stall, stall) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:20_000])
        began_s = asyncio.get_running_loop().time()
        await listener.stream.finish()
        await listener.stream.finish()
        await listener.end()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(10, abs=0.3)
        assert len(standin.stt) == 2
    assert listener.error is None
    # Of what was not final the last word is the vendor's best guess.
    assert listener.finals[-1].text.startswith("Hello, this")


@pytest.mark.parametrize("is_ended", [False, True])
@virtual_time_on_sockets
async def test_a_vendor_that_never_says_anything_is_an_error(
    script: Script, is_ended: bool
) -> None:
    """Who else hears the audio may understand it."""
    async with served(script, STALL, STALL) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:20_000])
        if is_ended:
            listener.stream.finalize()
        await listener.stream.finish()
        error = await listener.failure()
        assert (type(error), listener.finals) == (DeadlineError, [])


@virtual_time_on_sockets
async def test_who_is_often_asked_has_to_answer_too(script: Script) -> None:
    async with served(script, STALL) as standin, listening(standin) as listener:
        for at in range(0, len(script.audio), 8_000):
            await speak(listener.stream, script.audio[at:][:8_000])
            listener.stream.finalize()
            assert (len(standin.stt) == 1) == (at < 3 * 8_000)
        await listener.stream.finish()
        await listener.end()
        # Words that an end was asked for in the middle of come in two pieces.
        said = "".join(text for text, _, _ in listener.words)
        assert (listener.error, said) == (None, script.text.replace(" ", ""))
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_a_vendor_that_does_not_begin_to_listen_is_replaced(script: Script) -> None:
    async with OpenAiStandIn(OracleHearing(script)) as standin:
        standin.misbehave(Fault("stall", "open"), service="transcription")
        async with listening_to_openai(standin) as listener:
            await speak(listener.stream, script.audio)
            listener.stream.finalize()
            await listener.stream.finish()
            await listener.end()
            assert [final.text for final in listener.finals] == [script.text]


@virtual_time_on_sockets
async def test_a_vendor_that_never_listens_is_an_error(script: Script) -> None:
    async with OpenAiStandIn(OracleHearing(script)) as standin:
        standin.misbehave(*[Fault("stall", "open")] * 5, service="transcription")
        async with listening_to_openai(standin) as listener:
            began_s = asyncio.get_running_loop().time()
            error = await listener.failure()
            assert isinstance(error, DeadlineError)
            assert "takes no audio" in error.reason
            assert asyncio.get_running_loop().time() - began_s < 8


@virtual_time_on_sockets
async def test_what_was_answered_with_nothing_is_not_sent_again(script: Script) -> None:
    """OpenAI never tells how far it has listened."""
    middle = (script.words[3].end_ms + script.words[4].start_ms) // 2 * 8
    first, second = script.audio[:middle], script.audio[middle:]
    async with OpenAiStandIn(OracleHearing(script)) as standin:
        lost = Fault("reset", "audio", at_ms=len(first) // 8 + 2_500)
        standin.misbehave(lost, service="transcription")
        async with listening_to_openai(standin) as listener:
            for audio in (first, b"\xff" * 16_000, second):
                await speak(listener.stream, audio)
                listener.stream.finalize()
                await asyncio.sleep(0.3)
            await listener.stream.finish()
            await listener.end()
            _, two = standin.records["transcription"]
            assert two.audio_bytes == len(second)
            begun_ms = (len(first) + 16_000) // 8
            assert listener.finals[-1].start_ms == begun_ms
