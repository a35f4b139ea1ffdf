"""How the catalogue's Deepgram reaches the stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import DeepgramStandIn

__all__ = ["ACCESS"]


def _settings(standin: DeepgramStandIn) -> dict[str, Any]:
    return {"api_key": standin.api_key, "base_url": standin.base_url}


ACCESS = Access(
    limits=Limits,
    standin=DeepgramStandIn,
    settings=_settings,
    stt={"deepgram": "stt", "deepgram-flux": "flux"},
    tts={"deepgram": "tts", "deepgram-http": "tts-http"},
    files={"deepgram": "files"},
)
