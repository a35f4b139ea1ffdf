"""Name → provider. A vendor is one line here; its module is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from .errors import UnsupportedError
from .types import SttProvider, TtsProvider

__all__ = ["STT", "TTS", "build_stt", "build_tts"]

STT = {
    "pocketsphinx": "providers.stt.pocketsphinx:PocketSphinx",
    "soniox": "providers.stt.soniox:SonioxRecognizer",
}
TTS = {
    "espeak": "providers.tts.espeak:ESpeak",
    "soniox": "providers.tts.soniox:SonioxSynthesizer",
}


def build_stt(name: str, **settings: Any) -> SttProvider:
    """The recognizer called `name`, not yet started.

    Raises:
        UnsupportedError: there is no such recognizer.
        MissingKeyError: its package extra is not installed.
    """
    built = _build("speech-to-text", STT, name, settings)
    return _on_engine(built, "stt.recognition:StreamingStt") or cast(SttProvider, built)


def build_tts(name: str, **settings: Any) -> TtsProvider:
    """The synthesizer called `name`, not yet started. Raises as `build_stt` does."""
    built = _build("text-to-speech", TTS, name, settings)
    return _on_engine(built, "tts.synthesis:StreamingTts") or cast(TtsProvider, built)


def _build(kind: str, table: dict[str, str], name: str, settings: dict[str, Any]) -> object:
    if name not in table:
        known = ", ".join(sorted(table))
        raise UnsupportedError(name, f"unknown {kind} provider", hint=f"choose one of: {known}")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)(**settings)


def _on_engine(built: object, engine: str) -> Any:
    """A vendor that is a maker of codecs, run by the engine for it; None for what runs itself."""
    if not hasattr(built, "codec"):
        return None
    module, _, attribute = engine.partition(":")
    return getattr(import_module(f"providers.{module}"), attribute)(built)
