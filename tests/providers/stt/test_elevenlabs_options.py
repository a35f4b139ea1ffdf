from __future__ import annotations

import pytest

from providers.errors import UnsupportedLanguageError
from providers.stt.elevenlabs import ElevenLabsRecognizer
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
