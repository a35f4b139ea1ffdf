"""Reads the configuration of a transcription session, and finds what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from media.audio import ULAW_8K, AudioFormat, Encoding
from tests.vendors.speech.refusal import Json

from .offer import KEYWORD_MODELS, LIVE_MODELS, SESSION_MODELS, check_language, check_model
from .refusal import Wrong, check_keys, expect, unknown_value

__all__ = ["FORMATS", "TranscriptionConfig", "format_of", "read_config"]

FORMATS = {
    "audio/pcmu": ULAW_8K,
    "audio/pcma": AudioFormat(Encoding.ALAW, 8_000),
    "audio/pcm": AudioFormat(Encoding.PCM16, 24_000),
}
_INPUT = "session.audio.input."


@dataclass(frozen=True, slots=True)
class TranscriptionConfig:
    """What is to be transcribed, and how."""

    format: AudioFormat
    model: str
    languages: tuple[str, ...]
    keywords: tuple[str, ...]

    @property
    def is_live(self) -> bool:
        """Whether what is said is told while it is being said."""
        return self.model in LIVE_MODELS


def read_config(session: Json) -> TranscriptionConfig:
    """Read the `session` of a `session.update`.

    Raises:
        Wrong: something in it is not as it has to be.
    """
    if expect(session, "type", str, "session.") != "transcription":
        raise unknown_value("session.type", session["type"], ["transcription"])
    check_keys(session, {"type", "audio", "include"}, "session.")
    audio = expect(session, "audio", dict, "session.")
    check_keys(audio, {"input"}, "session.audio.")
    heard = expect(audio, "input", dict, "session.audio.")
    check_keys(heard, {"format", "transcription", "noise_reduction", "turn_detection"}, _INPUT)
    audio_format = format_of(expect(heard, "format", dict, _INPUT), f"{_INPUT}format")
    asked = expect(heard, "transcription", dict, _INPUT)
    path = f"{_INPUT}transcription."
    check_keys(asked, {"model", "language", "languages", "keywords", "prompt", "delay"}, path)
    model = expect(asked, "model", str, path)
    check_model(model, SESSION_MODELS, f"{path}model")
    _check_turns(heard, model)
    return TranscriptionConfig(
        audio_format, model, _languages(asked, model, path), _keywords(asked, model, path)
    )


def format_of(given: Json, path: str) -> AudioFormat:
    """The audio's format.

    Raises:
        Wrong: it is none.
    """
    kind = expect(given, "type", str, f"{path}.")
    if kind not in FORMATS:
        raise unknown_value(f"{path}.type", kind, FORMATS)
    check_keys(given, {"type", "rate"} if kind == "audio/pcm" else {"type"}, f"{path}.")
    if kind == "audio/pcm" and given.get("rate", 24_000) != 24_000:
        raise Wrong("Only a rate of 24000 is supported.", f"{path}.rate", "invalid_value")
    return FORMATS[kind]


def _check_turns(heard: Json, model: str) -> None:
    """The live models have no VAD, and whoever leaves it out would get one (assumed)."""
    if "turn_detection" not in heard or heard["turn_detection"] is not None:
        message = f"Turn detection is not supported with '{model}'; it must be null."
        if model not in LIVE_MODELS:
            message = "This stand-in has no turn detection."
        raise Wrong(message, f"{_INPUT}turn_detection", "invalid_value")


def _languages(asked: Json, model: str, path: str) -> tuple[str, ...]:
    if "languages" not in asked:
        languages = [expect(asked, "language", str, path)] if "language" in asked else []
    elif model not in KEYWORD_MODELS or "language" in asked:
        raise Wrong("'languages' is not supported here.", f"{path}languages", "invalid_value")
    else:
        languages = expect(asked, "languages", list, path)
    for language in languages:
        check_language(language, f"{path}language")
    return tuple(languages)


def _keywords(asked: Json, model: str, path: str) -> tuple[str, ...]:
    if "keywords" not in asked:
        return ()
    if model not in KEYWORD_MODELS:
        raise Wrong("'keywords' is not supported here.", f"{path}keywords", "invalid_value")
    return tuple(expect(asked, "keywords", list, path))
