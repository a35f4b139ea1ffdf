"""PURE: what streams and recordings have in common at ElevenLabs: languages and terms."""

from __future__ import annotations

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..elevenlabs import HEARD, PROVIDER, language_code
from ..offered import check_understood
from ..options import AUTO
from ..types import SttCapabilities, SttOptions

__all__ = ["check_languages", "key_terms", "languages", "offered"]

_LANGUAGES = ("en", AUTO, *(tag for tag in HEARD if tag != "en"))
_NOT_IN_TERMS = frozenset("<>{}[]\\")


def offered(*more: str) -> SttCapabilities:
    """What Scribe can do; `more` are the options that it honours besides."""
    return SttCapabilities(
        languages=_LANGUAGES,
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        word_times=True,
        options=frozenset(
            [
                *("interim_results", "languages", "model", "key_terms", "phrases", *more),
                # It never ends a turn, so it need not be told not to.
                "endpointing",
            ]
        ),
    )


def check_languages(options: SttOptions, capabilities: SttCapabilities) -> None:
    """See that it understands what may be spoken.

    Raises:
        UnsupportedLanguageError: it does not.
    """
    check_understood(PROVIDER, capabilities, (options.language, *options.languages))


def languages(options: SttOptions) -> tuple[str | None, list[str]]:
    """The codes of the language, None for any, and of others that may be spoken."""
    first = language_code(options.language)
    others = dict.fromkeys(map(language_code, options.languages))
    for code in (AUTO, first):
        others.pop(code, None)
    return None if first == AUTO else first, list(others)


def key_terms(options: SttOptions, most: int, characters: int, words: int) -> list[str]:
    """The terms that it takes, the more important ones first.

    Args:
        options: what is asked for.
        most: how many.
        characters, words: of one term.
    """
    terms = dict.fromkeys(term.strip() for term in (*options.key_terms, *options.phrases))
    taken = [
        term
        for term in terms
        if 0 < len(term) <= characters
        and len(term.split()) <= words
        and _NOT_IN_TERMS.isdisjoint(term)
    ]
    return taken[:most]
