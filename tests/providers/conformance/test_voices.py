"""Whatever happens to a synthesizer's connection, a text is heard whole, or it is an error."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from media.audio import AudioFormat, encode
from providers.catalog import TTS, build_tts
from providers.errors import ProviderError
from providers.types import TtsOptions, TtsProvider
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .failures import DOWN, MANY, REFUSED, check_down, check_refused, fault_id
from .reach import reached, remote, since

SYNTHESIZERS = remote(TTS)
TEXT = "How may I help you today?"
PACE = 2.0
"""The stand-ins speak so many times as fast as people do."""
HALFWAY_MS, HALFWAY_BYTES = 480, 3_000
"""When that much was given, over a WebSocket and over HTTP."""

HEALED = [
    Fault("refuse"),
    Fault("busy"),
    Fault("limited", retry_after_s=1),
    Fault("reset", "open"),
    Fault("reset", "audio", HALFWAY_MS, at_bytes=HALFWAY_BYTES),
    Fault("reset", "finish", at_bytes=HALFWAY_BYTES),
    Fault("close", "open"),
    Fault("close", "audio", HALFWAY_MS, at_bytes=HALFWAY_BYTES),
    Fault("error", "audio", HALFWAY_MS, code=503, scope="connection"),
    Fault("stall", "open"),
    Fault("stall", "audio", HALFWAY_MS, at_bytes=HALFWAY_BYTES),
    Fault("deaf", "audio", HALFWAY_MS),
    *(Fault("garbage", "audio", HALFWAY_MS, garbage=kind) for kind in ("text", "types")),
]
HARMLESS = [Fault("behave"), Fault("slow", delay_ms=900)]
GIVEN_UP_S = {"stall": 12.0, "deaf": 12.0}
"""By when at the latest; the others after the three seconds for which it is tried."""


def spoken(audio_format: AudioFormat) -> bytes:
    """What the stand-ins say for the text."""
    return encode(tones(TEXT, audio_format.sample_rate_hz), audio_format.encoding)


async def speak(provider: TtsProvider) -> bytes:
    """Have the text spoken."""
    async with aclosing(provider.synthesize(TEXT, TtsOptions())) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


@pytest.mark.parametrize("fault", HEALED, ids=fault_id)
@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_a_text_is_heard_whole_and_once(name: str, fault: Fault) -> None:
    async with reached(build_tts, name, fault, pace=PACE) as tts:
        assert await speak(tts.provider) == spoken(tts.provider.format)
        # Some vendors may say things of a kind that is not known.
        assert len(tts.records) == 2 or fault.garbage == "types"


@pytest.mark.parametrize("fault", HARMLESS, ids=fault_id)
@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_what_is_harmless_changes_nothing(name: str, fault: Fault) -> None:
    async with reached(build_tts, name, fault, pace=PACE) as tts:
        assert await speak(tts.provider) == spoken(tts.provider.format)
        assert len(tts.records) == 1


@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_nothing_of_a_text_that_was_cut_off_is_in_the_next(name: str) -> None:
    async with reached(build_tts, name, pace=PACE) as tts:
        for pieces in range(5):
            async with aclosing(tts.provider.synthesize("Once upon a time.", TtsOptions())) as cut:
                for _ in range(pieces):
                    await anext(cut)
            assert await speak(tts.provider) == spoken(tts.provider.format)
            await asyncio.sleep(pieces)


@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_several_texts_at_a_time_do_not_disturb_one_another(name: str) -> None:
    async with reached(build_tts, name, pace=PACE) as tts:
        heard = await asyncio.gather(*(speak(tts.provider) for _ in range(8)))
        assert heard == [spoken(tts.provider.format)] * 8


@pytest.mark.parametrize("fault", REFUSED, ids=fault_id)
@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_a_refusal_is_told_at_once(name: str, fault: Fault) -> None:
    async with reached(build_tts, name, fault) as tts:
        with pytest.raises(ProviderError) as raised:
            await speak(tts.provider)
        check_refused(raised.value, name, fault)
        assert len(tts.records) == 1


@pytest.mark.parametrize("fault", DOWN, ids=fault_id)
@pytest.mark.parametrize("name", SYNTHESIZERS)
@virtual_time_on_sockets
async def test_a_vendor_that_is_down_is_given_up(name: str, fault: Fault) -> None:
    async with reached(build_tts, name, *[fault] * MANY) as tts:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(ProviderError) as raised:
            await speak(tts.provider)
        assert since(began_s) < GIVEN_UP_S.get(fault.kind, 3.1)
        check_down(raised.value, name, fault)
        assert len(tts.records) > 1
