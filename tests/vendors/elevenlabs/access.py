"""How the catalogue's providers reach ElevenLabs' stand-in."""

from __future__ import annotations

from tests.vendors.speech.access import Access

from .limits import Limits
from .standin import ElevenLabsStandIn

__all__ = ["ACCESS"]

ACCESS = Access(
    limits=Limits,
    standin=ElevenLabsStandIn,
    settings=lambda standin: {"api_key": standin.api_key, "base_url": standin.base_url},
    stt={"elevenlabs": "stt"},
    tts={"elevenlabs": "tts", "elevenlabs-http": "tts-http"},
    files={"elevenlabs": "files"},
    # It never ends a turn; of a recording there is one answer, and nobody's turn ends.
    unsaid=frozenset({"interim_results", "endpointing"}),
)
