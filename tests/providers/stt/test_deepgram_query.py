from __future__ import annotations

from typing import Any

import pytest

from media.audio import PCM16_16K, ULAW_8K
from providers.deepgram import DeepgramAccount
from providers.errors import UnsupportedLanguageError
from providers.stt.deepgram import DeepgramRecognizer
from providers.stt.deepgram_files import DeepgramFiles
from providers.stt.deepgram_flux import FluxRecognizer
from providers.stt.deepgram_query import (
    LANGUAGES,
    MAX_TERM_TOKENS,
    MAX_TERMS,
    MULTI,
    TAGS,
    asked,
    encoding,
    known,
    terms,
)
from providers.types import SttOptions

ACCOUNT = DeepgramAccount(api_key="k")


def query(options: SttOptions, *, whole: bool = False, **account: str) -> dict[str, str]:
    found = DeepgramAccount(api_key="k", **account)
    return dict(asked("deepgram", found, options, whole=whole))


def test_what_is_asked_by_default() -> None:
    assert query(SttOptions()) == {"model": "nova-3", "language": "en-US", "punctuate": "true"}
    assert encoding(ULAW_8K) == [("encoding", "mulaw"), ("sample_rate", "8000")]
    assert encoding(PCM16_16K) == [("encoding", "linear16"), ("sample_rate", "16000")]


def test_every_option_stands_in_the_query() -> None:
    options = SttOptions(
        language="de-AT",
        model="nova-2",
        punctuation=False,
        profanity_filter=True,
        diarization=True,
        key_terms=("Parley",),
        phrases=("a bill", "Parley"),
    )
    assert asked("deepgram", ACCOUNT, options) == [
        ("model", "nova-2"),
        ("language", "de-AT"),
        ("profanity_filter", "true"),
        ("diarize_model", "latest"),
        ("keywords", "Parley"),
        ("keywords", "a bill"),
    ]
    keyterms = asked("deepgram", ACCOUNT, SttOptions(key_terms=("Parley", "bill")))
    assert keyterms[-2:] == [("keyterm", "Parley"), ("keyterm", "bill")]


@pytest.mark.parametrize(
    ("options", "language"),
    [
        (SttOptions(language="de-DE"), "de"),
        (SttOptions(language="de_CH"), "de-CH"),
        (SttOptions(language="nb-NO"), "no"),
        (SttOptions(language="auto"), "multi"),
        (SttOptions(language="en-US", languages=("es-MX",)), "multi"),
        (SttOptions(language="en-US", languages=("en-US", "en-GB")), "en-US"),
        (SttOptions(language="sv", languages=("sv-SE",)), "sv"),
        (SttOptions(language="sv", languages=("sv",), model="custom-of-ours"), "sv"),
        (SttOptions(language="en-GB", model="nova-2-phonecall"), "en-GB"),
        (SttOptions(language="auto", model="nova-2-phonecall"), "en"),
        (SttOptions(language="sv-FI", model="nova-2"), "sv-FI"),
        (SttOptions(language="auto", model="nova-2"), "multi"),
        (SttOptions(language="sv", languages=("fi",), model="custom-of-ours"), "multi"),
    ],
)
def test_which_language_is_told(options: SttOptions, language: str) -> None:
    assert query(options)["language"] == language
    assert query(options, language="hi")["language"] == "hi"


@pytest.mark.parametrize(
    "options",
    [
        SttOptions(language="tlh"),
        SttOptions(language="de", model="nova-2-phonecall"),
        SttOptions(language="de", model="nova-3-medical"),
        # It is understood, and may not be mixed with another.
        SttOptions(language="en", languages=("sv",)),
    ],
)
def test_which_language_is_not_on_offer(options: SttOptions) -> None:
    with pytest.raises(UnsupportedLanguageError):
        query(options)


def test_the_language_of_a_recording_can_be_looked_for() -> None:
    options = SttOptions(language="auto")
    assert query(options, whole=True)["detect_language"] == "true"
    assert "language" not in query(options, whole=True)
    assert query(options, whole=True, language="multi")["language"] == "multi"
    mixed = SttOptions(language="auto", languages=("de", "en"))
    assert query(mixed, whole=True)["language"] == "multi"


def test_only_so_many_terms_fit() -> None:
    short = tuple(f"{number}" for number in range(MAX_TERMS + 1))
    assert terms(SttOptions(key_terms=short)) == list(short[:-1])
    room = MAX_TERM_TOKENS // 2
    long = ("a" * (3 * room), "b" * (3 * room + 1), "c" * (3 * room), "d")
    # One that does not fit takes nothing from those that do.
    assert terms(SttOptions(phrases=long)) == [long[0], long[2]]
    # A name has more tokens than a word.
    names = tuple(f"Krzyżanowski-Błaszczyk {number}" for number in range(100))
    assert len(terms(SttOptions(key_terms=names))) == 34


@pytest.mark.parametrize("vendor", [DeepgramRecognizer, FluxRecognizer, DeepgramFiles])
def test_words_that_are_left_out_are_not_honoured(vendor: Any) -> None:
    recognizer, long = vendor(api_key="k"), ("a" * 2_000,)
    told = SttOptions(key_terms=(" Parley ", ""), phrases=("a bill",))
    assert recognizer.honours(told) == recognizer.capabilities.options
    for name, partly in (
        ("key_terms", SttOptions(key_terms=long)),
        ("phrases", SttOptions(phrases=long)),
    ):
        assert recognizer.honours(partly) == recognizer.capabilities.options - {name}


def test_languages_are_what_deepgram_calls_them() -> None:
    assert set(MULTI) < set(LANGUAGES)
    assert (known("EN_us", LANGUAGES), known("en-ZA", LANGUAGES)) == ("en-US", "en")
    assert known("x", LANGUAGES) is None


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("nb-NO", "no"),
        ("nn", "no"),
        ("fil-PH", "tl"),
        ("iw", "he"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-TW", "zh-TW"),
        ("zh-MO", "zh-Hant"),
        ("cmn-Hans-CN", "zh-Hans"),
        ("cmn", "zh"),
        ("yue", "zh-HK"),
        ("sr-Latn-RS", "sr"),
    ],
)
def test_a_language_is_known_by_its_own_tag_too(tag: str, name: str) -> None:
    assert known(tag, LANGUAGES) == name
    assert DeepgramRecognizer.capabilities.understands(tag)
    assert set(LANGUAGES) < set(TAGS)
