"""A recognition that is cancelled, wherever it waits: it ends, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.providers.leaks import served
from tests.providers.steps import stopped_at
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import opened

FAULTS = [
    Fault("behave"),
    Fault("busy"),
    Fault("error", "open"),
    Fault("reset", "word", 1_500),
    Fault("stall", "word", 1_500),
]
FEWEST, LONGEST = 6, 100


async def recognition(standin: SonioxStandIn, audio: bytes) -> None:
    """Two utterances, with every way to wait that there is; the first connection has a fault."""
    async with opened(standin) as stream:
        half = len(audio) // 2
        for part in (audio[:half], audio[half:]):
            stream.send(part)
            stream.finalize()
            async for event in stream:
                if getattr(event, "final", False):
                    break
        await stream.finish()
        async for _ in stream:
            pass


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "resumed"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
@virtual_time_on_sockets
async def test_it_may_be_cancelled_wherever_it_waits(
    script: Script, fault: Fault, late: bool
) -> None:
    for point in range(LONGEST):
        async with served(script, fault) as standin:
            work = stopped_at(recognition(standin, script.audio), point, late=late)
            task = asyncio.ensure_future(work)
            await asyncio.wait([task], timeout=60)
            if not task.cancelled() and task.result():
                break
            # What had just failed by itself when it was cancelled may be overcome.
            assert task.cancelled() or late
    assert FEWEST < point < LONGEST - 1
