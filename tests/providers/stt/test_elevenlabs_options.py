from __future__ import annotations

from typing import Any

import pytest

from providers.errors import UnsupportedLanguageError
from providers.stt.elevenlabs import ElevenLabsRecognizer
from providers.stt.elevenlabs_files import ElevenLabsFiles
from providers.stt.elevenlabs_options import check_languages, key_terms, languages
from providers.types import SttOptions

CAPABILITIES = ElevenLabsRecognizer.capabilities


def test_languages() -> None:
    options = SttOptions(language="en-US", languages=("de-DE", "en-GB", "de-AT", "nb", "auto"))
    check_languages(options, CAPABILITIES)
    assert languages(options) == ("en", ["de", "no"])
    assert languages(SttOptions(language="auto")) == (None, [])
    for wrong in (SttOptions(language="tlh"), SttOptions(languages=("de", "tlh"))):
        with pytest.raises(UnsupportedLanguageError, match="tlh"):
            check_languages(wrong, CAPABILITIES)


def test_terms_that_it_takes() -> None:
    options = SttOptions(
        key_terms=("Winterbottom", " Parley ", "", "a<b", "x" * 21, "a b c"),
        phrases=("Parley", "yes", "no"),
    )
    assert key_terms(options, 50, 20, 2) == ["Winterbottom", "Parley", "yes", "no"]
    assert key_terms(options, 2, 20, 3) == ["Winterbottom", "Parley"]


@pytest.mark.parametrize("vendor", [ElevenLabsRecognizer, ElevenLabsFiles])
def test_words_that_are_left_out_are_not_honoured(vendor: Any) -> None:
    recognizer = vendor(api_key="k")
    assert recognizer.honours(SttOptions(key_terms=(" Parley ",))) == (
        recognizer.capabilities.options
    )
    long = SttOptions(key_terms=("Parley", "x" * 51))
    assert recognizer.honours(long) == recognizer.capabilities.options - {"key_terms"}
