"""What is asked of Whisper: languages and words."""

from __future__ import annotations

import pytest

from providers.errors import UnsupportedLanguageError
from providers.options import SttOptions
from providers.stt.whisper_task import CODES, Task, language_tags, task


@pytest.mark.parametrize(
    ("language", "languages", "codes"),
    [
        ("en-US", (), ("en",)),
        ("zh_TW", (), ("zh",)),
        ("nb-NO", ("en-GB", "en-US"), ("no", "en")),
        ("auto", (), ()),
        ("auto", ("de", "en"), ("de", "en")),
    ],
)
def test_languages_are_asked_for_by_whispers_codes(
    language: str, languages: tuple[str, ...], codes: tuple[str, ...]
) -> None:
    assert task(SttOptions(language=language, languages=languages), CODES).languages == codes


def test_a_few_words_that_may_be_said_are_asked_for() -> None:
    options = SttOptions(key_terms=("Parley", "Müller"), phrases=("yes please", "no"))
    assert task(options, CODES, recording=True) == Task(
        ("en",), ("Parley", "Müller"), recording=True
    )
    many = tuple(f"Müller{number}" for number in range(10, 99))  # nine bytes each
    assert task(SttOptions(key_terms=many), CODES).terms == many[:13]


@pytest.mark.parametrize(("language", "languages"), [("tlh", ()), ("en", ("de", "x-klingon"))])
def test_a_language_that_nobody_taught_it_is_refused(
    language: str, languages: tuple[str, ...]
) -> None:
    with pytest.raises(UnsupportedLanguageError, match=r"it understands af, am, .*auto"):
        task(SttOptions(language=language, languages=languages), CODES)


@pytest.mark.parametrize("language", ["de-DE", "auto"])
def test_a_model_of_english_knows_no_other(language: str) -> None:
    assert task(SttOptions(), ("en",)).languages == ("en",)
    with pytest.raises(UnsupportedLanguageError, match=r"without \.en"):
        task(SttOptions(language=language), ("en",))


def test_tags_are_those_of_bcp_47() -> None:
    assert language_tags(("en",)) == ("en",)
    assert language_tags(("tl", "no", "de")) == ("de", "no", "tl", "nb", "fil", "auto")
