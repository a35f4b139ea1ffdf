"""Deepgram's streams where its protocols leave something open, on its stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from media.audio import ULAW_8K
from providers.catalog import build_stt
from providers.stt.recognition import Recognition
from providers.types import SttOptions, Transcript
from tests.providers.leaks import nothing_left
from tests.vendors.deepgram.access import ACCESS
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.record import Record
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

SCRIPT = computed_script(["Hello, this is Parley."], pause_ms=2_000)
SAID = [(word.text, word.start_ms, word.end_ms) for word in SCRIPT.words]
SHORT = computed_script(["Ja.", "Nein, danke."], pause_ms=2_100)
PIECE = ULAW_8K.byte_count(100)
OPTIONS = SttOptions(audio=ULAW_8K)
both = pytest.mark.parametrize("name", ACCESS.stt)


@asynccontextmanager
async def opened(
    name: str, *faults: Fault, script: Script = SCRIPT
) -> AsyncIterator[tuple[Recognition, list[Record]]]:
    """A stream, and the connections that it has, which meet the faults."""
    standin = ACCESS.standin(OracleHearing(script), faults={ACCESS.stt[name]: faults})
    async with standin, nothing_left(standin):
        provider = build_stt(name, **ACCESS.settings(standin))
        async with provider.stream(OPTIONS) as stream:
            assert isinstance(stream, Recognition)
            yield stream, standin.records[ACCESS.stt[name]]
        await provider.aclose()


async def speak(stream: Recognition, audio: bytes) -> None:
    for at in range(0, len(audio), PIECE):
        stream.send(audio[at : at + PIECE])
        await asyncio.sleep(0.1)


async def final(stream: Recognition, within_s: float) -> Transcript:
    """The next final transcript, which has to come in time."""
    async with asyncio.timeout(within_s):
        async for event in stream:
            if isinstance(event, Transcript) and event.final:
                return event
    raise AssertionError("no final transcript")


def words(transcript: Transcript) -> list[tuple[str, int, int]]:
    return [(word.text, word.start_ms, word.end_ms) for word in transcript.words]


@both
@virtual_time_on_sockets
async def test_an_end_that_the_vendor_found_first_is_answered_too(name: str) -> None:
    async with opened(name) as (stream, records):
        await speak(stream, SCRIPT.audio)
        assert words(await final(stream, 0.1)) == SAID
        stream.finalize()
        # It says nothing, since there is nothing, and no more audio comes.
        assert (await final(stream, 1.1)).text == ""
        stream.finalize()
        assert (await final(stream, 1.1)).text == ""
        assert len(records) == 1


@both
@virtual_time_on_sockets
async def test_noise_that_was_no_word_is_answered_while_audio_goes_on(name: str) -> None:
    async with opened(name) as (stream, records):
        await speak(stream, ULAW_8K.silence(1_700))
        stream.finalize()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak(stream, ULAW_8K.silence(2_000)))
            assert (await final(stream, 1.2)).text == ""
        assert len(records) == 1


@both
@virtual_time_on_sockets
async def test_a_stream_is_held_without_audio_and_its_times_are_its_own(name: str) -> None:
    async with opened(name) as (stream, records):
        await asyncio.sleep(15)
        middle = SCRIPT.words[0].start_ms // 100 * PIECE
        await speak(stream, SCRIPT.audio[:middle])
        await asyncio.sleep(15)
        await speak(stream, SCRIPT.audio[middle:])
        stream.finalize()
        heard = words(await final(stream, 3.0))
        assert [text for text, _, _ in heard] == [text for text, _, _ in SAID]
        for (_, *times), (_, *true_times) in zip(heard, SAID, strict=True):
            assert times == pytest.approx(true_times, abs=1)
        assert len(records) == 1


@both
@virtual_time_on_sockets
async def test_a_short_answer_is_not_lost_with_a_vendor_that_stalls(name: str) -> None:
    (yes, *_) = SHORT.words
    stall = Fault("stall", "audio", yes.start_ms - 50)
    end = ULAW_8K.byte_count(yes.end_ms + 450)
    async with opened(name, stall, script=SHORT) as (stream, records):
        await speak(stream, SHORT.audio[:end])
        stream.finalize()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak(stream, ULAW_8K.silence(5_000)))
            assert (await final(stream, 4.0)).text == "Ja."
        assert len(records) == 2


@both
@virtual_time_on_sockets
async def test_a_vendor_that_is_slow_answers_late_and_each_end_once(name: str) -> None:
    first, last = (SHORT.words[at].end_ms + 450 for at in (0, -1))
    slow = Fault("slow", "open", delay_ms=1_300)
    audio = SHORT.audio + ULAW_8K.silence(4_000)
    async with opened(name, slow, script=SHORT) as (stream, records):
        heard: list[str] = []
        at = 0
        async with asyncio.TaskGroup() as tasks:
            for end in (ULAW_8K.byte_count(first), ULAW_8K.byte_count(last), len(audio)):
                speaking = tasks.create_task(speak(stream, audio[at:end]))
                if at:
                    heard.append((await final(stream, 3.0)).text)
                await speaking
                at = end
                if end < len(audio):
                    stream.finalize()
        assert heard == ["Ja.", "Nein, danke."]
        assert len(records) == 1
