"""PURE: Azure's voices: who speaks a language when nobody is chosen, and the list of a region.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/language-support?tabs=tts and,
for the list, the page `rest-text-to-speech`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..types import Voice

__all__ = ["VOICES", "default_voice", "is_multilingual", "locale_of", "voices_of"]

_NAMES = (
    "en-US:Jenny en-GB:Sonia en-AU:Natasha en-CA:Clara en-IE:Emily en-IN:Neerja en-NZ:Molly "
    "en-ZA:Leah es-ES:Elvira es-MX:Dalia es-US:Paloma es-AR:Elena es-CO:Salome fr-FR:Denise "
    "fr-CA:Sylvie fr-BE:Charline fr-CH:Ariane de-DE:Katja de-AT:Ingrid de-CH:Leni it-IT:Elsa "
    "pt-BR:Francisca pt-PT:Raquel nl-NL:Fenna nl-BE:Dena sv-SE:Sofie da-DK:Christel "
    "nb-NO:Pernille fi-FI:Selma is-IS:Gudrun pl-PL:Agnieszka cs-CZ:Vlasta sk-SK:Viktoria "
    "hu-HU:Noemi ro-RO:Alina bg-BG:Kalina hr-HR:Gabrijela sl-SI:Petra sr-RS:Sophie et-EE:Anu "
    "lt-LT:Ona lv-LV:Everita el-GR:Athina tr-TR:Emel ru-RU:Svetlana uk-UA:Polina he-IL:Hila "
    "ar-SA:Zariyah ar-EG:Salma fa-IR:Dilara hi-IN:Swara bn-IN:Tanishaa ta-IN:Pallavi "
    "te-IN:Shruti mr-IN:Aarohi gu-IN:Dhwani ur-PK:Uzma th-TH:Premwadee vi-VN:HoaiMy id-ID:Gadis "
    "ms-MY:Yasmin fil-PH:Blessica ja-JP:Nanami ko-KR:SunHi zh-CN:Xiaoxiao zh-TW:HsiaoChen "
    "zh-HK:HiuMaan ca-ES:Joana gl-ES:Sabela eu-ES:Ainhoa cy-GB:Nia ga-IE:Orla mt-MT:Grace "
    "sw-KE:Zuri af-ZA:Adri"
)
VOICES = {
    locale: f"{locale}-{name}Neural"
    for locale, name in (pair.split(":") for pair in _NAMES.split())
}
"""Who speaks a language when no voice is chosen; of several regions the first is the usual one."""


def default_voice(tag: str) -> str | None:
    """Who speaks a language (BCP-47), that of its region if there is one; None if nobody does."""
    wanted = tag.replace("_", "-").lower()
    exact = (voice for locale, voice in VOICES.items() if locale.lower() == wanted)
    near = (
        voice
        for locale, voice in VOICES.items()
        if locale.partition("-")[0] == wanted.partition("-")[0]
    )
    return next(exact, None) or next(near, None)


def locale_of(voice: str) -> str | None:
    """The locale that a voice's name begins with, such as `en-US`; None for one named otherwise."""
    parts = voice.split("-")
    return "-".join(parts[:-1]) if len(parts) > 2 and 2 <= len(parts[0]) <= 3 else None


def is_multilingual(voice: str) -> bool:
    """Whether a voice speaks more languages than its own, by its name."""
    return "Multilingual" in voice or ":DragonHD" in voice


def voices_of(provider: str, listed: Sequence[Mapping[str, Any]]) -> list[Voice]:
    """The voices of a region's list; raises what `OnePage` may be given for what is none."""
    return [_voice(provider, voice) for voice in listed]


def _voice(provider: str, listed: Mapping[str, Any]) -> Voice:
    tags = listed.get("VoiceTag") or {}
    styles = ", ".join(listed.get("StyleList") or ())
    told = [*(tags.get("VoicePersonalities") or ()), *([f"styles: {styles}"] if styles else ())]
    name, several = listed["ShortName"], listed.get("SecondaryLocaleList")
    return Voice(
        id=name,
        name=listed.get("LocalName") or listed.get("DisplayName") or name,
        language="" if several else listed["Locale"],
        gender=str(listed.get("Gender") or "").lower() or None,
        description="; ".join(told),
        use_cases=tuple(tags.get("TailoredScenarios") or ()),
        provider=provider,
    )
