"""How the catalogue's Cartesia reaches the stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import CartesiaStandIn

__all__ = ["ACCESS"]


def _settings(standin: CartesiaStandIn) -> dict[str, Any]:
    return {"api_key": standin.api_key, "base_url": standin.base_url}


ACCESS = Access(
    limits=Limits,
    standin=CartesiaStandIn,
    settings=_settings,
    stt={"cartesia": "stt", "cartesia-turns": "turns"},
    tts={"cartesia": "tts"},
    # Without it, ends of turns are not told of.
    unsaid=frozenset({"endpointing"}),
)
