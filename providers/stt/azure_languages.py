"""PURE: the languages that Azure's recognizers understand, of streams and of recordings.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/language-support?tabs=stt
"""

from __future__ import annotations

from ..offered import check_understood, locale_of
from ..options import AUTO
from ..types import SttCapabilities, SttOptions

__all__ = ["FAST", "LOCALES", "locales"]

_NAMES = (
    "en-US en-GB en-AU en-CA en-GH en-HK en-IE en-IN en-KE en-NG en-NZ en-PH en-SG en-TZ en-ZA"
    " af-ZA am-ET ar-SA ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM"
    " ar-PS ar-QA ar-SY ar-TN ar-YE az-AZ bg-BG bn-IN bs-BA ca-ES cs-CZ cy-GB da-DK de-DE de-AT"
    " de-CH el-GR es-ES es-MX es-US es-AR es-BO es-CL es-CO es-CR es-CU es-DO es-EC es-GQ es-GT"
    " es-HN es-NI es-PA es-PE es-PR es-PY es-SV es-UY es-VE et-EE eu-ES fa-IR fi-FI fil-PH"
    " fr-FR fr-BE fr-CA fr-CH ga-IE gl-ES gu-IN he-IL hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-IT"
    " it-CH ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK ml-IN mn-MN mr-IN"
    " ms-MY mt-MT my-MM nb-NO ne-NP nl-NL nl-BE pa-IN pl-PL ps-AF pt-BR pt-PT ro-RO ru-RU si-LK"
    " sk-SK sl-SI so-SO sq-AL sr-RS sv-SE sw-KE sw-TZ ta-IN te-IN th-TH tr-TR uk-UA ur-IN uz-UZ"
    " vi-VN wuu-CN yue-CN zh-CN zh-CN-shandong zh-CN-sichuan zh-HK zh-TW zu-ZA"
)
LOCALES = tuple(_NAMES.split())
"""Of each language the locale that it is taken for, when it is named without one, comes first."""
_NOT_FAST = frozenset(("ar-DZ", "ar-MA", "zh-CN-shandong", "zh-CN-sichuan"))
FAST = tuple(locale for locale in LOCALES if locale not in _NOT_FAST)
"""Those that the fast transcription of recordings knows in every region that has it."""


def locales(provider: str, options: SttOptions, able: SttCapabilities) -> list[str]:
    """The locales that may be spoken, by Azure's names; that of `options.language` comes first.
    "auto" is none: it may be any of the others, or of all when there are none.

    Args:
        provider: the catalogue name.
        options: what is asked for.
        able: what is on offer.

    Raises:
        UnsupportedLanguageError: one of them is not on offer.
    """
    tags = (options.language, *options.languages)
    check_understood(provider, able, tags)
    return list(dict.fromkeys(locale_of(tag, able.languages) for tag in tags if tag != AUTO))
