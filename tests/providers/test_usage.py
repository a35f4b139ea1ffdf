from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from providers.catalog import build_stt, build_tts, facts_of
from providers.errors import BudgetError, NetworkError
from providers.facts import Facts
from providers.metered import MeteredStt, MeteredTts
from providers.types import PCM16_16K, SttOptions, TtsOptions
from providers.usage import Account, Budget, Meter, Spending, Use, call_meter
from tests.virtual_time import virtual_time_on_sockets

FREE, PAID = facts_of("stt", "pocketsphinx"), facts_of("stt", "soniox")
HEARD = Use("stt", "soniox", 30_000, 0.001, "2026-11-21")
SPOKEN = Use("tts", "openai-realtime", 100, None)


def test_a_meter_adds_up() -> None:
    told: list[Use] = []
    meter = Meter(told.append)
    for use in (HEARD, HEARD, SPOKEN, HEARD):
        meter.add(use)
    assert told == [HEARD, HEARD, SPOKEN, HEARD]
    heard, spoken = meter.uses()
    assert (heard.amount, heard.priced) == (90_000, "2026-11-21")
    assert heard.usd == pytest.approx(0.003)
    assert spoken == SPOKEN
    assert meter.usd == pytest.approx(0.003)


def test_a_month_begins_with_nothing_spent() -> None:
    today = [datetime(2026, 11, 30, tzinfo=UTC)]
    spending = Spending(lambda: today[0])
    spending.add(HEARD)
    spending.add(HEARD)
    assert spending.usd() == pytest.approx(0.002)
    today[0] = datetime(2026, 12, 1, tzinfo=UTC)
    assert spending.usd() == 0
    spending.add(SPOKEN)
    spending.add(HEARD)
    assert spending.usd() == pytest.approx(0.001)


def said(spent_usd: list[float], *, refuse: bool = False) -> list[str]:
    budget = Budget(10.0, refuse=refuse, spent_usd=lambda: spent_usd[0])
    with capture_logs() as logs:
        while spent_usd:
            budget.check("soniox", PAID)
            spent_usd.pop(0)
    return [entry["event"] for entry in logs]


def test_a_budget_warns_once_when_it_is_near_and_once_when_it_is_spent() -> None:
    near, over = "monthly budget is nearly spent", "monthly budget is spent"
    assert said([1.0, 7.9]) == []
    assert said([8.0, 9.0, 9.9]) == [near]
    assert said([8.0, 10.0, 11.0]) == [near, over]
    assert said([12.0]) == [over]
    # The next month begins.
    assert said([12.0, 0.5, 8.5]) == [over, near]


def test_a_budget_refuses_when_it_is_told_to() -> None:
    with pytest.raises(BudgetError, match=r"\$10 a month") as caught:
        said([9.0, 10.0], refuse=True)
    assert not caught.value.retryable
    Budget(None, refuse=True, spent_usd=lambda: 1e9).check("soniox", PAID)


def spent() -> Account:
    return Account(budget=Budget(1.0, refuse=True, spent_usd=lambda: 1.0))


def test_what_costs_nothing_is_never_refused() -> None:
    budget = spent().budget
    budget.check("pocketsphinx", FREE)
    budget.check("openai", facts_of("tts", "openai", {"tts_base_url": "http://localhost:8880/v1"}))
    with pytest.raises(BudgetError):
        # Nobody knows what it costs.
        budget.check("openai-realtime", Facts())


async def test_what_a_recognizer_hears_is_metered_for_the_process_and_the_call() -> None:
    call = Meter()
    told: list[float] = []
    account = Account(Meter(lambda use: told.append(use.amount)))
    recognizer = MeteredStt(build_stt("pocketsphinx", processes=1), account, PAID)
    await recognizer.start()
    try:
        call_meter.set(call)
        options = SttOptions(audio=PCM16_16K)
        async with recognizer.stream(options) as stream:
            call_meter.set(None)  # whoever sends may not be the call's own task
            stream.expect(["yes", "no"])
            for _ in range(6):
                stream.send(PCM16_16K.silence(1_000))
            assert told == [5_000.0]
            stream.finalize()
            await stream.finish()
            assert [event async for event in stream]
        assert told == [5_000.0, 1_000.0]
        async with recognizer.stream(options):
            pass
    finally:
        call_meter.set(None)
        await recognizer.aclose()
    assert (recognizer.name, recognizer.capacity) == ("pocketsphinx", 1)
    assert recognizer.capabilities.utterances
    assert account.meter.uses() == call.uses()
    (use,) = call.uses()
    assert (use.amount, use.priced) == (6_000.0, "2026-11-21")
    assert use.usd == pytest.approx(0.0002)
    assert account.latencies.ms("stt", "pocketsphinx")


async def test_what_a_synthesizer_is_given_is_metered_heard_or_not() -> None:
    account = Account()
    synthesizer = MeteredTts(build_tts("espeak"), account, facts_of("tts", "espeak"))
    await synthesizer.start()
    try:
        assert synthesizer.reached
        assert await synthesizer.voices("en-US")
        async with aclosing(synthesizer.synthesize("Hello there.", TtsOptions())) as chunks:
            assert (await anext(chunks)).audio
        async with aclosing(synthesizer.synthesize("Nobody waits.", TtsOptions())) as chunks:
            pass  # it was not even asked
    finally:
        await synthesizer.aclose()
    assert synthesizer.capabilities.word_positions
    assert account.meter.uses() == [Use("tts", "espeak", 12, 0.0)]
    assert account.latencies.ms("tts", "espeak")


@virtual_time_on_sockets
async def test_a_text_that_was_refused_costs_nothing() -> None:
    account = Account()
    nowhere = build_tts("openai", tts_base_url="http://127.0.0.1:1/v1")
    synthesizer = MeteredTts(nowhere, account, facts_of("tts", "deepgram"))
    with pytest.raises(NetworkError):
        await anext(synthesizer.synthesize("Hello.", TtsOptions()))
    await synthesizer.aclose()
    assert account.meter.uses() == []
    assert account.latencies.ms("tts", "openai") is None


async def test_a_spent_budget_refuses_before_anything_is_sent() -> None:
    account = spent()
    synthesizer = MeteredTts(build_tts("soniox", api_key="k"), account, PAID)
    with pytest.raises(BudgetError):
        await anext(synthesizer.synthesize("Hi.", TtsOptions()))
    with pytest.raises(BudgetError):
        async with MeteredStt(build_stt("soniox", api_key="k"), account, PAID).stream(SttOptions()):
            pass
    assert account.meter.uses() == []
