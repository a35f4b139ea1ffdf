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
async def test_another_connection_is_worth_what_it_takes_at_once() -> None:
    flow = Flow(1_000.0, print)
    assert flow.gained_ms(0) == -math.inf  # before it was seen how long it takes
    flow.leave()
    await asyncio.sleep(0.3)
    flow.took()
    assert math.isclose(flow.gained_ms(400), 300, abs_tol=1)
    # An attempt that failed, and what was waited after it, count for nothing.
    flow.leave()
    await asyncio.sleep(2)
    flow.took()
    assert math.isclose(flow.gained_ms(-100), 800, abs_tol=1)


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
