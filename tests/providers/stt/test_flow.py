from __future__ import annotations

import asyncio
import math

from providers.stt.flow import Flow
from tests.virtual_time import virtual_time


@virtual_time
async def test_audio_is_allowed_as_time_passes() -> None:
    pumped = asyncio.Event()
    flow = Flow(1_000.0, pumped.set)
    assert flow.is_paced
    flow.begin()
    assert math.isclose(flow.allowed_ms, 1_000, abs_tol=1)
    flow.wait()
    flow.wait()  # once is enough
    await pumped.wait()
    assert math.isclose(flow.allowed_ms, 1_050, abs_tol=1)
    flow.begin()
    assert math.isclose(flow.allowed_ms, 1_000, abs_tol=1)
    flow.stop()  # nothing to stop


@virtual_time
async def test_nothing_goes_when_it_was_stopped() -> None:
    pumped = asyncio.Event()
    flow = Flow(math.inf, pumped.set)
    assert not flow.is_paced
    assert flow.allowed_ms == math.inf
    flow.wait()
    flow.stop()
    await asyncio.sleep(1)
    assert not pumped.is_set()
