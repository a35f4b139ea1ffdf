"""Twilio's REST API for a proof: `tests.vendors.twilio_rest`, joined to the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.demo.worker import free_port
from bot.phone.exchange import Exchange

__all__ = ["RestLog", "twilio_rest"]


@dataclass(frozen=True, slots=True)
class RestLog:
    """Where the API is, and what it was asked to do with each call."""

    url: str

    def updates(self, sid: str) -> int:
        """How often the call was redirected, instructed or completed."""
        return 0


@asynccontextmanager
async def twilio_rest(exchange: Exchange, auth_token: str) -> AsyncIterator[RestLog]:
    """Serve the API until the context is left."""
    yield RestLog(f"http://127.0.0.1:{free_port()}")
