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
from .errors import MissingKeyError, UnsupportedError
from .facts import Facts, Kind

if TYPE_CHECKING:  # they bring numpy, and who reads settings may have no need of it
    from .types import FileRecognizer, SttProvider, TtsProvider

__all__ = ["FILES", "SHARED", "STT", "TABLES", "TTS", "VENDORS", "account_of", "build_file_stt"]
__all__ += ["build_files_beside", "build_stt", "build_tts", "class_of", "facts_of", "run"]

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
        "google",
        "azure",
        "assemblyai",
        "cartesia",
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
_KINDS: Mapping[Kind, str] = {
    "stt": "speech-to-text",
    "files": "speech-to-text for files",
    "tts": "text-to-speech",
}
_ENGINES: Mapping[Kind, Mapping[str, str]] = {
    "stt": {"codec": "providers.stt.streaming:StreamingStt"},
    "files": {"request": "providers.stt.http_files:HttpFiles"},
    "tts": {
        "codec": "providers.tts.synthesis:StreamingTts",
        "request": "providers.tts.http_synthesis:HttpTts",
        "call": "providers.tts.call_synthesis:CallTts",
    },
}
"""What runs a vendor that is pure, by what it has; it is imported only when it is used, too."""
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


def class_of(kind: Kind, name: str) -> Any:
    """The class of a provider, or of the pure object that an engine makes one of.

    Raises:
        UnsupportedError: there is no such provider.
        MissingKeyError: its package extra is not installed.
    """
    if name not in TABLES[kind]:
        hint = f"choose one of: {', '.join(sorted(TABLES[kind]))}"
        raise UnsupportedError(name, f"unknown {_KINDS[kind]} provider", hint=hint)
    return _imported(name, TABLES[kind][name])


def run(kind: Kind, built: Any) -> Any:
    """What was built as a provider: a vendor that is pure is run by the engine for its kind.

    Raises:
        MissingKeyError: its package extra is not installed.
    """
    for face, engine in _ENGINES[kind].items():
        if hasattr(built, face):
            return _imported(built.name, engine)(built)
    return built


def build_stt(name: str, **settings: Any) -> SttProvider:
    """The recognizer called `name`, not yet started.

    Raises:
        UnsupportedError: there is no such recognizer.
        MissingKeyError: its key is not set, or its package extra not installed.
    """
    return cast("SttProvider", run("stt", class_of("stt", name)(**settings)))


def build_tts(name: str, **settings: Any) -> TtsProvider:
    """The synthesizer called `name`, not yet started. Raises as `build_stt` does."""
    return cast("TtsProvider", run("tts", class_of("tts", name)(**settings)))


def build_files_beside(recognizer: SttProvider) -> FileRecognizer:
    """The recognizer of whole recordings that shares the engine of one that is in `SHARED`."""
    return cast("FileRecognizer", cast(Any, recognizer).files())


def build_file_stt(name: str, **settings: Any) -> FileRecognizer:
    """The recognizer of whole recordings called `name`. Raises as `build_stt` does."""
    return cast("FileRecognizer", run("files", class_of("files", name)(**settings)))


def _imported(name: str, path: str) -> Any:
    """What a provider of that name needs."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = VENDORS[account_of(name)].extra
        if extra is None:
            raise
        hint = f"install parley[{extra}]"
        raise MissingKeyError(name, f"{error.name} is not there", hint=hint) from None
