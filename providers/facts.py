"""What is known of a provider before anything is measured: price, quality, latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "Facts", "Kind"]

Kind = Literal["stt", "files", "tts"]
"""Streaming recognition, recognition of recordings, synthesis."""
KINDS: tuple[Kind, ...] = ("stt", "files", "tts")

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one provider.

    Attributes:
        usd_per_minute: of audio, for a recognizer, by the list, without discounts; None when it is
            not known.
        usd_per_1000_characters: likewise of text, for a synthesizer.
        priced: when and where the price was found.
        quality: 0 to 100, as we judge by `quality_source`.
        latency_ms: from the end of speech to its words, or from a text to its first audio.
        free: whether it has a free tier, or costs nothing because it runs here.
        general: false for what serves only when there is nothing else, such as one that understands
            a few expected phrases alone.
    """

    usd_per_minute: float | None = None
    usd_per_1000_characters: float | None = None
    priced: str = ""
    quality: float = 0.0
    quality_source: str = ""
    latency_ms: float = 1_000.0
    latency_source: str = ""
    free: bool = False
    general: bool = True

    @property
    def price(self) -> float | None:
        """In USD, of a minute or of a thousand characters."""
        if self.usd_per_minute is None:
            return self.usd_per_1000_characters
        return self.usd_per_minute

    @property
    def price_date(self) -> str:
        """When the price was found: `2026-11-21`, or as much of it as is known; else empty."""
        date = self.priced.partition(":")[0]
        return date if date[:2] == "20" else ""

    def usd(self, amount: float) -> float | None:
        """What `amount` ms of audio, or characters, cost by the list; None when it is not known."""
        if self.usd_per_minute is not None:
            return self.usd_per_minute * amount / _MS_PER_MINUTE
        if self.usd_per_1000_characters is not None:
            return self.usd_per_1000_characters * amount / 1_000
        return None
