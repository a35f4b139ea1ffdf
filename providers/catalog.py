"""Name → provider. A vendor is one line here; its module is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from .errors import UnsupportedError
from .types import FileRecognizer, SttProvider, TtsProvider

__all__ = ["FILES", "SHARED", "STT", "TTS", "account_of", "build_file_stt", "build_files_beside"]
__all__ += ["build_stt", "build_tts"]

STT = {
    "pocketsphinx": "providers.stt.pocketsphinx:PocketSphinx",
    "whisper": "providers.stt.whisper:Whisper",
    "soniox": "providers.stt.soniox:SonioxRecognizer",
    "deepgram": "providers.stt.deepgram:DeepgramRecognizer",
    "deepgram-flux": "providers.stt.deepgram_flux:FluxRecognizer",
    "elevenlabs": "providers.stt.elevenlabs:ElevenLabsRecognizer",
    "openai": "providers.stt.openai:OpenAiRecognizer",
}
TTS = {
    "espeak": "providers.tts.espeak:ESpeak",
    "soniox": "providers.tts.soniox:SonioxSynthesizer",
    "deepgram": "providers.tts.deepgram:DeepgramSynthesizer",
    "deepgram-http": "providers.tts.deepgram_http:DeepgramHttpSynthesizer",
    "elevenlabs": "providers.tts.elevenlabs:ElevenLabsSynthesizer",
    "elevenlabs-http": "providers.tts.elevenlabs_http:ElevenLabsHttpSynthesizer",
    "openai": "providers.tts.openai:OpenAiSpeech",
    "openai-realtime": "providers.tts.openai_realtime:OpenAiRealtimeSpeech",
}


FILES: dict[str, str] = {
    "deepgram": "providers.stt.deepgram_files:DeepgramFiles",
    "elevenlabs": "providers.stt.elevenlabs_files:ElevenLabsFiles",
    "whisper": "providers.stt.whisper_files:WhisperFiles",
    "openai": "providers.stt.openai_files:OpenAiFiles",
}
"""Recognizers of whole recordings, where a vendor has a door of its own for them."""
SHARED = frozenset({"whisper"})
"""Whose streams and recordings go through one engine: it is too large to be loaded twice."""


def account_of(name: str) -> str:
    """Whose account a provider uses: `deepgram-flux` is Deepgram's as `deepgram` is."""
    return name.partition("-")[0]


def build_stt(name: str, **settings: Any) -> SttProvider:
    """The recognizer called `name`, not yet started.

    Raises:
        UnsupportedError: there is no such recognizer.
        MissingKeyError: its key is not set, or its package extra not installed.
    """
    built = _build("speech-to-text", STT, name, settings)
    if hasattr(built, "codec"):
        return cast(SttProvider, _wrapped(built, "stt.streaming:StreamingStt"))
    return cast(SttProvider, built)


def build_tts(name: str, **settings: Any) -> TtsProvider:
    """The synthesizer called `name`, not yet started. Raises as `build_stt` does."""
    built = _build("text-to-speech", TTS, name, settings)
    if hasattr(built, "codec"):
        return cast(TtsProvider, _wrapped(built, "tts.synthesis:StreamingTts"))
    if hasattr(built, "request"):
        return cast(TtsProvider, _wrapped(built, "tts.http_synthesis:HttpTts"))
    return cast(TtsProvider, built)


def build_files_beside(recognizer: SttProvider) -> FileRecognizer:
    """The recognizer of whole recordings that shares the engine of one that is in `SHARED`."""
    return cast(FileRecognizer, cast(Any, recognizer).files())


def build_file_stt(name: str, **settings: Any) -> FileRecognizer:
    """The recognizer of whole recordings called `name`. Raises as `build_stt` does."""
    built = _build("speech-to-text for files", FILES, name, settings)
    if hasattr(built, "request"):
        return cast(FileRecognizer, _wrapped(built, "stt.http_files:HttpFiles"))
    return cast(FileRecognizer, built)


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
