"""Cartesia's recognizers on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from media.audio import ULAW_8K
from providers.catalog import build_stt
from providers.types import EndOfTurn, SttOptions, Transcript
from tests.providers.leaks import nothing_left
from tests.providers.stt.streaming import attended, speak
from tests.vendors.cartesia.access import ACCESS
from tests.vendors.cartesia.limits import Limits
from tests.vendors.cartesia.standin import CartesiaStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

ULAW = SttOptions(audio=ULAW_8K)
NEVER_SURE = Limits(sure_ms=None)
FIRST, SECOND = "Hello, this is Parley.", "How may I help you?"


@pytest.fixture(scope="module")
def script() -> Script:
    return computed_script([FIRST, SECOND], pause_ms=800)


@asynccontextmanager
async def served(
    script: Script,
    name: str,
    *faults: Fault,
    limits: Limits | None = None,
) -> AsyncIterator[Any]:
    """The stand-in, and a listener to a stream with it."""
    service = ACCESS.stt[name]
    hearing, faulty = OracleHearing(script), {service: faults}
    async with (
        CartesiaStandIn(hearing, faults=faulty, limits=limits or Limits()) as standin,
        nothing_left(standin),
    ):
        provider = build_stt(name, **ACCESS.settings(standin))
        async with attended(provider.stream(ULAW)) as listener:
            yield standin.records[service], listener


def until_word(script: Script, index: int) -> bytes:
    """The recording up to a word's end."""
    return script.audio[: ULAW_8K.byte_count(script.words[index].end_ms)]


@virtual_time_on_sockets
async def test_a_turn_that_the_vendor_does_not_end_is_ended_when_asked(script: Script) -> None:
    """As soon as it may be, if the caller is silent then."""
    async with served(script, "cartesia-turns", limits=NEVER_SURE) as (records, listener):
        await speak(listener.stream, until_word(script, 3))
        listener.stream.finalize()
        await speak(listener.stream, ULAW_8K.silence(1_000))
        assert [final.text for final in listener.finals] == [FIRST]
        await listener.stream.finish()
        await listener.end()
    (record,) = records
    kinds = [message["type"] for message in record.messages]
    # Shorter for that turn alone.
    assert kinds == ["config", "config", "close"]
    timeouts = [message["turn"]["end_timeout_ms"] for message in record.messages[:2]]
    assert timeouts == [640, 5_600]


@virtual_time_on_sockets
async def test_a_turn_behind_which_no_audio_comes_is_ended_too(script: Script) -> None:
    async with served(script, "cartesia-turns", limits=NEVER_SURE) as (records, listener):
        await speak(listener.stream, until_word(script, 3))
        listener.stream.finalize()
        await asyncio.sleep(2)
        assert [final.text for final in listener.finals] == [FIRST]
        await listener.stream.finish()
        await listener.end()
    (record,) = records
    assert [message["type"] for message in record.messages] == ["config", "config", "close"]


@virtual_time_on_sockets
async def test_a_turn_that_cannot_be_ended_sooner_is_told_by_the_end_of_the_connection(
    script: Script,
) -> None:
    """The silence does not help then; the connection's end is given the time to be told of."""
    patient = Limits(sure_ms=None, hurries=False)
    async with served(script, "cartesia-turns", limits=patient) as (records, listener):
        await speak(listener.stream, until_word(script, 3))
        listener.stream.finalize()
        await asyncio.sleep(4.5)
        assert [final.text for final in listener.finals] == [FIRST]
    record, _ = records
    assert [message["type"] for message in record.messages] == ["config", "close"]


@virtual_time_on_sockets
async def test_an_end_that_has_to_wait_for_its_audio_is_answered_soon_after(script: Script) -> None:
    """Two seconds that come at once, in which nothing is said, of which some has to wait."""
    async with served(script, "cartesia-turns") as (records, listener):
        listener.stream.send(ULAW_8K.silence(2_000))
        listener.stream.finalize()
        await asyncio.sleep(2.5)  # 1.25 s for the audio, one to hear of a turn
        assert [final.text for final in listener.finals] == [""]
    record, _ = records
    assert [message["type"] for message in record.messages] == ["config", "close"]


@virtual_time_on_sockets
async def test_a_recording_is_sent_no_faster_than_it_was_spoken(script: Script) -> None:
    """However it is handed over: by the second here."""
    async with served(script, "cartesia-turns") as (records, listener):
        for _ in range(3):
            await speak(listener.stream, script.audio, piece_ms=1_000)
        await listener.stream.finish()
        await listener.end()
    told = [answer["type"] for record in records for answer in record.answers]
    assert "error" not in told
    assert " ".join(final.text for final in listener.finals) == " ".join([script.text] * 3)


@virtual_time_on_sockets
async def test_nothing_said_is_told_by_the_end_of_the_connection(script: Script) -> None:
    async with served(script, "cartesia-turns") as (records, listener):
        await speak(listener.stream, ULAW_8K.silence(600))
        listener.stream.finalize()
        await asyncio.sleep(1.5)
        assert [final.text for final in listener.finals] == [""]
        # What is said then is heard on another one.
        await speak(listener.stream, script.audio)
        await listener.stream.finish()
        await listener.end()
    assert [final.text for final in listener.finals] == ["", FIRST, SECOND]
    assert len(records) == 2
    assert listener.turns == 2


@virtual_time_on_sockets
async def test_turns_are_told_of_with_their_ends(script: Script) -> None:
    async with served(script, "cartesia-turns") as (_, listener):
        await speak(listener.stream, script.audio)
        await listener.stream.finish()
        await listener.end()
    told = [event for event in listener.events if isinstance(event, EndOfTurn) or event.final]
    assert [type(event) for event in told] == [Transcript, EndOfTurn] * 2
    for index, end in ((3, told[1]), (-1, told[3])):
        assert isinstance(end, EndOfTurn)
        # Where they are is reckoned: in the silence behind them.
        assert 0 <= end.at_ms - script.words[index].end_ms < 500


@pytest.mark.parametrize("name", ["cartesia", "cartesia-turns"])
@virtual_time_on_sockets
async def test_a_long_silence_is_not_sent_again(script: Script, name: str) -> None:
    """It would come no faster than it was, and keep what is said now waiting."""
    async with served(script, name, Fault("reset", "audio", 20_000)) as (records, listener):
        await speak(listener.stream, ULAW_8K.silence(20_200) + script.audio)
        await listener.stream.finish()
        await listener.end()
    assert " ".join(final.text for final in listener.finals) == script.text
    _, second = records
    sent_ms = ULAW_8K.duration_ms(len(second.audio))
    assert sent_ms < ULAW_8K.duration_ms(len(script.audio)) + 1_500
    assert all(answer["type"] != "error" for answer in second.answers)


@pytest.mark.parametrize("name", ["cartesia", "cartesia-turns"])
def test_clocks_may_differ(name: str) -> None:
    """The vendor's starts somewhat later than ours, which virtual time does not show."""
    provider = build_stt(name, api_key="k")
    assert provider.capabilities.delivery.ahead_ms <= Limits().ahead_ms - 200
