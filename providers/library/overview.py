"""What is known of every provider of the catalogue, whether it can be used or not."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog import TABLES, VENDORS, account_of, class_of
from ..declaration import Declaration
from ..errors import MissingKeyError
from ..facts import Facts, Kind
from ..options import STT_OPTIONS, TTS_OPTIONS
from ..types import SttCapabilities, TtsCapabilities
from .chosen import Chosen

__all__ = ["ProviderInfo", "overview"]

_OF_STREAMS = ("interim_results", "endpointing", "endpointing_ms")
_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "stt": STT_OPTIONS,
    "files": tuple(name for name in STT_OPTIONS if name not in _OF_STREAMS),
    "tts": TTS_OPTIONS,
}

_MOST_LANGUAGES = 4

Capabilities = SttCapabilities | TtsCapabilities


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One provider, in one of its roles.

    Attributes:
        kind: recognition of streams, of files, or synthesis.
        missing: what to do before it can be used; None when nothing is missing.
        capabilities: what it can do; None where that is known only once it can be used.
        facts: its price, quality and latency, with their dates and sources.
    """

    kind: Kind
    name: str
    missing: str | None
    capabilities: Capabilities | None
    facts: Facts

    @property
    def not_honoured(self) -> tuple[str, ...] | None:
        """The options that it cannot honour; None when that is not known."""
        if self.capabilities is None:
            return None
        return tuple(name for name in _OPTIONS[self.kind] if name not in self.capabilities.options)

    @property
    def vendor(self) -> Declaration:
        """Whose it is."""
        return VENDORS[account_of(self.name)]

    @property
    def price(self) -> str:
        """Its list price, for people, with the date on which it was found."""
        facts = self.facts
        if facts.price is None:
            return "not known"
        if not facts.price:
            return "free, runs here"
        unit = "minute" if facts.usd_per_minute is not None else "1000 characters"
        return f"${facts.price:g} per {unit} ({facts.price_date})"

    @property
    def languages(self) -> str:
        """The first of its languages, and how many more there are; empty when it is not known."""
        tags = () if self.capabilities is None else self.capabilities.languages
        more = f" and {len(tags) - _MOST_LANGUAGES} more" if len(tags) > _MOST_LANGUAGES else ""
        return ", ".join(tags[:_MOST_LANGUAGES]) + more


def overview(chosen: Chosen) -> list[ProviderInfo]:
    """All providers: those that recognize streams, those that take files, those that speak."""
    return [_info(chosen, kind, name) for kind, table in TABLES.items() for name in table]


def _info(chosen: Chosen, kind: Kind, name: str) -> ProviderInfo:
    missing = chosen.missing(kind, name)
    capabilities = _general(kind, name) if missing else _own(chosen, kind, name)
    return ProviderInfo(kind, name, missing, capabilities, chosen.facts(kind, name))


def _own(chosen: Chosen, kind: Kind, name: str) -> Capabilities | None:
    """What it can do as it is configured: the model may decide."""
    try:
        if kind == "tts":
            return chosen.synthesizer(name).provider.capabilities
        door = chosen.door(name) if kind == "files" else None
        return (door or chosen.recognizer(name)).provider.capabilities
    except MissingKeyError:
        return _general(kind, name)


def _general(kind: Kind, name: str) -> Capabilities | None:
    """What it can do however it is configured, if its class says so."""
    try:
        found = getattr(class_of(kind, name), "capabilities", None)
    except MissingKeyError:
        return None  # its module needs what is missing
    return found if isinstance(found, Capabilities) else None
