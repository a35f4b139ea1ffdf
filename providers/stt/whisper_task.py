"""PURE: what is asked of Whisper for one utterance: in which languages, with which words, how well.

Source of the languages: the tokenizer of https://github.com/SYSTRAN/faster-whisper, 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..errors import UnsupportedLanguageError
from ..options import AUTO, SttOptions
from ..tags import general

__all__ = ["CODES", "PROVIDER", "Task", "language_tags", "task"]

PROVIDER = "whisper"

CODES = (
    *("af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy"),
    *("da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw"),
    *("he", "hi", "hr", "ht", "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn"),
    *("ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt"),
    *("my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si"),
    *("sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl"),
    *("tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "yue", "zh"),
)
"""Whisper's own codes of the languages that its multilingual models know."""
MAX_TERM_BYTES = 120
"""Of terms, in UTF-8. With twice as many, true models begin to say the terms instead of what they
hear, and with long lists of phrases they understand nothing any more."""
# What Whisper calls a language that BCP-47 has another tag for.
_OWN_CODES = {"nb": "no", "fil": "tl", "jv": "jw"}


@dataclass(frozen=True, slots=True)
class Task:
    """How an utterance is to be decoded.

    Attributes:
        languages: Whisper's codes of those that may be spoken; none is any that the model knows.
        terms: words that may be said, for the model to lean to.
        draft: whether it is for an interim transcript: quickly, and without times.
        recording: whether it is a piece of one: nobody waits on the telephone, and there may be
            long pauses in it.
    """

    languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    draft: bool = False
    recording: bool = False


def language_tags(codes: Iterable[str]) -> tuple[str, ...]:
    """The BCP-47 tags on offer when a model knows the languages with these codes, and `auto`.

    A model of one language finds out nothing.
    """
    known = set(codes)
    tags = [*sorted(known), *(tag for tag, code in _OWN_CODES.items() if code in known)]
    return (*tags, AUTO) if len(known) > 1 else tuple(tags)


def task(options: SttOptions, codes: Iterable[str], *, recording: bool = False) -> Task:
    """What these options ask of a model that knows the languages with these codes.

    Of the key terms the first ones are taken, `MAX_TERM_BYTES` in all.

    Raises:
        UnsupportedLanguageError: it does not know one of them.
    """
    known = set(codes)
    tags = [options.language, *options.languages]
    if AUTO in tags:
        if len(known) == 1:
            raise _unknown(AUTO, known)
        tags = list(options.languages)
    languages = tuple(dict.fromkeys(_code(tag, known) for tag in tags if tag != AUTO))
    return Task(languages, _fitting(options.key_terms), recording=recording)


def _fitting(terms: Sequence[str]) -> tuple[str, ...]:
    sizes = accumulate(len(term.encode()) for term in terms)
    return tuple(term for term, size in zip(terms, sizes, strict=True) if size <= MAX_TERM_BYTES)


def _code(tag: str, known: set[str]) -> str:
    language = general(tag)
    code = _OWN_CODES.get(language, language)
    if code not in known:
        raise _unknown(tag, known)
    return code


def _unknown(tag: str, known: set[str]) -> UnsupportedLanguageError:
    hint = (
        "its model understands English alone: set WHISPER_MODEL to one without .en"
        if known == {"en"}
        else f"it understands {', '.join(language_tags(known))}"
    )
    return UnsupportedLanguageError(PROVIDER, f"language {tag!r} is not on offer", hint=hint)
