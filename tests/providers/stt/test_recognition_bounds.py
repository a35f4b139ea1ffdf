"""What a recognition keeps while nobody takes it: bounded, and never in the other half's way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from media.audio import ULAW_8K
from providers.errors import DeadlineError, ProviderError
from providers.types import Transcript
from tests.providers.leaks import served
from tests.providers.wire import PONG, answering, text_frame, upgrade
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import opened, speak, unheard


@virtual_time_on_sockets
async def test_audio_that_nobody_takes_is_bounded(script: Script) -> None:
    async with served(script, Fault("reset")) as standin, opened(standin) as stream:
        await standin.stt[0].ended.wait()
        await asyncio.sleep(1)
        # Nobody iterates, so nobody connects again.
        with pytest.raises(DeadlineError, match="30 s of audio"):
            await speak(stream, ULAW_8K.silence(31_000))
        with pytest.raises(DeadlineError, match="30 s of audio"):
            stream.send(b"\xff")
        with pytest.raises(DeadlineError, match="30 s of audio"):
            await anext(stream)


@virtual_time_on_sockets
async def test_who_reads_late_gets_all_that_is_final(script: Script) -> None:
    async with served(script) as standin, opened(standin) as stream:
        await speak(stream, script.audio)
        await stream.finish()
        await standin.stt[0].ended.wait()
        events = [event async for event in stream]
    finals = [event for event in events if isinstance(event, Transcript)]
    assert all(transcript.final for transcript in finals)
    assert " ".join(transcript.text for transcript in finals) == script.text


@virtual_time_on_sockets
async def test_audio_that_is_too_old_to_be_sent_again_is_told() -> None:
    stays_s = iter([40.0, 60.0])

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        with suppress(TimeoutError):
            async with asyncio.timeout(next(stays_s)):
                while await reader.read(100_000):
                    writer.write(PONG)

    async with answering(vendor) as url, unheard(url) as stream:
        waiting = asyncio.create_task(anext(stream))
        with capture_logs() as logs:
            await speak(stream, ULAW_8K.silence(45_000))
        waiting.cancel()
        assert stream.reconnections == 1
    (lost,) = (entry for entry in logs if entry["event"] == "audio was lost with a connection")
    assert lost["lost_ms"] == pytest.approx(10_000, abs=300)


@virtual_time_on_sockets
async def test_a_flood_of_messages_does_not_stop_the_audio() -> None:
    taken = asyncio.Event()

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def take() -> None:
            while await reader.readexactly(1_000):
                taken.set()

        writer.write(await upgrade(reader))
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(take())
            while not taken.is_set():
                writer.write(text_frame('{"tokens":[],"total_audio_proc_ms":0}') * 50)
                await writer.drain()
                await asyncio.sleep(0)
            taking.cancel()
        await reader.read(-1)

    async with answering(vendor) as url, unheard(url) as stream:
        reading = asyncio.create_task(anext(stream))
        for _ in range(200):
            stream.send(ULAW_8K.silence(100))
            await asyncio.sleep(0)
        assert taken.is_set()
        reading.cancel()


@virtual_time_on_sockets
async def test_what_nobody_reads_is_bounded() -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader))
        await asyncio.sleep(1)
        word = '{"tokens":[{"text":" a","is_final":true},{"text":"<end>","is_final":true}]}'
        writer.write(text_frame(word) * 501)
        await reader.read(-1)

    async with answering(vendor) as url, unheard(url) as stream:
        await asyncio.sleep(2)
        with pytest.raises(ProviderError, match="nobody reads"):
            stream.finalize()
        # What there was is still given.
        assert isinstance(await anext(stream), Transcript)
