"""How the catalogue's providers reach OpenAI's stand-in."""

from __future__ import annotations

from typing import Any

from tests.vendors.speech.access import Access

from .standin import OpenAiStandIn

__all__ = ["ACCESS"]


def _settings(standin: OpenAiStandIn) -> dict[str, Any]:
    return {"api_key": standin.api_key, "base_url": standin.api_url}


ACCESS = Access(
    standin=OpenAiStandIn,
    settings=_settings,
    stt={"openai": "transcription"},
    tts={"openai": "speech", "openai-realtime": "realtime"},
    files={"openai": "files"},
    polyglot=frozenset({"speech"}),  # as far as Parley knows, it is a server of one's own
)
