"""PURE: languages by name, in English or their own, or by code.

Names and codes are those of the Unicode CLDR and the IANA registry, by `langcodes`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from providers.options import AUTO

from .faults import Fault

__all__ = ["language_named"]

_MOST_CHARACTERS = 60
_CODE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*", re.IGNORECASE)
_WITH_COUNTRY = re.compile(r"(?P<language>[^(,]+)[(,](?P<country>[^(),]+)\)?")
_ALLOWED = [
    "auto",
    "a BCP-47 tag: en, en-US, ar-EG",
    "a name: english, Arabic, French (Canada), español de México",
]
# Varieties of Arabic have codes of their own, but recognizers have them by their countries.
_ARABIC = {
    "acm": "ar-IQ",
    "aeb": "ar-TN",
    "afb": "ar-KW",
    "apc": "ar-LB",
    "apd": "ar-SD",
    "arq": "ar-DZ",
    "ars": "ar-SA",
    "ary": "ar-MA",
    "arz": "ar-EG",
}
# These say that there is no one language, or that nobody knows which.
_NONE = {"und", "mul", "mis", "zxx"}


@lru_cache(maxsize=1_000)
def language_named(name: str) -> str:
    """`auto`, or a language's BCP-47 tag: `english` is `en`, `ara-EG` and `ar_eg` are `ar-EG`.

    Raises:
        Fault: bad_language.
    """
    wanted = name.strip()
    if wanted.lower() == AUTO:
        return AUTO
    # Of other characters the library of names makes keys of its own.
    readable = len(wanted) <= _MOST_CHARACTERS and wanted.isprintable()
    tag = _tag(wanted) if readable else None
    general = tag.partition("-")[0] if tag else ""
    if tag is None or general in _NONE:
        raise Fault(
            "bad_language",
            "language: there is none of this name or code; `allowed` says what to write",
            allowed=_ALLOWED,
        )
    return _ARABIC.get(general, tag)


def _tag(wanted: str) -> str | None:
    # Most sessions name none but the default; its import takes 60 ms.
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    if _CODE.fullmatch(wanted):
        try:
            tag = langcodes.standardize_tag(wanted, macro=True)
        except LanguageTagError:
            tag = ""
        if tag and langcodes.tag_is_valid(tag):
            return tag
    if (named := _named("language", wanted)) is not None:
        return langcodes.standardize_tag(named, macro=True)
    if parts := _WITH_COUNTRY.fullmatch(wanted):
        language = _named("language", parts["language"])
        country = _named("territory", parts["country"])
        if language and country:
            return langcodes.standardize_tag(f"{language.partition('-')[0]}-{country}", macro=True)
    return None


def _named(kind: str, name: str) -> str | None:
    """The code of a language or a country, if it has exactly that name in some language."""
    from language_data.names import TRIES, name_to_code, normalize_name

    code = name_to_code(kind, name)
    # It also gives what only begins alike.
    return code if normalize_name(name) in TRIES[f"und/name_to_{kind}"] else None
