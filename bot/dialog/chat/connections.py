"""The connections to the models: kept, ready when a call begins, and replaced unnoticed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx2
import openai

from providers.loopback import PROXY_MOUNTS
from providers.tls import tls_context

__all__ = ["KEPT_S", "KeptConnections", "Warmth"]

KEPT_S = 120.0
"""A connection that nobody needs for so long is closed; most servers close it sooner."""
MAX_CONNECTIONS = 200
LOST = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
"""How a connection ends that the server has closed."""
CONNECTING = "connection.connect_tcp.started"
"""What httpx2 tells of a request that is sent on a new connection."""
WARM_S = 5.0


class KeptConnections(openai.DefaultAsyncHttpxClient):
    """The HTTP client of the OpenAI client, whose own keeps a connection for five seconds only.

    A server may close a connection that was kept just as it is used again. Nobody shall notice: it
    is asked again, until it is asked on a new connection, since each attempt uses up a kept one.
    """

    def __init__(self) -> None:
        super().__init__(
            verify=tls_context(),
            # A proxy of the environment is for what is beyond this machine.
            mounts=PROXY_MOUNTS,
            # The key goes nowhere else.
            follow_redirects=False,
            limits=httpx2.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEPT_S,
            ),
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request; as the client's own."""
        while True:
            steps = set[str]()

            async def trace(step: str, _: dict[str, Any], steps: set[str] = steps) -> None:
                steps.add(step)

            request.extensions = {**request.extensions, "trace": trace}
            try:
                return await super().send(request, **options)
            except LOST:
                if CONNECTING in steps:
                    raise


class Warmth:
    """Has a connection ready: the first words of a call need not wait for TCP and TLS."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._asking: set[asyncio.Task[None]] = set()

    def bring(self) -> None:
        """Ask the server for its models, aside; its answer, and whether it has one, is nothing."""
        task = asyncio.create_task(self._ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def aclose(self) -> None:
        """End what is asked."""
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    async def _ask(self) -> None:
        with suppress(openai.OpenAIError, TimeoutError):
            async with asyncio.timeout(WARM_S):
                await self._client.get("/models", cast_to=httpx2.Response)
