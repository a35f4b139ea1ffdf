from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.bench.calls.exposition import scrape
from bot.metrics import CONTENT_TYPE, Metrics


async def test_what_the_worker_has_counted() -> None:
    metrics = Metrics()

    async def exposition(request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    app = Starlette(routes=[Route("/metrics", exposition)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        metrics.tasks.set(12)
        metrics.barge_in_seconds.observe(0.5)
        before = await scrape(client)
        for barge_in_s in [0.0015] * 98 + [0.012, 0.019]:
            metrics.barge_in_seconds.observe(barge_in_s)
        after = await scrape(client)
    assert before.tasks == 12
    added = after.barge_in_s.since(before.barge_in_s)
    assert added.count == 100
    assert added.quantile(0.5) == pytest.approx(0.002)
    assert added.quantile(0.99) == pytest.approx(0.015)
    assert added.quantile(1.0) == pytest.approx(0.020)
    assert after.barge_in_s.since(after.barge_in_s).count == 0
