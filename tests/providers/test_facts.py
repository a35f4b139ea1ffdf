from __future__ import annotations

import re

import pytest

from providers.catalog import FILES, STT, TTS
from providers.facts import Facts, Kind, facts_of, list_price_usd

CATALOGUE: list[tuple[Kind, str]] = [
    *(("stt", name) for name in STT),
    *(("files", name) for name in FILES),
    *(("tts", name) for name in TTS),
]


@pytest.mark.parametrize(("kind", "name"), CATALOGUE)
def test_every_provider_has_its_facts_with_their_sources(kind: Kind, name: str) -> None:
    facts = facts_of(kind, name)
    assert 0 < facts.quality <= 100
    assert facts.quality_source
    assert facts.latency_source
    assert (facts.price is None) == (not facts.priced)
    if facts.price:
        assert re.match(r"20\d\d", facts.priced), "a price has its date"
    assert (facts.usd_per_minute if kind == "tts" else facts.usd_per_1000_characters) is None


def test_the_list_s_price_of_an_amount() -> None:
    assert list_price_usd("stt", "soniox", 90_000) == pytest.approx(0.003)
    assert list_price_usd("tts", "deepgram", 500) == pytest.approx(0.015)
    assert list_price_usd("stt", "pocketsphinx", 1e9) == 0
    assert list_price_usd("tts", "openai-realtime", 500) is None


def test_nothing_is_known_of_a_stranger() -> None:
    assert facts_of("stt", "nobody") == Facts()
    assert list_price_usd("stt", "nobody", 1.0) is None
