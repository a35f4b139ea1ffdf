"""Workers as a proxy sees them: they are ready or not, and keep what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.serving import Served, serving_app

__all__ = ["BalancedWorker", "balanced_worker"]


@dataclass(slots=True)
class BalancedWorker:
    """A worker that answers everything.

    Attributes:
        ready: the status of `/ready`.
        polled: set when that was asked for.
        asked: the paths of all other requests, with what was posted.
    """

    served: Served
    ready: int = 200
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.served.port}"


@asynccontextmanager
async def balanced_worker(ready: int = 200) -> AsyncIterator[BalancedWorker]:
    """Run one until the context is left."""

    async def answer(request: Request) -> Response:
        if request.url.path == "/ready":
            worker.polled.set()
            return Response(status_code=worker.ready)
        worker.asked.append((request.url.path, await request.body()))
        return Response(f"from {worker.address}")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with serving_app(app) as served:
        worker = BalancedWorker(served, ready)
        yield worker
