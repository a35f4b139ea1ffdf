"""What there is: models, languages and voices, as OpenAI's reference lists them."""

from __future__ import annotations

from .refusal import Wrong

__all__ = [
    "FILE_MODELS",
    "KEYWORD_MODELS",
    "LIVE_MODELS",
    "MODELS",
    "REALTIME_MODELS",
    "REALTIME_VOICES",
    "SESSION_MODELS",
    "SPEECH_MODELS",
    "VOICES",
    "check_language",
    "check_model",
]

LIVE_MODELS = {"gpt-live-transcribe", "gpt-realtime-whisper"}
"""They transcribe while one speaks, and have no VAD."""
FILE_MODELS = {
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "whisper-1",
}
SESSION_MODELS = LIVE_MODELS | FILE_MODELS
KEYWORD_MODELS = {"gpt-transcribe", "gpt-live-transcribe"}
SPEECH_MODELS = {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"}
REALTIME_MODELS = {"gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2"}
MODELS = SESSION_MODELS | SPEECH_MODELS | REALTIME_MODELS
REALTIME_VOICES = {
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"),
}
VOICES = REALTIME_VOICES | {"fable", "nova", "onyx"}
# Languages by their two letters; which others there are is left open (assumed: none).
_LANGUAGES = {
    *("af", "ar", "az", "be", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es"),
    *("et", "fa", "fi", "fr", "gl", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja"),
    *("kk", "kn", "ko", "lt", "lv", "mi", "mk", "mr", "ms", "ne", "nl", "no", "pl", "pt"),
    *("ro", "ru", "sk", "sl", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk", "ur", "vi"),
    *("zh"),
}


def check_model(model: str, known: set[str], param: str = "model") -> None:
    """See that there is such a model for such a use.

    Raises:
        Wrong: there is none.
    """
    if model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise Wrong(message, param, "model_not_found", status=404)
    if model not in known:
        raise Wrong(f"The model '{model}' is not supported here.", param, "invalid_value")


def check_language(language: object, param: str = "language") -> None:
    """See that a language is given as ISO 639-1 has it, and known.

    Raises:
        Wrong: it is not.
    """
    if language not in _LANGUAGES:
        message = f"Invalid language '{language}'. Language must be in ISO-639-1 format."
        raise Wrong(message, param, "unsupported_language")
