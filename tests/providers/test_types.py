from __future__ import annotations

import pytest

from providers.types import SttCapabilities


@pytest.mark.parametrize(
    ("offered", "language", "answer"),
    [
        ("en-US", "en-US", True),
        ("en-US", "en-us", True),
        ("en-US", "en", True),
        ("en-US", "en-GB", False),
        ("en", "en-GB", True),
        ("en-US", "de", False),
        ("de", "en", False),
    ],
)
def test_the_languages_that_a_recognizer_understands(
    offered: str, language: str, answer: bool
) -> None:
    assert SttCapabilities(languages=("fr", offered)).understands(language) is answer
