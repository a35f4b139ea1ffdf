"""PURE: what is asked of Deepgram's recognizers, as the query of a URL has it.

Source: https://developers.deepgram.com/docs/models-languages-overview and the pages of each
feature, such as https://developers.deepgram.com/docs/keyterm
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from media.audio import AudioFormat, Encoding

from ..deepgram import DeepgramAccount
from ..errors import UnsupportedLanguageError
from ..options import AUTO, SttOptions
from ..tags import general

__all__ = ["LANGUAGES", "MULTI", "TAGS", "asked", "encoding", "known", "terms"]

LANGUAGES: tuple[str, ...] = (
    *("en", "en-US", "en-AU", "en-GB", "en-IN", "en-NZ", "af", "be", "bg", "bn", "bs", "ca", "cs"),
    *("da", "da-DK", "de", "de-CH", "el", "es", "es-419", "et", "fa", "fi", "fr", "fr-CA", "gu"),
    *("gu-IN", "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "kk", "kk-KZ", "kn", "ko"),
    *("ko-KR", "lt", "lv", "mk", "mr", "ms", "ne", "nl", "nl-BE", "no", "pa", "pl", "pt", "pt-BR"),
    *("pt-PT", "ro", "ru", "sk", "sl", "sr", "sv", "sv-SE", "ta", "te", "th", "th-TH", "tl", "tr"),
    *("uk", "ur", "vi", "zh", "zh-CN", "zh-HK", "zh-Hans", "zh-Hant", "zh-TW"),
)
"""What Nova-3 understands, as of September 2026."""
MULTI = ("en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl")
"""The languages that may be mixed (`multi`), and those of Flux."""
ENGLISH = (
    *("phonecall", "medical", "meeting", "finance", "conversationalai", "voicemail", "video"),
    *("drivethru", "automotive", "atc"),
)
"""Models with one of these in their names understand English alone."""
_OWN_TAGS = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "cmn": "zh", "yue": "zh-HK"}
TAGS = (*LANGUAGES, *_OWN_TAGS)
"""BCP-47 tags of what Nova-3 understands."""
_TRADITIONAL = {"zh-mo": "zh-Hant"}
"""Where the region says which script is read."""
_ENCODINGS = {Encoding.ULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}
MAX_TERMS, MAX_TERM_TOKENS = 100, 500
"""Deepgram takes so many tokens of key terms in all."""
LETTERS_PER_TOKEN = 3
"""How Deepgram cuts words is not told: names make more tokens than words that are in use."""


def asked(
    provider: str, account: DeepgramAccount, options: SttOptions, *, whole: bool = False
) -> list[tuple[str, str]]:
    """What model, language and words are asked for.

    Args:
        provider: the catalogue name, for errors.
        account: whose model and language are the defaults.
        options: what is asked.
        whole: whether it is a whole recording, whose language can be looked for.

    Raises:
        UnsupportedLanguageError: a language is not on offer.
    """
    model = options.model or account.model
    query = [("model", model)]
    if whole and options.language == AUTO and account.language is None and not options.languages:
        query.append(("detect_language", "true"))
    else:
        query.append(("language", account.language or _language(provider, model, options)))
    # It writes neither punctuation nor capitals unless it is asked to.
    if options.punctuation is not False:
        query.append(("punctuate", "true"))
    if options.profanity_filter:
        query.append(("profanity_filter", "true"))
    if options.diarization:
        query.append(("diarize_model", "latest"))
    name = "keyterm" if model.startswith("nova-3") else "keywords"
    return query + [(name, term) for term in terms(options)]


def encoding(audio: AudioFormat) -> list[tuple[str, str]]:
    """What raw audio of one channel is like."""
    return [
        ("encoding", _ENCODINGS[audio.encoding]),
        ("sample_rate", str(audio.sample_rate_hz)),
    ]


def terms(options: SttOptions) -> list[str]:
    """The words that matter, as far as there is room for them."""
    taken: list[str] = []
    room = MAX_TERM_TOKENS
    for term in dict.fromkeys(map(str.strip, (*options.key_terms, *options.phrases))):
        size = _token_count(term)
        if term and size <= room and len(taken) < MAX_TERMS:
            taken.append(term)
            room -= size
    return taken


def _token_count(term: str) -> int:
    """How many tokens a term may have."""
    letters = sum(character.isascii() and character.isalpha() for character in term)
    foreign = sum(not character.isascii() for character in term)
    return math.ceil(letters / LETTERS_PER_TOKEN) + len(term) - letters + foreign


def known(tag: str, offered: tuple[str, ...]) -> str | None:
    """Deepgram's tag for a language: its script and its region count only where Deepgram tells
    them apart."""
    names = {offer.lower(): offer for offer in offered}
    return next((names[name] for name in _names(tag) if name in names), None)


def _names(tag: str) -> Iterator[str]:
    """What a language may be called, the most special name first."""
    wanted = tag.replace("_", "-").lower()
    general, _, rest = wanted.partition("-")
    if own := _TRADITIONAL.get(wanted) or _OWN_TAGS.get(general):
        yield from _cut(f"{own}-{rest}".lower())
    yield from _cut(wanted)


def _cut(tag: str) -> Iterator[str]:
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def _language(provider: str, model: str, options: SttOptions) -> str:
    if model.startswith("nova-3") and "medical" not in model:
        offered = LANGUAGES
    elif any(name in model for name in ENGLISH):
        offered = tuple(tag for tag in LANGUAGES if tag.startswith("en"))
    else:
        # Nobody but Deepgram knows, least of all of models that are trained for one customer.
        mixed = options.language == AUTO or len(_languages(options)) > 1
        return "multi" if mixed else options.language
    languages = _languages(options)
    if languages != [options.language]:
        offered = tuple(tag for tag in offered if tag.partition("-")[0] in MULTI)
    for language in languages:
        if known(language, offered) is None:
            raise UnsupportedLanguageError(
                provider,
                f"language {language!r} is not on offer with the model {model}",
                hint=f"it understands {', '.join(offered)}",
            )
    if languages == [options.language]:
        return str(known(options.language, offered))
    # An English model need not be told.
    return "multi" if len({tag.partition("-")[0] for tag in offered}) > 1 else "en"


def _languages(options: SttOptions) -> list[str]:
    """What may be spoken, each language once: in the region that is named first."""
    first: dict[str, str] = {}
    for tag in (options.language, *options.languages):
        if tag != AUTO:
            first.setdefault(general(tag), tag)
    return list(first.values())
