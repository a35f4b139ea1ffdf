"""Name → provider. A vendor is one line here; its module is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from .errors import UnsupportedError
from .types import SttProvider, TtsProvider

__all__ = ["STT", "TTS", "build_stt", "build_tts"]

STT = {
    "pocketsphinx": "providers.stt.pocketsphinx:PocketSphinx",
}
TTS = {
    "espeak": "providers.tts.espeak:ESpeak",
}


def build_stt(name: str, **settings: Any) -> SttProvider:
    """The recognizer called `name`, not yet started.

    Raises:
        UnsupportedError: there is no such recognizer.
        MissingKeyError: its package extra is not installed.
    """
    return cast(SttProvider, _build("speech-to-text", STT, name, settings))


def build_tts(name: str, **settings: Any) -> TtsProvider:
    """The synthesizer called `name`, not yet started. Raises as `build_stt` does."""
    return cast(TtsProvider, _build("text-to-speech", TTS, name, settings))


def _build(kind: str, table: dict[str, str], name: str, settings: dict[str, Any]) -> object:
    if name not in table:
        known = ", ".join(sorted(table))
        raise UnsupportedError(name, f"unknown {kind} provider", hint=f"choose one of: {known}")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)(**settings)
