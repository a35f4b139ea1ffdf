"""Texts that share a connection, or wait for one, in whatever calls they are spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from media.audio import Encoding, encode
from providers.catalog import build_tts
from providers.errors import ApiError
from providers.types import TtsOptions, TtsProvider
from tests.vendors.deepgram.access import ACCESS as DEEPGRAM
from tests.vendors.deepgram.limits import Limits
from tests.vendors.elevenlabs.access import ACCESS as ELEVENLABS
from tests.vendors.speech.access import Access
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

TEXTS = ("One two three", "Four five six", "Seven eight")
REFUSED = Fault("error", "audio", 200, code=400)


@asynccontextmanager
async def speaking(
    access: Access, script: Script, *faults: Fault, **options: Any
) -> AsyncIterator[tuple[TtsProvider, list[Any]]]:
    """The vendor's synthesizer, and the records of its connections, which meet the faults."""
    async with access.standin(
        OracleHearing(script), pace=2.0, faults={"tts": faults}, **options
    ) as standin:
        (name,) = (name for name, service in access.tts.items() if service == "tts")
        tts = build_tts(name, **access.settings(standin))
        try:
            yield tts, standin.records["tts"]
        finally:
            await tts.aclose()


async def said(tts: TtsProvider, text: str) -> bytes:
    async with aclosing(tts.synthesize(text, TtsOptions())) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


def ulaw(text: str) -> bytes:
    return encode(tones(text, 8000), Encoding.ULAW)


@virtual_time_on_sockets
async def test_what_one_text_is_refused_for_ends_no_other(script: Script) -> None:
    # Whose fault it was the vendor does not say; so each is tried alone, and one is refused there.
    alone = [Fault("behave"), REFUSED]
    async with speaking(ELEVENLABS, script, REFUSED, *alone) as (tts, records):
        results = await asyncio.gather(*(said(tts, text) for text in TEXTS), return_exceptions=True)
        assert len({ulaw(text) for text in TEXTS} & set(results)) == 2
        assert [type(result) for result in results].count(ApiError) == 1
        assert len(records) == 4
        assert await said(tts, TEXTS[0]) == ulaw(TEXTS[0])


@virtual_time_on_sockets
async def test_a_text_that_is_alone_is_refused_at_once(script: Script) -> None:
    async with speaking(ELEVENLABS, script, REFUSED) as (tts, records):
        with pytest.raises(ApiError):
            await said(tts, TEXTS[0])
        assert len(records) == 1


@virtual_time_on_sockets
async def test_a_place_that_gets_free_is_taken_at_once(script: Script) -> None:
    slow = Fault("slow", "open", delay_ms=50)
    options = {"limits": Limits(tts_at_once=1)}
    async with speaking(DEEPGRAM, script, slow, slow, **options) as (tts, _):
        interrupted = tts.synthesize("One, two, three. " * 20, TtsOptions())
        await anext(interrupted)
        # Another connection is refused, and for a while none is tried.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await said(tts, "Two")
        await interrupted.aclose()
        began_s = asyncio.get_running_loop().time()
        async with aclosing(tts.synthesize("Three", TtsOptions())) as chunks:
            await anext(chunks)
        # The vendor lets go of the one before after 50 ms, and takes as long for the next.
        assert asyncio.get_running_loop().time() - began_s < 0.3
