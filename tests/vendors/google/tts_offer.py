"""The voices that Google offers: Chirp's in all their languages, and of the others some.

Source: https://cloud.google.com/text-to-speech/docs/chirp3-hd and its page `list-voices-and-types`
"""

from __future__ import annotations

from collections.abc import Iterator

from google.cloud.texttospeech_v1.types import SsmlVoiceGender, Voice

__all__ = ["CHIRP", "GEMINI", "NAMES", "VOICES", "listed"]

CHIRP = "-Chirp3-HD-"
GEMINI = frozenset(("gemini-2.5-flash-tts", "gemini-2.5-pro-tts"))
FEMALE, MALE = SsmlVoiceGender(2), SsmlVoiceGender(1)
_FEMALE = (
    "Achernar Aoede Autonoe Callirrhoe Despina Erinome Gacrux Kore Laomedeia Leda Pulcherrima"
    " Sulafat Vindemiatrix Zephyr"
)
_MALE = (
    "Achird Algenib Algieba Alnilam Charon Enceladus Fenrir Iapetus Orus Puck Rasalgethi Sadachbia"
    " Sadaltager Schedar Umbriel Zubenelgenubi"
)
NAMES = {**dict.fromkeys(_FEMALE.split(), FEMALE), **dict.fromkeys(_MALE.split(), MALE)}
_CHIRP_LOCALES = (
    "ar-XA bg-BG bn-IN cmn-CN cs-CZ da-DK de-DE el-GR en-AU en-GB en-IN en-US es-ES es-US et-EE"
    " fi-FI fr-CA fr-FR gu-IN he-IL hi-IN hr-HR hu-HU id-ID it-IT ja-JP kn-IN ko-KR lt-LT lv-LV"
    " ml-IN mr-IN nb-NO nl-BE nl-NL pl-PL pt-BR ro-RO ru-RU sk-SK sl-SI sr-RS sv-SE sw-KE ta-IN"
    " te-IN th-TH tr-TR uk-UA ur-IN vi-VN"
)
_OTHER_LOCALES = "af-ZA ca-ES cmn-TW eu-ES fil-PH gl-ES is-IS ms-MY pa-IN pt-PT yue-HK"
_OTHERS = {"en-US-Neural2-F": FEMALE, "en-US-Wavenet-D": MALE, "de-DE-Neural2-G": FEMALE}


def _offered() -> Iterator[tuple[str, SsmlVoiceGender]]:
    for locale in f"{_CHIRP_LOCALES} {_OTHER_LOCALES}".split():
        yield f"{locale}-Standard-A", FEMALE
    yield from _OTHERS.items()
    for locale in _CHIRP_LOCALES.split():
        for name, gender in NAMES.items():
            yield f"{locale}{CHIRP}{name}", gender


VOICES = dict(_offered())
"""The gender of each voice, by its name."""


def locale_of(name: str) -> str:
    """The language of a voice."""
    return "-".join(name.split("-")[:2])


def listed(language_code: str) -> list[Voice]:
    """What a list for a language holds, which may leave the region out; empty is any language."""
    return [
        Voice(
            language_codes=[locale_of(name)],
            name=name,
            ssml_gender=gender,
            natural_sample_rate_hertz=24_000,
        )
        for name, gender in VOICES.items()
        if f"{locale_of(name)}-".startswith(f"{language_code}-") or not language_code
    ]
