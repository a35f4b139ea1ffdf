"""A small round with a real worker, and what goes wrong with calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.bench.calls.cores import two_cores
from bot.bench.calls.exchange import Exchange
from bot.bench.calls.fleet import Fleet
from bot.bench.calls.line import Line, Seen
from bot.bench.calls.measured import Round
from bot.bench.calls.recordings import load_material
from bot.bench.calls.rig import rig
from bot.bench.calls.rounds import Pace, run_round, warm_up
from bot.bench.calls.wheel import Wheel
from bot.phone.balancer import Balancer
from bot.phone.webhook import Webhooks
from tests.serving import serving_app

pytestmark = pytest.mark.real_time


async def test_calls_with_a_worker(tmp_path: Path) -> None:
    """Of nine callers, who begin all over the track, one ends a turn in the first second."""
    pace = Pace(warm_s=0.1, settle_s=0.1, rest_s=0.1)
    with two_cores() as cores:
        async with rig(load_material(), 20, 20, cores, tmp_path) as ready:
            # Also one with far too many calls is waited for.
            assert ready.client.timeout.read == 60
            idle = await warm_up(ready, 1, pace)
            ready.exchange.forget()
            spoil_a_call(ready.exchange)
            result = await run_round(ready, 9, 0.5, pace, idle)
            settings = environment(ready.worker.process.pid)
    # How late something was depends on what else the machine does.
    assert [fault for fault in result["faults"] if fault.startswith("call ")] == []
    assert "1 calls had a recognizer too many: 0" in result["faults"]
    assert (result["calls"], result["stt_chunk_ms"]) == (9, 20)
    # 50 pieces a second of each call; all frames were sent, if late.
    assert result["in_ms"]["count"] == pytest.approx(9 * 0.5 * 50, rel=0.3)
    assert result["phones_late_ms"]["count"] == pytest.approx(9 * 0.5 * 50, rel=0.3)
    assert result["turns"] >= 1
    assert result["begun"] >= 1
    assert 0 < result["cpu_percent_per_call"] < 100 / 9
    assert result["memory_mb_idle"] == idle.usage.resident_mb > 50
    assert result["memory_mb_per_call"] == pytest.approx(taken(result, "memory_mb"))
    assert result["memory_mb_kept_per_call"] == pytest.approx(taken(result, "memory_mb_after"))
    # The worker ends no call before the phones do, and logs as it does by default.
    assert b"PARLEY_MAX_DURATION_S=86400" in settings
    assert '"level":"info"' in ready.worker.log.read_text()


def environment(pid: int) -> list[bytes]:
    return Path("/proc", str(pid), "environ").read_bytes().split(b"\0")


def taken(result: Round, field: Literal["memory_mb", "memory_mb_after"]) -> float:
    """What a call had taken of the memory then, in MB."""
    return (result[field] - result["memory_mb_idle"]) / result["calls"]


def spoil_a_call(exchange: Exchange) -> None:
    """Count a recognizer too many of the first call, as soon as there is one."""
    if tallies := exchange.tallies(0.0):
        tallies[0].streams += 1
    else:
        asyncio.get_running_loop().call_later(0.01, spoil_a_call, exchange)


@asynccontextmanager
async def calling(answer: Response) -> AsyncIterator[Fleet]:
    """Two calls to an application that has one answer."""

    async def voice(request: Request) -> Response:
        return answer

    app = Starlette(routes=[Route("/{path:path}", voice, methods=["POST"])])
    line = Line(load_material().track, Wheel(), Seen())
    async with serving_app(app) as served, Balancer(served.url) as balancer:
        yield Fleet(Exchange(line), Webhooks(balancer, "token"), served.url, "token", 2)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Response("no", 403), "answered 403"),
        (Response("<Response><Reject/></Response>", media_type="text/xml"), "with Reject"),
    ],
)
async def test_a_call_that_is_not_answered_is_a_fault(answer: Response, fault: str) -> None:
    async with asyncio.timeout(10), calling(answer) as fleet:
        await fleet.run()
        await fleet.begun()
    assert len(fleet.faults) == 2
    assert all(fault in found for found in fleet.faults)
