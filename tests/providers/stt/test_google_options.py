from __future__ import annotations

import pytest

from media.audio import ULAW_8K
from providers.errors import UnsupportedError, UnsupportedLanguageError
from providers.google import GoogleAccount
from providers.stt.google import GoogleRecognizer
from providers.stt.google_files import GoogleFiles
from providers.stt.google_languages import LANGUAGES, languages_of
from providers.stt.google_options import (
    MOST_PHRASES,
    able,
    api_of,
    asked_for,
    honoured_by,
    phrases_of,
)
from providers.types import SttCapabilities, SttOptions

ALL = SttCapabilities(languages=(*LANGUAGES, "auto"))


@pytest.mark.parametrize(
    ("project", "model", "version"),
    [
        ("mine", "telephony", 2),
        ("mine", "chirp_3", 2),
        ("mine", "phone_call", 1),
        ("mine", "medical_dictation", 1),
        (None, "telephony", 1),
    ],
)
def test_which_version_is_asked(project: str | None, model: str, version: int) -> None:
    account = GoogleAccount(api_key="key", project=project)
    assert api_of(account, model).number == version


def test_some_models_need_a_project() -> None:
    with pytest.raises(UnsupportedError) as raised:
        api_of(GoogleAccount(api_key="key"), "chirp_2")
    assert raised.value.hint == "set GOOGLE_PROJECT"


def test_which_language_is_spoken_is_found_out_by_some_models() -> None:
    assert "auto" not in able("telephony")
    assert "auto" in able("chirp_3")


def test_streams_and_recordings_have_each_their_model_s_languages() -> None:
    streams: dict[str, str] = {"api_key": "key", "model": "chirp_3"}
    recordings: dict[str, str] = {"api_key": "key", "files_model": "chirp_3"}
    for account, offered in ((streams, (True, False)), (recordings, (False, True))):
        stt, files = GoogleRecognizer(**account), GoogleFiles(**account)
        told = ("auto" in one.capabilities.languages for one in (stt, files))
        assert tuple(told) == offered


@pytest.mark.parametrize(
    ("location", "options", "languages", "is_honoured"),
    [
        ("us", SttOptions(languages=("de",)), ["en-US", "de-DE"], True),
        ("europe-west4", SttOptions(languages=("de",)), ["en-US"], False),
        ("us", SttOptions(language="auto", languages=("de",)), ["auto"], False),
        ("europe-west4", SttOptions(language="auto"), ["auto"], True),
    ],
)
def test_several_languages_are_not_for_everywhere(
    location: str, options: SttOptions, languages: list[str], is_honoured: bool
) -> None:
    account = GoogleAccount(api_key="key", project="mine", location=location)
    asked = asked_for(account, api_of(account, "chirp_3"), ALL, options, "chirp_3", ULAW_8K)
    assert asked.languages == languages
    honoured = honoured_by(account, options, frozenset({"languages", "model"}))
    assert ("languages" in honoured) == is_honoured


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("en-US", "en-US"),
        ("en", "en-US"),
        ("ES", "es-ES"),
        ("pt-br", "pt-BR"),
        ("he", "iw-IL"),
        ("zh-TW", "cmn-Hant-TW"),
        ("nb", "no-NO"),
        ("auto", "auto"),
    ],
)
def test_what_google_calls_a_language(asked: str, named: str) -> None:
    assert languages_of("google", ALL, SttOptions(language=asked)) == [named]


def test_four_languages_may_be_spoken() -> None:
    options = SttOptions(language="en", languages=("en-US", "de", "fr", "it", "es"))
    assert languages_of("google", ALL, options) == ["en-US", "de-DE", "fr-FR", "it-IT"]


def test_a_language_that_is_not_on_offer_is_told() -> None:
    with pytest.raises(UnsupportedLanguageError, match="qaa"):
        languages_of("google", ALL, SttOptions(languages=("qaa",)))


def test_phrases_are_taken_as_far_as_there_is_room() -> None:
    options = SttOptions(
        audio=ULAW_8K, key_terms=("Parley", "x" * 101, " "), phrases=("Parley", "yes")
    )
    assert phrases_of(options) == ["Parley", "yes"]
    many = SttOptions(phrases=tuple(map(str, range(MOST_PHRASES + 1))))
    assert len(phrases_of(many)) == MOST_PHRASES
    vendor = GoogleRecognizer(api_key="key")
    assert "key_terms" not in vendor.honours(options)
    assert "phrases" in vendor.honours(options)
