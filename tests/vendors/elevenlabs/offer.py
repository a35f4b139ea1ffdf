"""ElevenLabs' voices, models and audio formats."""

from __future__ import annotations

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Json

from .refusal import Wrong

__all__ = ["DEFAULT_VOICE", "FORMATS", "MODELS", "VOICES", "check_language", "decodable"]

DEFAULT_VOICE = "JBFqnCBsd6RMkjVDRZzb"
_V2 = "en ja zh de hi fr ko pt it es id nl tr fil pl sv bg ro ar cs el fi hr ms sk da ta uk ru"
_V2_5 = f"{_V2} hu no vi"
MODELS: dict[str, frozenset[str] | None] = {
    "eleven_flash_v2": None,
    "eleven_turbo_v2": None,
    "eleven_multilingual_v2": None,
    "eleven_flash_v2_5": frozenset(_V2_5.split()),
    "eleven_turbo_v2_5": frozenset(_V2_5.split()),
    "eleven_v3": frozenset([*_V2_5.split(), "th", "he", "cy"]),
    "eleven_v4_turbo": frozenset([*_V2_5.split(), "th", "he", "cy"]),
}
"""The languages that each model can be told; None where it refuses to be told any."""
FORMATS: dict[str, AudioFormat | None] = {
    **{f"mp3_{shape}": None for shape in ("22050_32", "44100_64", "44100_128", "44100_192")},
    **{f"opus_48000_{rate}": None for rate in (32, 64, 96, 128, 192)},
    **{
        f"pcm_{rate_hz}": AudioFormat(Encoding.PCM16, rate_hz)
        for rate_hz in (8000, 16000, 22050, 24000, 32000, 44100, 48000)
    },
    "ulaw_8000": AudioFormat(Encoding.ULAW, 8000),
    "alaw_8000": AudioFormat(Encoding.ALAW, 8000),
}
"""The output formats; None for one that the stand-in does not encode."""


def _voice(voice_id: str, name: str, language: str, gender: str) -> Json:
    labels = {
        "accent": "american",
        "age": "young",
        "gender": gender,
        "use_case": "conversational",
        "language": language,
        "description": "calm",
    }
    return {
        "voice_id": voice_id,
        "name": name,
        "category": "premade",
        "labels": labels,
        "description": f"{name}'s voice",
        "preview_url": None,
        "high_quality_base_model_ids": ["eleven_flash_v2_5"],
        "verified_languages": None,
        "settings": None,
    }


VOICES = (
    _voice(DEFAULT_VOICE, "George", "en", "male"),
    _voice("EXAVITQu4vr4xnSDxMaL", "Sarah", "en", "female"),
    _voice("ThT5KcBeYPX3keUQqHPh", "Greta", "de", "female"),
)


def check_language(model: str, language: str | None) -> None:
    """See that a model can be told a language.

    Raises:
        Refusal: it cannot.
    """
    if language is None:
        return
    languages = MODELS[model]
    if languages is None or language not in languages:
        raise Wrong(
            f"Model '{model}' does not support the language_code {language}.",
            kind="unsupported_language",
            param="language_code",
        )


def decodable(output_format: str) -> AudioFormat:
    """A format's shape.

    Raises:
        Refusal: there is no such format, or the stand-in does not encode it.
    """
    if output_format not in FORMATS:
        raise Wrong(f"There is no format {output_format}", param="output_format")
    shape = FORMATS[output_format]
    if shape is None:
        raise Wrong(f"{output_format} is not simulated", param="output_format")
    return shape
