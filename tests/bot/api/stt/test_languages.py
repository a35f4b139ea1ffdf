from __future__ import annotations

import subprocess
import sys

import pytest

from bot.api.stt.faults import Fault
from bot.api.stt.languages import language_named


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("en", "en"),
        ("eng", "en"),
        ("en_us", "en-US"),
        ("en-UK", "en-GB"),
        ("ara-EG", "ar-EG"),
        ("es-419", "es-419"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("iw", "he"),
        ("english", "en"),
        (" Arabic ", "ar"),
        ("العربية", "ar"),
        ("français", "fr"),
        ("Egyptian Arabic", "ar-EG"),
        ("arz", "ar-EG"),
        ("Arabic (Egypt)", "ar-EG"),
        ("French (Canada)", "fr-CA"),
        ("french, canada", "fr-CA"),
        ("Canadian French", "fr-CA"),
        ("Brazilian Portuguese", "pt-BR"),
        ("English (United States)", "en-US"),
        ("Mandarin", "zh"),
        ("cmn-CN", "zh-CN"),
        ("Chinese (Traditional)", "zh-Hant"),
    ],
)
def test_languages_by_name_and_code(name: str, tag: str) -> None:
    assert language_named(name) == tag


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "xx",
        "xx-YY",
        "und",
        "mul",
        "gibberish",
        "englishh",
        "English (Atlantis)",
        "Elvish (Canada)",
        "en--US",
        "en-US-",
        "en-US-u-ca-gregory",
        "en;drop",
        "english" * 20,
        "\x00",
        "\ud800",
    ],
)
def test_what_is_no_language_is_answered_with_how_to_write_one(name: str) -> None:
    with pytest.raises(Fault) as caught:
        language_named(name)
    assert caught.value.code == "bad_language"
    assert "auto" in caught.value.allowed


def test_names_are_not_loaded_before_one_is_asked_for() -> None:
    code = (
        "import sys; from bot.api.stt.languages import language_named; language_named('auto');"
        " sys.exit('langcodes' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
