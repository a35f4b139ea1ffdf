from __future__ import annotations

import re

import pytest

from providers.catalog import TABLES, facts_of
from providers.facts import Facts, Kind

DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?)?: .")
CATALOGUE = [(kind, name) for kind, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), CATALOGUE)
def test_every_provider_has_its_facts_with_their_sources(kind: Kind, name: str) -> None:
    facts = facts_of(kind, name)
    assert 0 < facts.quality <= 100
    assert facts.quality_source
    assert facts.latency_source
    assert (facts.price is None) == (not facts.priced)
    if facts.price:
        assert DATED.match(facts.priced), "a price has its date and its source"
    assert (facts.usd_per_minute if kind == "tts" else facts.usd_per_1000_characters) is None


def test_the_list_s_price_of_an_amount() -> None:
    assert facts_of("stt", "soniox").usd(90_000) == pytest.approx(0.003)
    assert facts_of("tts", "deepgram").usd(500) == pytest.approx(0.015)
    assert facts_of("stt", "pocketsphinx").usd(1e9) == 0
    assert facts_of("tts", "openai-realtime").usd(500) is None
    assert facts_of("stt", "soniox").price_date == "2026-11-21"
    assert facts_of("stt", "whisper").price_date == ""


def test_a_server_of_ones_own_costs_nothing() -> None:
    own = {"tts_base_url": "http://127.0.0.1:8880/v1"}
    assert facts_of("tts", "openai", own).usd(1000) == 0
    assert facts_of("tts", "openai", own).free
    assert facts_of("tts", "openai", {"api_key": "k"}).usd(1000) == pytest.approx(0.015)
    assert facts_of("stt", "openai", own) == facts_of("stt", "openai")
    assert facts_of("files", "openai", {"base_url": "http://127.0.0.1:8880/v1"}).usd(60_000) == 0
    europe = {"base_url": "https://eu.api.openai.com/v1"}
    assert facts_of("files", "openai", europe) == facts_of("files", "openai")


def test_nothing_is_known_of_a_stranger() -> None:
    assert facts_of("stt", "nobody") == Facts()
    assert facts_of("stt", "nobody").usd(1.0) is None
