from __future__ import annotations

import pytest

from providers.errors import UnsupportedError, UnsupportedLanguageError
from providers.offered import check_understood, check_within, locale_of, unspoken
from providers.types import SttCapabilities

CAPABILITIES = SttCapabilities(languages=("en-US", "de"))


def test_what_is_understood_may_be_asked_for() -> None:
    check_understood("acme", CAPABILITIES, ["en", "de-AT"])


def test_what_is_not_is_said_with_what_is() -> None:
    with pytest.raises(UnsupportedLanguageError, match="'fr' is not on offer") as raised:
        check_understood("acme", CAPABILITIES, ["de", "fr"])
    assert (raised.value.provider, raised.value.hint) == ("acme", "it understands en-US, de")
    error = unspoken("acme", "fr", ["en"])
    assert (str(error.provider), error.hint) == ("acme", "it speaks en")


@pytest.mark.parametrize("value", [0.5, 1, 2])
def test_a_number_within_its_bounds(value: float) -> None:
    check_within("acme", "speed", value, 0.5, 2)


@pytest.mark.parametrize("value", [0.49, 2.01, float("nan")])
def test_a_number_out_of_its_bounds(value: float) -> None:
    with pytest.raises(UnsupportedError, match=f"speed {value:g}") as raised:
        check_within("acme", "speed", value, 0.5, 2)
    assert raised.value.hint == "it may be 0.5 to 2"


def test_a_language_is_its_first_locale() -> None:
    listed = ("en-US", "en-GB", "zh-CN", "zh-CN-sichuan")
    tags = ("en", "EN-gb", "zh-cn", "zh-CN-Sichuan")
    assert [locale_of(tag, listed) for tag in tags] == ["en-US", "en-GB", "zh-CN", "zh-CN-sichuan"]
