"""PURE: the languages that Google's recognizers understand, and what they call them.

Source: https://docs.cloud.google.com/speech-to-text/docs/speech-to-text-supported-languages
"""

from __future__ import annotations

from ..offered import check_understood, locale_of
from ..options import AUTO
from ..types import SttCapabilities, SttOptions

__all__ = ["LANGUAGES", "MOST_LANGUAGES", "languages_of"]

_NAMES = (
    "en-US en-GB en-AU en-CA en-GH en-HK en-IE en-IN en-KE en-NG en-NZ en-PH en-PK en-SG en-TZ"
    " en-ZA af-ZA am-ET ar-EG ar-AE ar-BH ar-DZ ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-MR ar-OM"
    " ar-PS ar-QA ar-SA ar-SY ar-TN ar-YE az-AZ bg-BG bn-BD bn-IN bs-BA ca-ES cmn-Hans-CN"
    " cmn-Hans-HK cmn-Hant-TW cs-CZ da-DK de-DE de-AT de-CH el-GR es-ES es-US es-MX es-AR es-BO"
    " es-CL es-CO es-CR es-DO es-EC es-GT es-HN es-NI es-PA es-PE es-PR es-PY es-SV es-UY es-VE"
    " et-EE eu-ES fa-IR fi-FI fil-PH fr-FR fr-BE fr-CA fr-CH gl-ES gu-IN hr-HR hu-HU hy-AM id-ID"
    " is-IS it-IT it-CH iw-IL ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK"
    " ml-IN mn-MN mr-IN ms-MY my-MM ne-NP nl-NL nl-BE no-NO pa-Guru-IN pl-PL pt-BR pt-PT ro-RO"
    " ru-RU rw-RW si-LK sk-SK sl-SI sq-AL sr-RS su-ID sv-SE sw-KE sw-TZ ta-IN ta-LK ta-MY ta-SG"
    " te-IN th-TH tr-TR uk-UA ur-IN ur-PK uz-UZ vi-VN xh-ZA yue-Hant-HK zu-ZA"
)
_LOCALES = tuple(_NAMES.split())
# As people and BCP-47 have it, and what Google calls it.
_OWN_NAMES = {
    "zh": "cmn-Hans-CN",
    "zh-CN": "cmn-Hans-CN",
    "zh-TW": "cmn-Hant-TW",
    "zh-HK": "yue-Hant-HK",
    "he": "iw-IL",
    "he-IL": "iw-IL",
    "nb": "no-NO",
    "nb-NO": "no-NO",
    "tl": "fil-PH",
}
LANGUAGES = (*_LOCALES, *_OWN_NAMES)
"""Of each language the locale that it is taken for, when it is named without one, comes first."""
MOST_LANGUAGES = 4
"""That may be spoken in one stream: one, and three more."""


def languages_of(provider: str, able: SttCapabilities, options: SttOptions) -> list[str]:
    """What may be spoken, by Google's names; that of `options.language` comes first.

    Args:
        provider: the catalogue name.
        able: what is on offer.
        options: what is asked for.

    Raises:
        UnsupportedLanguageError: one of them is not on offer.
    """
    tags = (options.language, *options.languages)
    check_understood(provider, able, tags)
    return list(dict.fromkeys(map(_name, tags)))[:MOST_LANGUAGES]


def _name(tag: str) -> str:
    if tag.lower() == AUTO:
        return AUTO
    own = {name.lower(): locale for name, locale in _OWN_NAMES.items()}
    return locale_of(own.get(tag.lower(), tag), _LOCALES)
