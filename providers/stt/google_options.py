"""PURE: what is asked of Google's recognizers, and by which version of its API."""

from __future__ import annotations

from media.audio import AudioFormat

from ..errors import UnsupportedError
from ..google import GLOBAL, PROVIDER, GoogleAccount
from ..options import AUTO, SttOptions
from ..types import SttCapabilities
from .google_languages import LANGUAGES, languages_of
from .google_messages import APIS, Api, Asked
from .terms import honoured_with

__all__ = ["able", "api_of", "asked_for", "honoured_by", "phrases_of"]

MOST_PHRASES, MOST_CHARACTERS = 1_000, 100
"""A phrase may have so many characters; of phrases there may be 5,000 a request."""
_ONLY_FIRST = ("phone_call", "video", "command_and_search", "default", "medical_")
"""Models that version 2 does not have."""
_ONLY_SECOND = "chirp"


_MULTILINGUAL = (GLOBAL, "us", "eu")
"""Where one of several languages may be spoken."""


def able(model: str) -> tuple[str, ...]:
    """The languages on offer: some models find out by themselves which is spoken."""
    return (*LANGUAGES, AUTO) if model.startswith(_ONLY_SECOND) else LANGUAGES


def honoured_by(
    account: GoogleAccount, options: SttOptions, honoured: frozenset[str]
) -> frozenset[str]:
    """What is honoured of the options: not those of which words, or languages, are left out."""
    told = honoured_with(phrases_of(options), options, honoured)
    is_alone = AUTO in (options.language, *options.languages)
    if options.languages and (is_alone or account.location not in _MULTILINGUAL):
        return told - {"languages"}
    return told


def api_of(account: GoogleAccount, model: str) -> Api:
    """The version to ask: the second, where a project is known and has the model.

    Raises:
        UnsupportedError: the model needs a project.
    """
    if account.project and not model.startswith(_ONLY_FIRST):
        return APIS[2]
    if model.startswith(_ONLY_SECOND):
        raise UnsupportedError(
            PROVIDER, f"model {model!r} without a project", hint="set GOOGLE_PROJECT"
        )
    return APIS[1]


def asked_for(
    account: GoogleAccount,
    api: Api,
    capabilities: SttCapabilities,
    options: SttOptions,
    model: str,
    audio: AudioFormat | None,
) -> Asked:
    """What is asked for.

    Args:
        account: whose project it is.
        api: the version that is asked.
        capabilities: what is on offer.
        options: the caller's, but for the model.
        model: which one.
        audio: the format of raw audio; None of a file that says it itself.

    Raises:
        UnsupportedLanguageError: a language is not on offer.
    """
    where = f"projects/{account.project}/locations/{account.location}"
    return Asked(
        recognizer=f"{where}/recognizers/_" if api.number == 2 else "",
        model=model,
        languages=_languages(account, capabilities, options),
        format=audio,
        phrases=phrases_of(options),
        # It writes no punctuation unless it is asked to.
        punctuation=options.punctuation is not False,
        profanity_filter=options.profanity_filter,
        events=options.endpointing,
    )


def _languages(
    account: GoogleAccount, capabilities: SttCapabilities, options: SttOptions
) -> list[str]:
    """What may be spoken: any of some languages, the first one, or whatever it is found to be."""
    names = languages_of(PROVIDER, capabilities, options)
    if AUTO in names:
        return [AUTO]
    return names if account.location in _MULTILINGUAL else names[:1]


def phrases_of(options: SttOptions) -> list[str]:
    """The words that matter, as far as it takes them."""
    phrases = dict.fromkeys(map(str.strip, (*options.key_terms, *options.phrases)))
    return [phrase for phrase in phrases if 0 < len(phrase) <= MOST_CHARACTERS][:MOST_PHRASES]
