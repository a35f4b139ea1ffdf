"""What Deepgram offers: models and their languages, and voices."""

from __future__ import annotations

import uuid
from typing import Any

from .refusal import Wrong

__all__ = ["FLUX_LANGUAGES", "MODELS", "VOICES", "check_model"]

_NOVA_3 = (
    "en en-US en-AU en-GB en-IN en-NZ af be bg bn bs ca cs da da-DK de de-CH el es es-419 et fa fi"
    " fr fr-CA gu gu-IN he hi hr hu hy id it ja ka kk kk-KZ kn ko ko-KR lt lv mk mr ms ne nl nl-BE"
    " no pa pl pt pt-BR pt-PT ro ru sk sl sr sv sv-SE ta te th th-TH tl tr uk ur vi zh zh-CN zh-HK"
    " zh-Hans zh-Hant zh-TW multi"
)
_NOVA_2 = (
    "en en-US en-AU en-GB en-IN en-NZ bg ca cs da da-DK de de-CH el es es-419 et fi fr fr-CA hi hu"
    " id it ja ko ko-KR lt lv ms nl nl-BE no pl pt pt-BR pt-PT ro ru sk sv sv-SE th th-TH tr uk vi"
    " zh zh-CN zh-Hans zh-Hant zh-TW multi"
)
NOVA_3, NOVA_2 = frozenset(_NOVA_3.split()), frozenset(_NOVA_2.split())
ENGLISH = frozenset(("en", "en-US"))
STT_MODELS = {
    "nova-3": NOVA_3,
    "nova-3-general": NOVA_3,
    "nova-3-medical": ENGLISH | {"en-AU", "en-GB", "en-IN", "en-NZ"},
    "nova-2": NOVA_2,
    "nova-2-general": NOVA_2,
    "nova-2-phonecall": ENGLISH,
    "nova-2-meeting": ENGLISH,
    "base": ENGLISH,
}
FLUX_LANGUAGES = frozenset(["en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl"])
VOICES = {
    "aura-2-thalia-en": ("thalia", "en-US", "American", ("feminine", "clear", "confident")),
    "aura-2-zeus-en": ("zeus", "en-US", "American", ("masculine", "deep")),
    "aura-2-draco-en": ("draco", "en-GB", "British", ("masculine", "warm")),
    "aura-2-celeste-es": ("celeste", "es-CO", "Colombian", ("feminine", "clear")),
    "aura-2-viktoria-de": ("viktoria", "de-DE", "German", ("feminine",)),
    "aura-2-agathe-fr": ("agathe", "fr-FR", "French", ("feminine",)),
    "aura-2-rhea-nl": ("rhea", "nl-NL", "Dutch", ("feminine",)),
    "aura-2-livia-it": ("livia", "it-IT", "Italian", ("feminine",)),
    "aura-2-izanami-ja": ("izanami", "ja-JP", "Japanese", ("feminine",)),
}


def check_model(model: str, language: str) -> None:
    """See that a recognizer understands a language.

    Raises:
        Wrong: there is no such model, or not for that language.
    """
    if language not in STT_MODELS.get(model, ()):
        raise Wrong("No such model/language/tier combination found.")


def _uuid(model: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, model))


def _listed_voice(model: str) -> dict[str, Any]:
    name, language, accent, tags = VOICES[model]
    return {
        "name": name,
        "canonical_name": model,
        "architecture": "aura-2",
        "languages": [language.partition("-")[0], language],
        "version": "2025-04-07.0",
        "uuid": _uuid(model),
        "metadata": {
            "accent": accent,
            "age": "Adult",
            "color": "#ffffff",
            "image": f"https://static.deepgram.com/{name}.png",
            "sample": f"https://static.deepgram.com/{name}.wav",
            "tags": list(tags),
            "use_cases": ["Customer service", "IVR"],
        },
    }


MODELS = {
    "stt": [
        {
            "name": model.rpartition("-")[2],
            "canonical_name": model,
            "architecture": model[:6],
            "languages": sorted(languages),
            "version": "2026-01-01.0",
            "uuid": _uuid(model),
            "batch": True,
            "streaming": True,
            "formatted_output": True,
        }
        for model, languages in STT_MODELS.items()
    ],
    "tts": [_listed_voice(model) for model in VOICES],
}
"""The answer to `GET /v1/models`."""
