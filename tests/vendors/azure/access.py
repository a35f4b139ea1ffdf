"""How the catalogue's Azure reaches the stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import AzureStandIn

__all__ = ["ACCESS"]


def _settings(standin: AzureStandIn) -> dict[str, Any]:
    return {"speech_key": standin.api_key, "base_url": standin.base_url}


ACCESS = Access(
    limits=Limits,
    standin=AzureStandIn,
    settings=_settings,
    stt={"azure": "stt"},
    tts={"azure": "tts", "azure-http": "tts-http"},
    files={"azure": "files"},
    # Only the end of a turn is told of.
    unsaid=frozenset({"endpointing"}),
)
