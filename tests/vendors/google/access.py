"""How the catalogue's Google reaches the stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import GoogleStandIn

__all__ = ["ACCESS"]


def _settings(standin: GoogleStandIn) -> dict[str, Any]:
    return {
        "api_key": standin.api_key,
        "project": "stand-in",
        "base_url": standin.base_url,
    }


ACCESS = Access(
    limits=Limits,
    standin=GoogleStandIn,
    settings=_settings,
    stt={"google": "stt"},
    tts={"google": "tts", "google-once": "tts-once"},
    files={"google": "files"},
    unsaid=frozenset({"interim_results"}),
    whole=frozenset({"tts-once"}),
)
