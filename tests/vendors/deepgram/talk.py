"""For tests: a client without manners, at Deepgram's addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from tests.vendors.speech.refusal import Json
from tests.vendors.speech.talking import Talk, talking

from .standin import DeepgramStandIn

__all__ = ["AURA", "FLUX", "KEY", "NOVA", "connected", "of_type", "said"]

KEY = {"Authorization": "Token stand-in-key"}
Query = Mapping[str, str | list[str]]
NOVA: Query = {
    "model": "nova-3",
    "encoding": "mulaw",
    "sample_rate": "8000",
    "interim_results": "true",
    "endpointing": "300",
    "punctuate": "true",
}
FLUX: Query = {"model": "flux-general-en", "encoding": "mulaw", "sample_rate": "8000"}
AURA: Query = {"model": "aura-2-thalia-en", "encoding": "mulaw", "sample_rate": "8000"}


@asynccontextmanager
async def connected(
    standin: DeepgramStandIn,
    path: str,
    query: Query,
    *first: Json | str | bytes,
    headers: Mapping[str, str] = KEY,
) -> AsyncIterator[Talk]:
    """A WebSocket at a path, after the first frames."""
    url = f"{standin.ws_url}{path}?{urlencode(query, doseq=True)}"
    async with talking(url, *first, headers=headers) as talk:
        yield talk


def of_type(messages: list[Json], kind: str) -> list[Json]:
    """The messages of a type."""
    return [message for message in messages if message["type"] == kind]


def said(messages: list[Json]) -> str:
    """What `/v1/listen` has understood for good."""
    finals = [message for message in of_type(messages, "Results") if message["is_final"]]
    texts = [message["channel"]["alternatives"][0]["transcript"] for message in finals]
    return " ".join(filter(None, texts))
