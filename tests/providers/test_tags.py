from __future__ import annotations

import pytest

from providers.tags import general


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en-US", "en"), ("pt_BR", "pt"), ("zh-Hant-TW", "zh"), ("DE", "de"), ("", "")],
)
def test_a_language_without_its_region(tag: str, language: str) -> None:
    assert general(tag) == language
