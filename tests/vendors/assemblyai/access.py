"""How the catalogue's AssemblyAI reaches the stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import AssemblyAiStandIn

__all__ = ["ACCESS"]


def _settings(standin: AssemblyAiStandIn) -> dict[str, Any]:
    return {"api_key": standin.api_key, "base_url": standin.base_url}


ACCESS = Access(
    limits=Limits,
    standin=AssemblyAiStandIn,
    settings=_settings,
    stt={"assemblyai": "stt"},
    # Without it, ends of turns are not told of.
    unsaid=frozenset({"endpointing"}),
)
