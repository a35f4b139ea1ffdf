"""PURE: what is asked of Cartesia's recognizers, as the query of a URL has it.

Source: https://docs.cartesia.ai/use-the-api/stt/keyterms, and the types of Cartesia's own SDK
"""

from __future__ import annotations

from media.audio import Encoding

from ..types import Delivery, SttOptions

__all__ = ["DELIVERY", "asked", "terms"]

DELIVERY = Delivery(longest_ms=250.0, ahead_ms=750.0)
"""It takes one second of audio a second; less goes at once, as its clock starts after ours."""
MOST_TERMS, MOST_CHARACTERS = 100, 1_200
_ENCODINGS = {Encoding.ULAW: "pcm_mulaw", Encoding.PCM16: "pcm_s16le"}


def asked(model: str, options: SttOptions) -> list[tuple[str, str]]:
    """Which model, what the audio is like, and the words that matter."""
    return [
        ("model", model),
        ("encoding", _ENCODINGS[options.audio.encoding]),
        ("sample_rate", str(options.audio.sample_rate_hz)),
        *(("keyterm", term) for term in terms(options)),
    ]


def terms(options: SttOptions) -> list[str]:
    """The words that matter, as far as there is room for them."""
    taken: list[str] = []
    room = MOST_CHARACTERS
    for term in dict.fromkeys(map(str.strip, (*options.key_terms, *options.phrases))):
        if term and len(term) <= room and len(taken) < MOST_TERMS:
            taken.append(term)
            room -= len(term)
    return taken
