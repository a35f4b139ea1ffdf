from __future__ import annotations

import pytest

from providers.elevenlabs import HEARD, ElevenLabsAccount, language_code, tag_of
from providers.errors import MissingKeyError


def test_an_account_needs_a_key_and_hides_it() -> None:
    with pytest.raises(MissingKeyError, match="ELEVENLABS_API_KEY"):
        ElevenLabsAccount()
    account = ElevenLabsAccount(api_key="the-key")
    assert "the-key" not in repr(account)
    assert account.headers == {"xi-api-key": "the-key"}


def test_addresses() -> None:
    account = ElevenLabsAccount(api_key="k", base_url="https://api.eu.residency.elevenlabs.io/")
    assert account.url("v1", "models") == "https://api.eu.residency.elevenlabs.io/v1/models"
    query = [("model_id", "m"), ("keyterms", "a b"), ("keyterms", "ü")]
    assert account.socket_url("v1", "x/y", query=query) == (
        "wss://api.eu.residency.elevenlabs.io/v1/x%2Fy?model_id=m&keyterms=a+b&keyterms=%C3%BC"
    )
    local = ElevenLabsAccount(api_key="k", base_url="http://127.0.0.1:8080")
    assert local.socket_url("v1", query=[]) == "ws://127.0.0.1:8080/v1"


def test_languages() -> None:
    assert language_code("en-US") == "en"
    assert language_code("nb_NO") == "no"
    assert language_code("fil") == "fil"
    assert tag_of("deu") == "de"
    assert tag_of("de") == "de"
    assert tag_of("") is None
    assert tag_of(None) is None
    assert {"en", "yue", "nb"} <= set(HEARD)
