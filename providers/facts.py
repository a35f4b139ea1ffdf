"""What is known of the providers before anything is measured: prices, quality, latency.

The table is `facts.toml` beside this module, each number with its date and source.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Literal

__all__ = ["Facts", "Kind", "facts_of"]

Kind = Literal["stt", "files", "tts"]
"""Streaming recognition, recognition of recordings, synthesis."""

_MS_PER_MINUTE = 60_000
_OWN_SERVER = {("tts", "openai"): "tts_base_url", ("files", "openai"): "base_url"}


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


@functools.cache
def _table() -> dict[str, dict[str, Facts]]:
    text = files("providers").joinpath("facts.toml").read_text("utf-8")
    return {
        kind: {name: Facts(**facts) for name, facts in table.items()}
        for kind, table in tomllib.loads(text).items()
    }


def facts_of(kind: Kind, name: str, settings: Mapping[str, Any] | None = None) -> Facts:
    """What is known of a provider; nothing but defaults of one that is not in the table.

    Args:
        kind: what it is used for.
        name: of the provider.
        settings: its account's: a server of one's own has no list price.
    """
    facts = _table()[kind].get(name) or Facts()
    address = (settings or {}).get(_OWN_SERVER.get((kind, name), ""))
    # Imported here: it brings numpy, and settings are read by commands that have no need of it.
    from .openai_account import is_own

    if not address or is_own(address):
        return facts
    own = replace(facts, priced="a server of your own", free=True)
    if kind == "tts":
        return replace(own, usd_per_1000_characters=0.0)
    return replace(own, usd_per_minute=0.0)
