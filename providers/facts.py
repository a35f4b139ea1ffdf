"""What is known of the providers before anything is measured: prices, quality, latency.

The table is `facts.toml` beside this module, each number with its date and source.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

__all__ = ["Facts", "Kind", "facts_of", "list_price_usd"]

Kind = Literal["stt", "files", "tts"]
"""Streaming recognition, recognition of recordings, synthesis."""

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one provider.

    Attributes:
        usd_per_minute: of audio, for a recognizer; None when it is not known.
        usd_per_1000_characters: of text, for a synthesizer; None when it is not known.
        priced: when and where the price was found.
        quality: 0 to 100, as we judge by `quality_source`.
        latency_ms: from the end of speech to its words, or from a text to its first audio.
        free: whether it has a free tier, or costs nothing because it runs here.
        general: false for what serves only when there is nothing else.
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


@functools.cache
def _table() -> dict[str, dict[str, Facts]]:
    text = files("providers").joinpath("facts.toml").read_text("utf-8")
    return {
        kind: {name: Facts(**facts) for name, facts in table.items()}
        for kind, table in tomllib.loads(text).items()
    }


def facts_of(kind: Kind, name: str) -> Facts:
    """What is known of a provider; nothing but defaults of one that is not in the table."""
    return _table()[kind].get(name) or Facts()


def list_price_usd(kind: Kind, name: str, amount: float) -> float | None:
    """What `amount` ms of audio, or characters, cost by the list; None when that is not known."""
    price = facts_of(kind, name).price
    if price is None:
        return None
    return price * amount / (1_000 if kind == "tts" else _MS_PER_MINUTE)
