"""Every recognizer of recordings can be used as a stream, and fails as streams do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from media.audio import PCM16_8K
from providers.catalog import FILES, build_file_stt
from providers.errors import ProviderError
from providers.stt.buffered import DEADLINE_S, BufferedStt
from providers.types import SttOptions
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.record import Record
from tests.virtual_time import virtual_time_on_sockets

from .caller import Understood, call, said_in, utterances
from .failures import REFUSED, check_refused, fault_id
from .reach import SCRIPT, reached, remote, since

RECOGNIZERS = remote(FILES)
BUFFER_MS, OVERLAP_MS = 1_200, 450
"""The stand-ins hear whole words alone, and the longest have half a second."""
DOWN = (Fault("refuse"), Fault("busy"), Fault("reset", "open"), Fault("stall", "open"))


@dataclass(frozen=True, slots=True)
class Buffered:
    """One, and what its vendor's stand-in got."""

    provider: BufferedStt
    records: list[Record]


@asynccontextmanager
async def buffered(name: str, *faults: Fault) -> AsyncIterator[Buffered]:
    async with reached(build_file_stt, name, *faults) as files:
        yield Buffered(BufferedStt(files.provider, BUFFER_MS, OVERLAP_MS), files.records)


async def speak(provider: BufferedStt) -> Understood:
    """Say all that the stand-in understands."""
    return await call(provider, utterances(SCRIPT, PCM16_8K), SttOptions(audio=PCM16_8K))


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_every_word_is_understood_once(name: str) -> None:
    async with buffered(name) as stt:
        understood = await speak(stt.provider)
        assert understood.words == said_in(SCRIPT)
        assert len(understood.finals) == 2
        assert len(stt.records) > 2
        if stt.provider.capabilities.word_times:
            said = [(word.start_ms, word.end_ms) for word in SCRIPT.words]
            assert understood.times == [pytest.approx(times, abs=20) for times in said]


@pytest.mark.parametrize("fault", REFUSED, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_refusal_is_told(name: str, fault: Fault) -> None:
    async with buffered(name, fault) as stt:
        with pytest.raises(ProviderError) as raised:
            await speak(stt.provider)
        check_refused(raised.value, name, fault)


@pytest.mark.parametrize("fault", DOWN, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_vendor_that_is_down_may_be_asked_again(name: str, fault: Fault) -> None:
    async with buffered(name, *[fault] * 5) as stt:
        began_s = since(0.0)
        with pytest.raises(ProviderError) as raised:
            await speak(stt.provider)
        assert raised.value.retryable
        assert since(began_s) < DEADLINE_S + 3
