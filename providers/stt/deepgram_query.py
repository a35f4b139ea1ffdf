"""PURE: what is asked of Deepgram's recognizers, as the query of a URL has it.

Source: https://developers.deepgram.com/docs/models-languages-overview and the pages of each
feature, such as https://developers.deepgram.com/docs/keyterm
"""

from __future__ import annotations

from media.audio import AudioFormat, Encoding

from ..deepgram import DeepgramAccount
from ..errors import UnsupportedLanguageError
from ..options import AUTO, SttOptions

__all__ = ["LANGUAGES", "MULTI", "asked", "encoding", "known", "terms"]

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
_OWN_TAGS = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he"}
_ENCODINGS = {Encoding.ULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}
MAX_TERMS, MAX_TERM_CHARACTERS = 100, 2_000
"""Deepgram takes 500 tokens of key terms in all, and a URL is not endless."""


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
    room = MAX_TERM_CHARACTERS
    for term in dict.fromkeys((*options.key_terms, *options.phrases)):
        room -= len(term)
        if room < 0 or len(taken) == MAX_TERMS:
            break
        taken.append(term)
    return taken


def known(tag: str, offered: tuple[str, ...]) -> str | None:
    """Deepgram's tag for a language: its region counts only where Deepgram tells regions apart."""
    wanted = tag.replace("_", "-").lower()
    general = wanted.partition("-")[0]
    for candidate in (wanted, general, _OWN_TAGS.get(general, general)):
        for offer in offered:
            if offer.lower() == candidate:
                return offer
    return None


def _language(provider: str, model: str, options: SttOptions) -> str:
    if model.startswith("nova-3") and "medical" not in model:
        offered = LANGUAGES
    elif any(name in model for name in ENGLISH):
        offered = tuple(tag for tag in LANGUAGES if tag.startswith("en"))
    else:
        # Nobody but Deepgram knows, least of all of models that are trained for one customer.
        return "multi" if options.language == AUTO or options.languages else options.language
    languages = [tag for tag in (options.language, *options.languages) if tag != AUTO]
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
