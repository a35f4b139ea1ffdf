from __future__ import annotations

from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from providers.catalog import build_stt, build_tts
from providers.errors import QuotaError
from providers.metered import MeteredStt, MeteredTts
from providers.types import PCM16_16K, SttOptions, TtsOptions
from providers.usage import Budget, Meter, Use, call_meter


def test_a_meter_adds_up_and_knows_the_price() -> None:
    told: list[Use] = []
    meter = Meter(told.append)
    meter.add("stt", "soniox", 30_000)
    meter.add("stt", "soniox", 60_000)
    meter.add("tts", "deepgram", 100)
    assert [use.amount for use in told] == [30_000, 60_000, 100]
    assert {(u.kind, u.provider): u.amount for u in meter.uses()} == {
        ("stt", "soniox"): 90_000,
        ("tts", "deepgram"): 100,
    }
    assert meter.usd == pytest.approx(0.003 + 0.003)


def test_what_has_no_price_costs_nothing_that_is_known() -> None:
    meter = Meter()
    meter.add("tts", "openai-realtime", 100)
    assert meter.uses() == [Use("tts", "openai-realtime", 100, None)]
    assert meter.usd == 0


def said(spent_usd: list[float], *, refuse: bool = False) -> list[str]:
    budget = Budget(10.0, refuse=refuse, spent_usd=lambda: spent_usd[0])
    with capture_logs() as logs:
        while spent_usd:
            budget.check("stt", "soniox")
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
    with pytest.raises(QuotaError, match=r"\$10 a month") as caught:
        said([9.0, 10.0], refuse=True)
    assert not caught.value.retryable
    Budget(None, refuse=True, spent_usd=lambda: 1e9).check("stt", "soniox")


def test_what_costs_nothing_is_never_refused() -> None:
    spent = Budget(1.0, refuse=True, spent_usd=lambda: 1.0)
    spent.check("stt", "pocketsphinx")
    spent.check("tts", "espeak")
    with pytest.raises(QuotaError):
        # Nobody knows what it costs.
        spent.check("tts", "openai-realtime")


async def test_what_a_recognizer_hears_is_metered_for_the_process_and_the_call() -> None:
    meter, call = Meter(), Meter()
    recognizer = MeteredStt(build_stt("pocketsphinx", processes=1), meter, Budget.unlimited())
    await recognizer.start()
    try:
        call_meter.set(call)
        options = SttOptions(audio=PCM16_16K)
        async with recognizer.stream(options) as stream:
            stream.expect(["yes", "no"])
            stream.send(PCM16_16K.silence(300))
            stream.send(PCM16_16K.silence(200))
            stream.finalize()
            await stream.finish()
            assert [event async for event in stream]
        async with recognizer.stream(options):
            pass
    finally:
        call_meter.set(None)
        await recognizer.aclose()
    assert (recognizer.name, recognizer.capacity) == ("pocketsphinx", 1)
    assert recognizer.capabilities.utterances
    assert meter.amounts == call.amounts == {("stt", "pocketsphinx"): 500.0}


async def test_what_a_synthesizer_is_given_is_metered_heard_or_not() -> None:
    meter = Meter()
    synthesizer = MeteredTts(build_tts("espeak"), meter, Budget.unlimited())
    await synthesizer.start()
    try:
        assert synthesizer.reached
        assert await synthesizer.voices("en-US")
        async with aclosing(synthesizer.synthesize("Hello there.", TtsOptions())) as chunks:
            assert (await anext(chunks)).audio
    finally:
        await synthesizer.aclose()
    assert synthesizer.capabilities.word_positions
    assert meter.amounts == {("tts", "espeak"): 12}


async def test_a_spent_budget_refuses_before_anything_is_sent() -> None:
    spent = Budget(1.0, refuse=True, spent_usd=lambda: 1.0)
    meter = Meter()
    synthesizer = MeteredTts(build_tts("soniox", api_key="k"), meter, spent)
    with pytest.raises(QuotaError):
        await anext(synthesizer.synthesize("Hi.", TtsOptions()))
    with pytest.raises(QuotaError):
        async with MeteredStt(build_stt("soniox", api_key="k"), meter, spent).stream(SttOptions()):
            pass
    assert not meter.amounts
