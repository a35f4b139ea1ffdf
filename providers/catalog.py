"""Name → provider. A vendor is one line here; its module is imported only when it is used.

What is declared of it is in `vendors/<account>.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .declaration import Declaration, declaration_of
from .domain import is_within
from .errors import UnsupportedError
from .facts import Facts, Kind

if TYPE_CHECKING:  # they bring numpy, and who reads settings may have no need of it
    from .types import FileRecognizer, SttProvider, TtsProvider

__all__ = ["FILES", "SHARED", "STT", "TABLES", "TTS", "VENDORS", "account_of", "build_file_stt"]
__all__ += ["build_files_beside", "build_stt", "build_tts", "facts_of"]

VENDORS: Mapping[str, Declaration] = {
    account: declaration_of(account)
    for account in (
        "pocketsphinx",
        "espeak",
        "whisper",
        "soniox",
        "deepgram",
        "elevenlabs",
        "openai",
    )
}
"""By account. When nothing is said about which is better, the first that is configured is taken."""


def _table(kind: Kind) -> dict[str, str]:
    offers = [vendor.offers[kind] for vendor in VENDORS.values()]
    return {name: offer.path for offered in offers for name, offer in offered.items()}


STT = _table("stt")
TTS = _table("tts")
FILES = _table("files")
"""Recognizers of whole recordings, where a vendor has a door of its own for them."""
TABLES: Mapping[Kind, Mapping[str, str]] = {"stt": STT, "files": FILES, "tts": TTS}
SHARED = frozenset({"whisper"})
"""Whose streams and recordings go through one engine: it is too large to be loaded twice."""


def account_of(name: str) -> str:
    """Whose account a provider uses: `deepgram-flux` is Deepgram's as `deepgram` is."""
    return name.partition("-")[0]


def facts_of(kind: Kind, name: str, settings: Mapping[str, Any] | None = None) -> Facts:
    """What is known of a provider; nothing but defaults of one that is not in the catalogue.

    Args:
        kind: what it is used for.
        name: of the provider.
        settings: its account's: a server of one's own has no list price.
    """
    vendor = VENDORS.get(account_of(name))
    offer = vendor.offers[kind].get(name) if vendor else None
    if vendor is None or offer is None:
        return Facts()
    address = (settings or {}).get(offer.own_server or "")
    if not address or is_within(address, vendor.domain or ""):
        return offer.facts
    own = replace(offer.facts, priced="a server of your own", free=True)
    if kind == "tts":
        return replace(own, usd_per_1000_characters=0.0)
    return replace(own, usd_per_minute=0.0)


def build_stt(name: str, **settings: Any) -> SttProvider:
    """The recognizer called `name`, not yet started.

    Raises:
        UnsupportedError: there is no such recognizer.
        MissingKeyError: its key is not set, or its package extra not installed.
    """
    built = _build("speech-to-text", STT, name, settings)
    if hasattr(built, "codec"):
        return cast("SttProvider", _wrapped(built, "stt.streaming:StreamingStt"))
    return cast("SttProvider", built)


def build_tts(name: str, **settings: Any) -> TtsProvider:
    """The synthesizer called `name`, not yet started. Raises as `build_stt` does."""
    built = _build("text-to-speech", TTS, name, settings)
    if hasattr(built, "codec"):
        return cast("TtsProvider", _wrapped(built, "tts.synthesis:StreamingTts"))
    if hasattr(built, "request"):
        return cast("TtsProvider", _wrapped(built, "tts.http_synthesis:HttpTts"))
    return cast("TtsProvider", built)


def build_files_beside(recognizer: SttProvider) -> FileRecognizer:
    """The recognizer of whole recordings that shares the engine of one that is in `SHARED`."""
    return cast("FileRecognizer", cast(Any, recognizer).files())


def build_file_stt(name: str, **settings: Any) -> FileRecognizer:
    """The recognizer of whole recordings called `name`. Raises as `build_stt` does."""
    built = _build("speech-to-text for files", FILES, name, settings)
    if hasattr(built, "request"):
        return cast("FileRecognizer", _wrapped(built, "stt.http_files:HttpFiles"))
    return cast("FileRecognizer", built)


def _build(kind: str, table: dict[str, str], name: str, settings: dict[str, Any]) -> object:
    if name not in table:
        known = ", ".join(sorted(table))
        raise UnsupportedError(name, f"unknown {kind} provider", hint=f"choose one of: {known}")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)(**settings)


def _wrapped(vendor: object, engine: str) -> object:
    """A vendor that is pure, run by the engine for its kind, imported only now."""
    module, _, attribute = engine.partition(":")
    return getattr(import_module(f"providers.{module}"), attribute)(vendor)
