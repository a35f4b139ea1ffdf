"""Whatever happens to a recognizer's connection, no word is lost or doubled, or it is an error."""

from __future__ import annotations

import asyncio
import math

import pytest

from media.audio import AudioFormat
from providers.catalog import STT, build_stt
from providers.errors import AuthenticationError, ProviderError, QuotaError
from providers.types import SttOptions, SttProvider
from tests.vendors.speech.faults import Fault
from tests.virtual_time import virtual_time_on_sockets

from .caller import Understood, call, said_in, telephone_format, utterances
from .failures import DOWN, MANY, REFUSED, check_down, check_refused, fault_id
from .reach import SCRIPT, Reached, reached, remote, since

RECOGNIZERS = remote(STT)
IN_A_WORD_MS = 3_300
"""In the first word of the second utterance."""
IN_THE_LAST_WORD_MS = 4_000.5
"""When those before it may be final."""
ROUNDING_MS = 10
STAYS_S = 15.0
"""Longer than a vendor may leave us without an answer, several times."""

HEALED = [
    Fault("refuse"),
    Fault("busy"),
    Fault("limited", retry_after_s=1),
    Fault("reset", "open"),
    Fault("reset", "word", IN_A_WORD_MS),
    Fault("reset", "audio", IN_THE_LAST_WORD_MS),
    Fault("reset", "interim", IN_A_WORD_MS),
    Fault("reset", "final"),
    Fault("reset", "final", IN_A_WORD_MS),
    Fault("reset", "finish"),
    Fault("close", "open"),
    Fault("close", "word", IN_A_WORD_MS),
    Fault("close", "finish"),
    Fault("error", "word", IN_A_WORD_MS, code=429),
    Fault("error", "word", IN_A_WORD_MS, code=503),
    Fault("stall", "open"),
    Fault("stall", "word", IN_A_WORD_MS),
    Fault("stall", "word", IN_THE_LAST_WORD_MS),
    Fault("stall", "finish"),
    Fault("deaf", "word", IN_A_WORD_MS),
    *(Fault("garbage", "word", IN_A_WORD_MS, garbage=kind) for kind in ("text", "types", "binary")),
]
HARMLESS = [Fault("behave"), Fault("slow", delay_ms=900)]
GIVEN_UP_S = {"stall": 13.0, "deaf": 20.0}
"""By when at the latest; the others after the three seconds for which it is tried."""


async def speak(
    provider: SttProvider,
    audio_format: AudioFormat | None = None,
    *,
    waits_s: float = 0.0,
    stays_s: float = STAYS_S,
) -> Understood:
    """Say all that the stand-in understands, as a telephone does if nothing is said of that."""
    audio_format = audio_format or telephone_format(provider)
    parts, options = utterances(SCRIPT, audio_format), SttOptions(audio=audio_format)
    return await call(provider, parts, options, waits_s=waits_s, stays_s=stays_s)


def check_words(understood: Understood, provider: SttProvider) -> None:
    """See that all was understood, once, and when it was said, if the vendor tells that."""
    assert understood.words == said_in(SCRIPT)
    if provider.capabilities.word_times:
        said = [(word.start_ms, word.end_ms) for word in SCRIPT.words]
        assert understood.times == [pytest.approx(times, abs=ROUNDING_MS) for times in said]


def may_not_matter(fault: Fault) -> bool:
    """Whether all may have been understood before it, or there are vendors for whom it is nothing:
    a message of a kind that is not known, say."""
    return fault.when == "finish" or fault.garbage == "types"


def catches_up(stt: Reached[SttProvider]) -> bool:
    """Whether it takes audio as it is spoken, so that another connection makes good lost time."""
    return math.isfinite(stt.provider.capabilities.delivery.ahead_ms)


@pytest.mark.parametrize("fault", HEALED, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_no_word_is_lost_with_a_connection(name: str, fault: Fault) -> None:
    async with reached(build_stt, name, fault) as stt:
        check_words(await speak(stt.provider), stt.provider)
        connections = len(stt.records)
        assert connections == 2 or may_not_matter(fault) or (connections > 2 and catches_up(stt))


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_no_word_is_lost_when_the_caller_hangs_up_on_a_vendor_that_stalls(name: str) -> None:
    async with reached(build_stt, name, Fault("stall", "audio", 200)) as stt:
        check_words(await speak(stt.provider, stays_s=0.0), stt.provider)
        assert len(stt.records) == 2


@pytest.mark.parametrize("fault", HARMLESS, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_what_is_harmless_changes_nothing(name: str, fault: Fault) -> None:
    async with reached(build_stt, name, fault) as stt:
        check_words(await speak(stt.provider), stt.provider)
        assert len(stt.records) == 1
        assert stt.records[0].audio_bytes >= len(SCRIPT.audio_in(telephone_format(stt.provider)))


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_audio_is_understood_in_every_format(name: str) -> None:
    async with reached(build_stt, name) as stt:
        for taken in filter(SCRIPT.knows, stt.provider.capabilities.audio):
            check_words(await speak(stt.provider, taken), stt.provider)


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_stream_without_audio_is_kept(name: str) -> None:
    async with reached(build_stt, name) as stt:
        check_words(await speak(stt.provider, waits_s=90), stt.provider)
        assert len(stt.records) == 1


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_several_callers_do_not_disturb_one_another(name: str) -> None:
    async with reached(build_stt, name) as stt:
        for understood in await asyncio.gather(*(speak(stt.provider) for _ in range(3))):
            check_words(understood, stt.provider)


@pytest.mark.parametrize("fault", REFUSED, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_refusal_is_told_at_once(name: str, fault: Fault) -> None:
    async with reached(build_stt, name, fault) as stt:
        with pytest.raises(ProviderError) as raised:
            await speak(stt.provider)
        check_refused(raised.value, name, fault)
        assert len(stt.records) == 1


@pytest.mark.parametrize(("code", "error"), [(401, AuthenticationError), (402, QuotaError)])
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_refusal_in_mid_stream_is_told_at_once(
    name: str, code: int, error: type[ProviderError]
) -> None:
    async with reached(build_stt, name, Fault("error", "word", IN_A_WORD_MS, code=code)) as stt:
        with pytest.raises(error) as raised:
            await speak(stt.provider)
        assert not raised.value.retryable
        assert len(stt.records) == 1


@pytest.mark.parametrize("fault", DOWN, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_vendor_that_is_down_is_given_up(name: str, fault: Fault) -> None:
    async with reached(build_stt, name, *[fault] * MANY) as stt:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(ProviderError) as raised:
            await speak(stt.provider)
        assert since(began_s) < GIVEN_UP_S.get(fault.kind, 3.1)
        check_down(raised.value, name, fault)
        assert len(stt.records) > 1
