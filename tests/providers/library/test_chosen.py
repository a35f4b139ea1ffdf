"""Which providers a processor uses, and that each is built once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from providers.config import LibrarySettings, read_config
from providers.errors import MissingKeyError, NetworkError, QuotaError, UnsupportedError
from providers.facts import Kind
from providers.health import REST_S
from providers.ledger import Ledger
from providers.library.chosen import Chosen
from providers.options import TtsOptions
from providers.usage import Use
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time

KEYS = {"soniox": {"api_key": "s"}, "deepgram": {"api_key": "d"}, "openai": {"api_key": "o"}}


def settings(**config: Any) -> LibrarySettings:
    return read_config(config, env={})


def names(chosen: Chosen) -> tuple[list[str], tuple[str, ...], list[str]]:
    """Who recognizes streams and files, and who speaks."""
    stt = [candidate.name for candidate in chosen.recognizers().candidates]
    tts = [candidate.name for candidate in chosen.synthesizers().candidates]
    return stt, chosen.transcribers(), tts


def test_without_any_key_this_machine_does_it() -> None:
    chosen = Chosen(settings())
    assert names(chosen) == (["pocketsphinx"], ("pocketsphinx",), ["espeak"])
    assert chosen.in_use() == [("stt", "pocketsphinx"), ("tts", "espeak")]
    assert chosen.door("pocketsphinx") is None
    assert {("stt", "pocketsphinx"), ("tts", "espeak")} <= set(chosen.configured())


def test_what_is_named_wins_over_settings_and_these_over_what_is_configured() -> None:
    chosen = Chosen(settings(stt_provider="soniox", **KEYS))
    assert names(chosen)[:2] == (["soniox"], ("soniox",))
    chosen = Chosen(settings(stt_provider="soniox", **KEYS), stt=("openai", "pocketsphinx"))
    assert names(chosen)[:2] == (["openai", "pocketsphinx"], ("openai", "pocketsphinx"))
    assert ("files", "openai") in chosen.in_use()
    assert chosen.door("openai") is chosen.door("openai")
    chosen = Chosen(settings(preferred_tts="openai", **KEYS))
    assert names(chosen)[2] == ["openai"]


def test_what_is_named_here_is_checked_at_once_the_rest_when_it_is_used() -> None:
    with pytest.raises(MissingKeyError, match="set SONIOX_API_KEY"):
        Chosen(settings(), stt=("soniox",))
    with pytest.raises(UnsupportedError, match=r"choose one of: .*espeak"):
        Chosen(settings(), tts=("espaek",))
    chosen = Chosen(settings(stt_provider="soniox"))
    assert chosen.synthesizers().name == "espeak"
    with pytest.raises(MissingKeyError, match="set SONIOX_API_KEY"):
        chosen.recognizers()
    assert chosen.missing("stt", "soniox") == "set SONIOX_API_KEY for soniox"


def test_what_was_measured_counts() -> None:
    chosen = Chosen(settings(auto_select=True, optimize_for="latency", **KEYS))
    order = chosen.transcribers()
    assert "pocketsphinx" not in order
    slowest = order[-1]
    kind: Kind = "files" if chosen.door(slowest) else "stt"
    chosen.account.latencies.note(kind, slowest, 1.0)
    assert chosen.transcribers()[0] == slowest


def test_a_choice_is_said_once() -> None:
    chosen = Chosen(settings())
    with capture_logs() as logs:
        for _ in range(3):
            chosen.recognizers()
    assert [(log["names"], log["reason"]) for log in logs] == [
        (("pocketsphinx",), "the first that is configured")
    ]


async def test_health_and_engines_are_kept_until_it_is_closed() -> None:
    chosen = Chosen(settings())
    first = chosen.synthesizers().candidates[0]
    assert chosen.synthesizers().candidates[0] is first
    await chosen.aclose()
    assert chosen.synthesizers().candidates[0] is not first


async def test_uses_are_metered_and_a_budget_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(Use("tts", "deepgram", 1000.0, 5.0))
    spent = settings(monthly_budget_usd=1.0, over_budget="refuse", **KEYS)
    chosen = Chosen(spent, tts=("openai",), ledger=ledger)
    with pytest.raises(QuotaError, match="budget"):
        await anext(chosen.synthesizers().candidates[0].provider.synthesize("a", TtsOptions()))
    chosen = Chosen(settings(monthly_budget_usd=1.0), ledger=ledger)
    async for _ in chosen.synthesizers().candidates[0].provider.synthesize("word", TtsOptions()):
        pass
    assert chosen.account.meter.uses() == [Use("tts", "espeak", 4.0, 0.0)]
    assert [use.provider for use in ledger.uses()] == ["deepgram", "espeak"]
    await chosen.aclose()


@virtual_time
async def test_those_that_rest_are_looked_after_if_there_are_several() -> None:
    chosen = Chosen(settings(**KEYS), stt=("soniox", "pocketsphinx"))
    chosen.watch()
    assert len(asyncio.all_tasks()) == 1  # nobody is used yet
    first, _ = chosen.recognizers().candidates
    first.provider = Recognizer()
    first.failed(NetworkError("soniox", "lost"))
    for _ in range(2):
        chosen.watch()
    assert len(asyncio.all_tasks()) == 2
    with capture_logs():
        await asyncio.sleep(REST_S[0] + 2)
    assert first.health.well
    await chosen.aclose()
    assert len(asyncio.all_tasks()) == 1
