"""The connections to the models: kept, ready when a call begins, and replaced unnoticed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx2
import openai

from providers.kept import KEPT_S, MAX_CONNECTIONS, Trace, on_sound_connection
from providers.loopback import PROXY_MOUNTS
from providers.tls import tls_context

__all__ = ["KeptConnections", "Warmth"]

LOST = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
"""How a connection ends that the server has closed."""
WARM_S = 5.0


class KeptConnections(openai.DefaultAsyncHttpxClient):
    """The HTTP client of the OpenAI client, whose own keeps a connection for five seconds only."""

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

        async def ask(trace: Trace) -> httpx2.Response:
            request.extensions = {**request.extensions, "trace": trace}
            return await super(KeptConnections, self).send(request, **options)

        return await on_sound_connection(ask, LOST, lambda: self.is_closed)


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
