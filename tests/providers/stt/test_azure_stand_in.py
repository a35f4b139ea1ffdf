"""Azure's streams where turns and connections end by themselves, on its stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from media.audio import ULAW_8K
from providers.catalog import build_file_stt, build_stt
from providers.errors import UnavailableError
from providers.results import AudioData
from providers.types import SttOptions
from tests.providers.leaks import nothing_left
from tests.vendors.azure.access import ACCESS
from tests.vendors.azure.limits import Limits
from tests.vendors.azure.refusal import TOO_MANY
from tests.vendors.azure.standin import AzureStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import Listener, attended, said_in, speak

SCRIPT = computed_script(
    ["Hello, this is Parley.", "How may I help you?", "Good bye."], pause_ms=4_000
)
PIECE_MS = 100
PATIENT = SttOptions(audio=ULAW_8K, endpointing=False)
OPTIONS = SttOptions(audio=ULAW_8K)


@asynccontextmanager
async def listening(
    limits: Limits, options: SttOptions = OPTIONS, script: Script = SCRIPT, *faults: Fault
) -> AsyncIterator[tuple[Listener, AzureStandIn]]:
    """A stream, and the stand-in that hears it."""
    standin = AzureStandIn(OracleHearing(script), limits=limits, faults={"stt": faults})
    async with standin, nothing_left(standin):
        provider = build_stt("azure", **ACCESS.settings(standin))
        async with attended(provider.stream(options)) as listener:
            yield listener, standin
        await provider.aclose()


async def ended(listener: Listener) -> None:
    await listener.stream.finish()
    await listener.end()
    assert listener.error is None


def turns(standin: AzureStandIn, connection: int = 0) -> int:
    """How many turns a connection had."""
    record = standin.records["stt"][connection]
    return sum(message["path"] == "speech.context" for message in record.messages)


@pytest.mark.parametrize("options", [OPTIONS, PATIENT], ids=["with ends", "without"])
@virtual_time_on_sockets
async def test_turns_that_the_service_ends_cost_no_word(options: SttOptions) -> None:
    async with listening(Limits(silence_ms=2_500), options) as (listener, standin):
        await speak(listener.stream, SCRIPT.audio)
        await ended(listener)
        assert len(standin.records["stt"]) == 1
        assert turns(standin) >= 4
    assert listener.words == said_in(SCRIPT)
    assert listener.turns == (3 if options.endpointing else 0)


@virtual_time_on_sockets
async def test_a_long_silence_is_not_sent_again_and_again() -> None:
    silence = ULAW_8K.silence(120_000)
    async with listening(Limits(), PATIENT) as (listener, standin):
        await speak(listener.stream, SCRIPT.audio)
        await speak(listener.stream, silence, 1_000)
        listener.stream.finalize()
        await ended(listener)
        (record,) = standin.records["stt"]
        sent = record.audio_bytes
    assert listener.words == said_in(SCRIPT)
    # A second for each turn, and there is one in fifteen.
    assert sent < (len(SCRIPT.audio) + len(silence)) * 1.2


@virtual_time_on_sockets
async def test_each_utterance_is_a_turn_on_one_connection() -> None:
    async with listening(Limits()) as (listener, standin):
        for word in SCRIPT.words:
            at = ULAW_8K.byte_count(word.start_ms)
            await speak(listener.stream, SCRIPT.audio[at : ULAW_8K.byte_count(word.end_ms)])
            listener.stream.finalize()
            # What comes at once waits until the turn is over.
        await ended(listener)
        assert len(standin.records["stt"]) == 1
        assert turns(standin) == len(SCRIPT.words) + 1
    assert [final.text for final in listener.finals] == [word.text for word in SCRIPT.words]


@virtual_time_on_sockets
async def test_a_long_utterance_has_one_end_though_the_service_is_late() -> None:
    script = computed_script([" ".join(["Then"] * 90) + ".", "Bye."], pause_ms=2_000)
    slow = Fault("slow", delay_ms=400)
    async with listening(Limits(), OPTIONS, script, slow) as (listener, _):
        await speak(listener.stream, script.audio)
        await ended(listener)
    assert script.words[-2].end_ms > 31_000
    assert listener.words == said_in(script)
    assert listener.turns == 2


@virtual_time_on_sockets
async def test_words_that_are_said_while_the_service_ends_a_turn_are_heard() -> None:
    slow = Fault("slow", delay_ms=900)
    # By this the turn is over before the next word begins, and we know of it after that word.
    async with listening(Limits(silence_ms=3_250), PATIENT, SCRIPT, slow) as (listener, standin):
        until = SCRIPT.words[5]
        await speak(listener.stream, SCRIPT.audio[: ULAW_8K.byte_count(until.start_ms + 100)])
        listener.stream.finalize()
        await speak(listener.stream, ULAW_8K.silence(2_000))
        await ended(listener)
        assert len(standin.records["stt"]) == 1
    assert listener.words == said_in(SCRIPT)[:5]


@pytest.mark.parametrize("silent_end", ["InitialSilenceTimeout", "EndOfDictation"])
@pytest.mark.parametrize("silence_ms", [800, 3_000])
@virtual_time_on_sockets
async def test_a_turn_in_which_nothing_is_understood_is_answered(
    silence_ms: int, silent_end: Literal["InitialSilenceTimeout", "EndOfDictation"]
) -> None:
    async with listening(Limits(silent_end=silent_end)) as (listener, standin):
        await speak(listener.stream, ULAW_8K.silence(silence_ms))
        listener.stream.finalize()
        await asyncio.sleep(1)
        assert [final.text for final in listener.finals] == [""]
        await ended(listener)
        assert len(standin.records["stt"]) == 1
        assert turns(standin) == 2


@virtual_time_on_sockets
async def test_nothing_is_asked_when_there_is_nothing() -> None:
    async with listening(Limits()) as (listener, standin):
        for _ in range(3):
            listener.stream.finalize()
        await ended(listener)
        assert turns(standin) == 1
    assert [final.text for final in listener.finals] == ["", "", ""]


@virtual_time_on_sockets
async def test_a_connection_is_left_before_azure_closes_it() -> None:
    async with listening(Limits(connection_s=600.0)) as (listener, standin):
        for _ in range(6):
            await speak(listener.stream, SCRIPT.audio, 1_000)
            listener.stream.finalize()
            await asyncio.sleep(88)
        await ended(listener)
        first, _ = standin.records["stt"]
        assert first.close_code == 1000  # the client's
    assert [text for text, _, _ in listener.words] == [word.text for word in SCRIPT.words] * 6


@virtual_time_on_sockets
async def test_no_word_is_lost_when_azure_closes_it_first() -> None:
    async with listening(Limits(connection_s=8.0), PATIENT) as (listener, standin):
        await speak(listener.stream, SCRIPT.audio)
        await ended(listener)
        assert len(standin.records["stt"]) == 3
    assert listener.words == said_in(SCRIPT)


@virtual_time_on_sockets
async def test_no_word_is_lost_when_azure_finds_streams_too_many() -> None:
    many = Fault("error", "word", 5_100, code=429, error_type=TOO_MANY)
    async with listening(Limits(), OPTIONS, SCRIPT, many) as (listener, standin):
        await speak(listener.stream, SCRIPT.audio)
        await ended(listener)
        assert len(standin.records["stt"]) == 2
    assert listener.words == said_in(SCRIPT)


@virtual_time_on_sockets
async def test_a_service_that_ends_every_turn_at_once_is_given_up() -> None:
    async with listening(Limits(silence_ms=500)) as (listener, standin):
        with pytest.raises(UnavailableError):
            await speak(listener.stream, ULAW_8K.silence(6_000))
        assert isinstance(await listener.failure(), UnavailableError)
        assert len(standin.records["stt"]) < 20


@virtual_time_on_sockets
async def test_a_custom_model_hears_a_short_recording() -> None:
    script = computed_script(["Hello, this is Parley."])
    async with AzureStandIn(OracleHearing(script)) as standin, nothing_left(standin):
        files = build_file_stt("azure", **ACCESS.settings(standin))
        audio = AudioData(script.audio, ULAW_8K)
        result = await files.transcribe(audio, SttOptions(model="an-endpoint"))
        await files.aclose()
        (record,) = standin.records["short"]
        assert record.query["cid"] == ["an-endpoint"]
        assert standin.records["files"] == []
    assert result.text == script.text
