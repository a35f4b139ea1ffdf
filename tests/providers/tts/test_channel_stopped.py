"""A synthesis that is cancelled, wherever it waits: it ends, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from providers.tts.soniox import SonioxSynthesizer
from providers.tts.synthesis import StreamingTts
from providers.types import TtsOptions
from tests.providers.leaks import served
from tests.providers.steps import stopped_at
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

FAULTS = [
    Fault("behave"),
    Fault("busy"),
    Fault("error", "open", scope="connection"),
    Fault("reset", "audio", 120),
    Fault("stall", "audio", 120),
    Fault("error", "audio", 120),
]
FEWEST, LONGEST = 5, 100


async def synthesis(standin: SonioxStandIn) -> None:
    """A text, and another; the first connection has a fault."""
    tts = StreamingTts(SonioxSynthesizer(api_key="stand-in-key", tts_url=standin.tts_url))
    try:
        await tts.start()
        for text in ("Hello", "Bye"):
            async with aclosing(tts.synthesize(text, TtsOptions())) as chunks:
                async for _ in chunks:
                    pass
    finally:
        await tts.aclose()


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "resumed"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.when}")
@virtual_time_on_sockets
async def test_it_may_be_cancelled_wherever_it_waits(
    script: Script, fault: Fault, late: bool
) -> None:
    for point in range(LONGEST):
        async with served(script, tts_faults=[fault], pace=8.0) as standin:
            task = asyncio.ensure_future(stopped_at(synthesis(standin), point, late=late))
            await asyncio.wait([task], timeout=60)
        if not task.cancelled() and task.result():
            break
        # What had just failed by itself when it was cancelled may be overcome.
        assert task.cancelled() or late
    assert FEWEST < point < LONGEST - 1
