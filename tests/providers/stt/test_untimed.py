"""Words of which only the whole has times."""

from __future__ import annotations

from providers.stt.heard import Token
from providers.stt.untimed import shares, spread


def test_each_has_its_share() -> None:
    assert shares(3, 100, 400) == [(100, 200), (200, 300), (300, 400)]
    assert shares(0, 100, 400) == []


def test_words_share_the_time_of_all() -> None:
    assert spread(" one  two ", 100, 300) == (Token(" one", 100, 200), Token(" two", 200, 300))
    assert spread("", 100, 300) == ()
