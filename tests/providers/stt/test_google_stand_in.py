"""Google's recognizer against the stand-in: how calls follow one another, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from structlog.testing import capture_logs

from media.audio import ULAW_8K
from providers.stt.google import GoogleRecognizer, GoogleSttCodec
from providers.stt.streaming import StreamingStt
from providers.types import EndOfTurn, SttEvent, SttOptions, SttStream, Transcript
from tests.providers.conformance.caller import said_in, words_of
from tests.providers.conformance.reach import SCRIPT
from tests.providers.leaks import nothing_left
from tests.vendors.google.access import ACCESS
from tests.vendors.google.limits import Limits
from tests.vendors.google.standin import GoogleStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

FRAME_MS = 500
LASTS_S = 20.0
WORD_S = 0.335
MORE_S = 20.0
"""So long, as the engine has it, a pause is waited for."""


class Hurried(GoogleRecognizer):
    """One whose connections are old sooner; the command `long_streams` has time for others."""

    def codec(self, options: SttOptions) -> GoogleSttCodec:
        codec = super().codec(options)
        codec.lasts_s = LASTS_S
        return codec


class Listener:
    """Notes what comes of a stream."""

    def __init__(self) -> None:
        self.events: list[SttEvent] = []

    @property
    def words(self) -> list[str]:
        texts = [event.text for event in self.events if isinstance(event, Transcript)]
        return words_of(" ".join(texts))

    @property
    def turns(self) -> int:
        return sum(isinstance(event, EndOfTurn) for event in self.events)

    async def listen(self, stream: SttStream) -> None:
        async for event in stream:
            if not isinstance(event, Transcript) or event.final:
                self.events.append(event)


@asynccontextmanager
async def heard(
    script: Script,
    vendor: type[GoogleRecognizer] = GoogleRecognizer,
    account: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[GoogleStandIn, SttStream, Listener]]:
    """A stream to a stand-in that knows a script; leaving it finishes the stream."""
    async with GoogleStandIn(OracleHearing(script), **options) as standin, nothing_left(standin):
        settings = {**ACCESS.settings(standin), **(account or {})}
        recognizer = StreamingStt(vendor(**settings))
        listener = Listener()
        async with recognizer.stream(SttOptions(audio=ULAW_8K)) as stream:
            listening = asyncio.create_task(listener.listen(stream))
            yield standin, stream, listener
            await stream.finish()
            await listening
        await recognizer.aclose()


async def say(stream: SttStream, audio: bytes) -> None:
    size = ULAW_8K.byte_count(FRAME_MS)
    for at in range(0, len(audio), size):
        stream.send(audio[at : at + size])
        await asyncio.sleep(FRAME_MS / 1000)


def monologue(seconds: float) -> Script:
    """So much speech without a pause."""
    return computed_script([" ".join(f"n{word:03d}" for word in range(round(seconds / WORD_S)))])


@virtual_time_on_sockets
async def test_calls_follow_one_another_on_one_connection() -> None:
    async with heard(SCRIPT) as (standin, stream, listener):
        await say(stream, SCRIPT.audio)
        stream.finalize()
        stream.finalize()  # nothing was said since
        await say(stream, SCRIPT.audio)
        stream.finalize()
    assert listener.words == said_in(SCRIPT) * 2
    assert len(standin.records["stt"]) == 1


@virtual_time_on_sockets
async def test_a_call_that_is_long_about_its_end_is_waited_for() -> None:
    # Longer than a stream may be silent, and shorter than Google may take.
    async with heard(SCRIPT, limits=Limits(final_s=2.8)) as (standin, stream, listener):
        for _ in range(2):
            await say(stream, SCRIPT.audio)
            stream.finalize()
            await say(stream, ULAW_8K.silence(4_000))
    assert listener.words == said_in(SCRIPT) * 2
    assert len(standin.records["stt"]) == 1


@virtual_time_on_sockets
async def test_a_call_that_ends_without_making_it_final_loses_no_word() -> None:
    script = monologue(5)
    async with heard(script, limits=Limits(ends_unfinal=True)) as (_, stream, listener):
        await say(stream, script.audio[: -ULAW_8K.byte_count(700)])  # the turn goes on
        stream.finalize()
    assert listener.words == said_in(script)


@virtual_time_on_sockets
async def test_turns_end_where_nobody_speaks() -> None:
    async with heard(SCRIPT) as (_, stream, listener):
        await say(stream, SCRIPT.audio + ULAW_8K.silence(1_500))
        assert listener.turns == 2
    assert listener.words == said_in(SCRIPT)


@virtual_time_on_sockets
async def test_version_1_hears_as_well() -> None:
    async with heard(SCRIPT, account={"project": None}) as (standin, stream, listener):
        await say(stream, SCRIPT.audio)
        stream.finalize()
    assert listener.words == said_in(SCRIPT)
    assert len(standin.records["stt-v1"]) == 1


@virtual_time_on_sockets
async def test_words_without_times_are_not_said_twice() -> None:
    account = {"location": "us", "model": "chirp_3"}
    fault = Fault("close", "audio", 8_000)
    async with heard(SCRIPT, account=account, faults={"stt": [fault]}) as (
        standin,
        stream,
        listener,
    ):
        await say(stream, SCRIPT.audio + ULAW_8K.silence(1_500) + SCRIPT.audio)
    assert listener.words == said_in(SCRIPT) * 2
    assert len(standin.records["stt"]) == 2


@virtual_time_on_sockets
async def test_after_a_turn_nothing_of_it_is_sent_again() -> None:
    fault = Fault("close", "audio", 8_000)
    limits = Limits(step_ms=100)
    async with heard(SCRIPT, limits=limits, faults={"stt": [fault]}) as (standin, stream, _):
        await say(stream, SCRIPT.audio + ULAW_8K.silence(3_000))
    _, second = standin.records["stt"]
    turn_ms = SCRIPT.words[-1].end_ms
    left_ms = ULAW_8K.duration_ms(len(SCRIPT.audio)) + 3_000 - turn_ms
    assert ULAW_8K.duration_ms(second.audio_bytes) < left_ms


@virtual_time_on_sockets
async def test_an_old_stream_is_left_in_a_pause() -> None:
    async with heard(SCRIPT, Hurried) as (standin, stream, listener):
        for _ in range(5):
            await say(stream, SCRIPT.audio)
    assert listener.words == said_in(SCRIPT) * 5
    first, _ = standin.records["stt"]
    assert LASTS_S * 8_000 <= first.audio_bytes < (LASTS_S + 5.0) * 8_000


@virtual_time_on_sockets
async def test_a_connection_whose_calls_are_short_is_not_left() -> None:
    async with heard(SCRIPT, Hurried) as (standin, stream, listener):
        for _ in range(8):
            await say(stream, SCRIPT.audio)
            stream.finalize()
    assert listener.words == said_in(SCRIPT) * 8
    assert len(standin.records["stt"]) == 1


@virtual_time_on_sockets
async def test_an_old_stream_is_left_even_in_mid_speech() -> None:
    script = monologue(50)
    async with heard(script, Hurried) as (standin, stream, listener):
        await say(stream, script.audio)
    assert listener.words == said_in(script)
    first, _ = standin.records["stt"]
    assert (LASTS_S + MORE_S) * 8_000 <= first.audio_bytes < (LASTS_S + MORE_S + 1.0) * 8_000


@virtual_time_on_sockets
async def test_a_stream_that_ends_too_soon_is_made_good() -> None:
    script = monologue(30)
    async with heard(script, limits=Limits(stream_s=9.0, utterance_ms=3_000)) as (
        standin,
        stream,
        listener,
    ):
        await say(stream, script.audio)
    assert listener.words == said_in(script)
    assert len(standin.records["stt"]) > 3


@virtual_time_on_sockets
async def test_a_caller_who_is_silent_for_long_loses_nothing() -> None:
    with capture_logs() as logs:
        async with heard(SCRIPT, Hurried) as (standin, stream, listener):
            await say(stream, SCRIPT.audio + ULAW_8K.silence(50_000) + SCRIPT.audio)
    assert listener.words == said_in(SCRIPT) * 2
    assert len(standin.records["stt"]) == 3
    assert [entry for entry in logs if entry["log_level"] == "warning"] == []


@virtual_time_on_sockets
async def test_who_is_not_spoken_to_ends_the_stream_and_it_is_made_good() -> None:
    # It would last with what is sent every three seconds.
    async with heard(SCRIPT, limits=Limits(idle_s=1.0)) as (standin, stream, listener):
        await asyncio.sleep(1.5)
        await say(stream, SCRIPT.audio)
    assert listener.words == said_in(SCRIPT)
    assert len(standin.records["stt"]) == 2
