from __future__ import annotations

import pytest

from providers.errors import UnsupportedLanguageError
from providers.stt.azure_languages import FAST, LOCALES, locales
from providers.types import SttCapabilities, SttOptions

ABLE = SttCapabilities(languages=LOCALES)


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        *(("en", "en-US"), ("EN-gb", "en-GB"), ("es", "es-ES"), ("pt", "pt-BR"), ("sw", "sw-KE")),
        *(("zh", "zh-CN"), ("zh-cn-sichuan", "zh-CN-sichuan"), ("fil", "fil-PH")),
    ],
)
def test_a_language_is_a_locale(tag: str, locale: str) -> None:
    assert locales("azure", SttOptions(language=tag), ABLE) == [locale]


def test_each_locale_is_itself_and_there_once() -> None:
    for locale in LOCALES:
        assert locales("azure", SttOptions(language=locale, languages=(locale,)), ABLE) == [locale]
    assert len({*LOCALES}) == len(LOCALES)
    assert {*LOCALES} > {*FAST}


def test_a_language_that_nobody_offers_is_refused() -> None:
    with pytest.raises(UnsupportedLanguageError):
        locales("azure", SttOptions(languages=("qaa",)), ABLE)
