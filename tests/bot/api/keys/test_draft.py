from __future__ import annotations

from typing import Any

import pytest

from bot.api.keys.draft import DraftError, KeyDraft
from bot.api.keys.types import KeyLimits


def test_what_is_not_said_is_modest() -> None:
    draft = KeyDraft.read({"name": "shop"})
    assert draft.scopes == {"stt"}
    assert draft.origins == ()
    assert draft.limits == KeyLimits(600, 20, None)


def test_all_that_may_be_said() -> None:
    draft = KeyDraft.read(
        {
            "name": "shop",
            "scopes": ["token", "stats"],
            "per_minute": None,
            "sessions": 1.0,
            "audio_s_per_day": 60,
            "origins": ["https://Shop.example", "http://localhost:3000", "http://[::1]:80"],
        }
    )
    assert draft.limits == KeyLimits(None, 1, 60)
    assert draft.scopes == {"token", "stats"}
    assert draft.origins == ("https://shop.example", "http://localhost:3000", "http://[::1]:80")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "name: it may hold what it is for, in 1 to 100 characters"),
        ({"name": "x" * 101}, "name: it may hold"),
        ({"name": "x", "scopes": []}, "scopes: it may hold some of stt, stats and token"),
        ({"name": "x", "scopes": ["all"]}, "scopes: it may hold"),
        ({"name": "x", "sessions": 0}, "sessions: it may hold sessions open at once, 1 to"),
        ({"name": "x", "sessions": True}, "sessions: it may hold"),
        ({"name": "x", "per_minute": "5"}, "per_minute: it may hold"),
        ({"name": "x", "audio_s_per_day": 0.5}, "audio_s_per_day: it may hold"),
        ({"name": "x", "origins": "https://a.example"}, "origins: it may hold"),
        ({"name": "x", "origins": ["*"]}, "origins: it may hold up to 50 web pages' origins"),
        ({"name": "x", "origins": ["https://x.example https://y.example"]}, "origins: it may"),
        ({"name": "x", "origins": ["https://café.example"]}, "origins: it may hold"),
        ({"name": "x", "origins": ["https://*.example"]}, "origins: it may hold"),
        ({"name": "x", "origins": ["http://x.example:65536"]}, "origins: it may hold"),
        ({"name": "x", "origins": ["HTTP://user@x.example"]}, "origins: it may hold"),
        ({"name": "x", "origins": ["https://x.example/"]}, "origins: it may hold"),
        ({"name": "x", "origins": ["https://x"] * 51}, "origins: it may hold"),
        ({"name": "x", "scope": ["stt"]}, "there is no field 'scope'; there are name, scopes,"),
    ],
)
def test_what_is_no_key_is_told_what_may_be(values: dict[str, Any], said: str) -> None:
    with pytest.raises(DraftError) as raised:
        KeyDraft.read(values)
    assert str(raised.value).startswith(said)


def test_each_fault_has_one_line() -> None:
    with pytest.raises(DraftError) as raised:
        KeyDraft.read({"name": "", "scopes": ["a", "b"], "origins": ["*", "x"]})
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == [
        "name",
        "scopes",
        "origins",
    ]
