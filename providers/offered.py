"""PURE: sees whether what is asked for is on offer, in the same way for every vendor."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import UnsupportedError, UnsupportedLanguageError
from .types import SttCapabilities

__all__ = ["check_understood", "check_within", "locale_of", "unsaid", "unspoken"]


def check_understood(provider: str, able: SttCapabilities, languages: Iterable[str]) -> None:
    """See that a recognizer understands what may be spoken.

    Args:
        provider: its catalogue name.
        able: what it can do.
        languages: BCP-47 tags.

    Raises:
        UnsupportedLanguageError: it does not.
    """
    for language in languages:
        if not able.understands(language):
            raise _unoffered(provider, language, "understands", able.languages)


def locale_of(tag: str, locales: Iterable[str]) -> str:
    """A locale as it is listed, or the first one of a language; one of them there has to be."""
    return next(locale for locale in locales if f"{locale}-".lower().startswith(f"{tag}-".lower()))


def unspoken(provider: str, language: str, languages: Iterable[str]) -> UnsupportedLanguageError:
    """The error of a synthesizer that does not speak a language, but these."""
    return _unoffered(provider, language, "speaks", languages)


def unsaid(provider: str, *, retryable: bool = False) -> UnsupportedError:
    """The error of a text that a synthesizer has dealt with, but without any audio."""
    return UnsupportedError(
        provider,
        "a text was answered without audio",
        hint="choose a voice that speaks the language, and the script, of the text",
        retryable=retryable,
    )


def check_within(provider: str, what: str, value: float, least: float, most: float) -> None:
    """See that a number may be asked for.

    Args:
        provider: whom.
        what: what it is, such as a speed.
        value: the number.
        least, most: its bounds, which are on offer too.

    Raises:
        UnsupportedError: it may not.
    """
    if not least <= value <= most:
        hint = f"it may be {least:g} to {most:g}"
        raise UnsupportedError(provider, f"{what} {value:g}", hint=hint)


def _unoffered(
    provider: str, language: str, does: str, languages: Iterable[str]
) -> UnsupportedLanguageError:
    return UnsupportedLanguageError(
        provider, f"language {language!r} is not on offer", hint=f"it {does} {', '.join(languages)}"
    )
