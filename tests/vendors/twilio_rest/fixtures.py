"""Twilio's REST API for tests: a `conftest.py` that imports these has them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from .running import Twilio, TwilioServer

__all__ = ["server", "twilio"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[TwilioServer]:
    """A server takes a while to stop: there is one for a module."""
    async with TwilioServer.running() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def twilio(server: TwilioServer) -> AsyncIterator[Twilio]:
    """A Twilio of which nobody has asked anything, and which leaves its calls in the queue."""
    async with server.fresh() as twilio:
        yield twilio
