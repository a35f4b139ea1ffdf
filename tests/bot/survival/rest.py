"""Twilio's REST API for a proof: `tests.vendors.twilio_rest`, joined to the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.phone.exchange import Exchange
from bot.phone.identity import SIMULATED_ACCOUNT
from tests.vendors.twilio_rest.server import serving
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

__all__ = ["Rest", "twilio_rest"]


@dataclass(frozen=True, slots=True)
class Rest:
    """Where the API is, and what it was asked."""

    url: str
    standin: TwilioRestStandIn

    def updates(self, sid: str) -> list[dict[str, str]]:
        """Each time a call was to be redirected, instructed or completed: the fields given."""
        return [
            dict(seen.form)
            for seen in self.standin.requests
            if seen.method == "POST" and seen.path.endswith(f"/Calls/{sid}.json")
        ]


@asynccontextmanager
async def twilio_rest(exchange: Exchange, auth_token: str) -> AsyncIterator[Rest]:
    """Serve the API, in this event loop, until the context is left."""
    standin = TwilioRestStandIn(SIMULATED_ACCOUNT, auth_token, exchange=exchange)
    async with serving(standin) as url:
        yield Rest(url, standin)
