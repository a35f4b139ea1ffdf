from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.engines import Engines, tts_options
from bot.metrics import Metrics
from bot.numbers import BotSettings
from providers import catalog
from providers.errors import (
    AuthenticationError,
    DeadlineError,
    MissingKeyError,
    UnavailableError,
    UnsupportedError,
)
from providers.metered import MeteredStt, MeteredTts
from providers.types import SynthesisChunk, TtsOptions
from providers.usage import Account, Budget
from tests.bot.engines import Recognizer, Tones
from tests.serving import silent_server
from tests.virtual_time import virtual_time, virtual_time_on_sockets

APOLOGY = "Sorry."
FAREWELL = "Goodbye."


def bot(**values: Any) -> BotSettings:
    default = {"dialog": "echo", "language": "en-US", "voice": None, "fallback_number": None}
    return BotSettings(
        **{**default, "stt_provider": "pocketsphinx", "tts_provider": "espeak", **values}
    )


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STT, "pocketsphinx", "tests.bot.engines:Recognizer")
    monkeypatch.setitem(catalog.TTS, "espeak", "tests.bot.engines:Tones")


def made(provider: object) -> object:
    """What the catalogue has made: its use is metered."""
    assert isinstance(provider, MeteredStt | MeteredTts)
    return provider.provider


def tones(engines: Engines, of: BotSettings) -> Tones:
    [candidate] = engines.tts(of).candidates
    tts = made(candidate.provider)
    assert isinstance(tts, Tones)
    return tts


async def test_engines_are_shared_and_started_with_an_apology_in_every_voice() -> None:
    english, french = bot(), bot(language="fr-FR", voice="denise")
    engines = Engines([english, french, bot(dialog="other")], APOLOGY, FAREWELL)
    await engines.start()
    assert engines.stt(english) is engines.stt(french)
    assert engines.tts(english) is engines.tts(french)
    assert tones(engines, english).spoken == [
        (APOLOGY, TtsOptions(language="en-US")),
        (FAREWELL, TtsOptions(language="en-US")),
        (APOLOGY, TtsOptions(language="fr-FR", voice="denise")),
        (FAREWELL, TtsOptions(language="fr-FR", voice="denise")),
    ]
    text, ulaw = engines.apology(french)
    assert text == APOLOGY
    assert len(ulaw) == len(APOLOGY) * 50 * 8
    await engines.aclose()


async def test_a_provider_gets_its_settings() -> None:
    engines = Engines([bot()], APOLOGY, FAREWELL, {"espeak": {"chunk_ms": 50}})
    assert tones(engines, bot()).chunk_ms == 50


async def test_a_synthesizer_that_is_away_at_the_start_leaves_no_apology() -> None:
    engines = Engines([bot()], APOLOGY, FAREWELL)
    tones(engines, bot()).fail = {APOLOGY: (0, UnavailableError("tones", "away"))}
    await engines.start()
    assert engines.apology(bot()) == (APOLOGY, b"")


async def test_a_synthesizer_that_is_away_is_not_asked_for_every_voice() -> None:
    bots = [bot(voice=f"voice {number}") for number in range(20)]
    engines = Engines(bots, APOLOGY, FAREWELL)
    away = (0, UnavailableError("tones", "away"))
    tones(engines, bot()).fail = {APOLOGY: away, FAREWELL: away}
    await engines.start()
    assert len(tones(engines, bot()).spoken) <= 4
    assert engines.farewell(bots[-1]) == (FAREWELL, b"")


@virtual_time_on_sockets
async def test_a_vendor_that_cannot_be_reached_holds_the_start_up_once() -> None:
    with silent_server() as port:
        url = f"ws://127.0.0.1:{port}/vendor"
        vendor = {"soniox": {"api_key": "k", "stt_url": url, "tts_url": url}}
        bots = [
            bot(stt_provider="soniox", tts_provider="soniox", language=language)
            for language in ("en-US", "de-DE", "fr-FR")
        ]
        engines = Engines(bots, APOLOGY, FAREWELL, vendor)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await engines.start()
        took_s = loop.time() - began_s
        await engines.aclose()
    assert engines.apology(bots[0]) == (APOLOGY, b"")
    assert took_s < 3.5  # all that the engine of connections gives a vendor


async def test_engines_start_at_the_same_time_and_so_are_sentences_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, spoken = asyncio.Barrier(2), asyncio.Barrier(4)

    async def start(self: object) -> None:
        await started.wait()

    async def speak(
        self: Tones, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        await spoken.wait()
        yield SynthesisChunk(bytes(640))

    monkeypatch.setattr(Recognizer, "start", start)
    monkeypatch.setattr(Tones, "start", start)
    monkeypatch.setattr(Tones, "synthesize", speak)
    english, french = bot(), bot(language="fr-FR")
    engines = Engines([english, french], APOLOGY, FAREWELL)
    async with asyncio.timeout(5):
        await engines.start()
    assert engines.apology(english)[1]
    assert engines.farewell(french)[1]


async def test_a_spent_budget_keeps_no_worker_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(catalog.TTS, "paid", catalog.TTS["espeak"])
    account = Account(budget=Budget(1.0, refuse=True, spent_usd=lambda: 1.0))
    paid = bot(tts_provider="paid")
    engines = Engines([paid, bot()], APOLOGY, FAREWELL, account=account)
    await engines.start()
    assert engines.apology(paid) == (APOLOGY, b"")
    assert engines.apology(bot())[1]
    await engines.aclose()


async def test_a_voice_that_does_not_exist_stops_the_start() -> None:
    engines = Engines([bot(voice="nobody")], APOLOGY, FAREWELL)
    tones(engines, bot()).fail = {APOLOGY: (0, UnsupportedError("tones", "no such voice"))}
    with pytest.raises(UnsupportedError):
        await engines.start()


async def test_a_language_that_is_not_understood_stops_the_start() -> None:
    with pytest.raises(UnsupportedError, match="'de-DE' is not on offer; it understands en-US"):
        await Engines([bot(), bot(language="de-DE")], APOLOGY, FAREWELL).start()


async def test_an_engine_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Tones) -> None:
        raise UnavailableError("tones", "no library")

    monkeypatch.setattr(Tones, "start", fail)
    with pytest.raises(UnavailableError):
        await Engines([bot()], APOLOGY, FAREWELL).start()


async def test_an_engine_that_takes_too_long_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(self: Tones) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Tones, "start", hang)
    monkeypatch.setattr("providers.probing.START_DEADLINE_S", 0.01)
    with pytest.raises(DeadlineError, match=r"^tones: it has not started within 0\.01 s; see"):
        await Engines([bot()], APOLOGY, FAREWELL).start()


def test_an_apology_not_prepared_is_silence() -> None:
    assert Engines([bot()], APOLOGY, FAREWELL).apology(bot()) == (APOLOGY, b"")


def test_how_a_bot_speaks() -> None:
    assert tts_options(bot(language="de-DE", voice="anna")) == TtsOptions(
        language="de-DE", voice="anna"
    )


# Several providers


class Away(Recognizer):
    """Cannot be started."""

    async def start(self) -> None:
        raise AuthenticationError("away", "wrong key", hint="check AWAY_API_KEY")


class Unreached(Tones):
    """Is not within reach."""

    def __init__(self) -> None:
        super().__init__(reached=False, fail={APOLOGY: (0, UnavailableError("unreached", "away"))})


class Keyless(Recognizer):
    """Cannot even be built."""

    def __init__(self) -> None:
        raise MissingKeyError("keyless", "there is no key", hint="set KEYLESS_API_KEY")


@pytest.fixture(autouse=True)
def _others(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("Away", "Keyless"):
        monkeypatch.setitem(catalog.STT, kind.lower(), f"tests.bot.test_engines:{kind}")
    monkeypatch.setitem(catalog.TTS, "keyless", "tests.bot.test_engines:Keyless")
    monkeypatch.setitem(catalog.STT, "second", "tests.bot.engines:Recognizer")
    monkeypatch.setitem(catalog.TTS, "unreached", "tests.bot.test_engines:Unreached")


async def test_one_that_cannot_be_started_does_not_stop_the_start_if_another_is_well() -> None:
    both = bot(stt_provider="away,pocketsphinx")
    engines = Engines([both], APOLOGY, FAREWELL)
    with capture_logs() as logs:
        await engines.start()
    [said] = [entry for entry in logs if entry["log_level"] == "error"]
    assert said["provider"] == "away"
    assert said["error"] == "away: wrong key; check AWAY_API_KEY"
    assert [one.name for one in engines.stt(both).ranked()] == ["pocketsphinx", "away"]
    assert engines.health() == {
        "stt": {"away": "AuthenticationError", "pocketsphinx": "well"},
        "tts": {"espeak": "well"},
    }


async def test_a_recognizer_that_is_not_within_reach_is_not_the_first_to_be_asked() -> None:
    both = bot(stt_provider="second,pocketsphinx")
    engines = Engines([both], APOLOGY, FAREWELL)
    away: Any = made(engines.stt(both).candidates[0].provider)
    away.failures = [UnavailableError("second", "away")]
    await engines.start()
    assert [one.name for one in engines.stt(both).ranked()] == ["pocketsphinx", "second"]


async def test_one_that_cannot_be_built_is_left_out() -> None:
    both = bot(stt_provider="keyless,pocketsphinx")
    with capture_logs() as logs:
        engines = Engines([both], APOLOGY, FAREWELL)
    assert [entry["error"] for entry in logs] == ["keyless: there is no key; set KEYLESS_API_KEY"]
    assert [one.name for one in engines.stt(both).candidates] == ["pocketsphinx"]


@pytest.mark.parametrize(
    ("names", "voice", "own"),
    [("keyless,espeak", "Rachel,anna", "anna"), ("keyless,espeak", "Rachel", None)],
)
async def test_each_speaks_with_its_own_voice_though_one_before_it_is_left_out(
    names: str, voice: str, own: str | None
) -> None:
    both = bot(tts_provider=names, voice=voice)
    engines = Engines([both], APOLOGY, FAREWELL)
    await engines.start()
    assert tones(engines, both).spoken[0] == (APOLOGY, TtsOptions(language="en-US", voice=own))


def test_the_start_is_stopped_when_none_can_be_built() -> None:
    with pytest.raises(MissingKeyError):
        Engines([bot(stt_provider="keyless")], APOLOGY, FAREWELL)


async def test_a_bot_for_which_none_can_be_had_stops_the_start() -> None:
    alone = bot(stt_provider="away")
    with pytest.raises(AuthenticationError):
        await Engines([bot(), alone], APOLOGY, FAREWELL).start()


async def test_the_apology_is_spoken_by_one_that_is_within_reach() -> None:
    both = bot(tts_provider="unreached,espeak")
    engines = Engines([both], APOLOGY, FAREWELL)
    await engines.start()
    first, second = (made(one.provider) for one in engines.tts(both).candidates)
    assert isinstance(first, Unreached)
    assert first.texts == []
    assert isinstance(second, Tones)
    assert second.texts == [APOLOGY, FAREWELL]
    assert engines.apology(both)[1]


async def test_a_provider_is_shared_by_all_bots_that_may_use_it() -> None:
    one, other = bot(stt_provider="second,pocketsphinx"), bot()
    engines = Engines([one, other], APOLOGY, FAREWELL)
    assert engines.stt(one).candidates[1] is engines.stt(other).candidates[0]


async def test_the_recognizer_that_has_room() -> None:
    both = bot(stt_provider="second,pocketsphinx")
    engines = Engines([both], APOLOGY, FAREWELL)
    first, second = engines.stt(both).candidates
    one, other = made(first.provider), made(second.provider)
    assert isinstance(one, Recognizer)
    assert isinstance(other, Recognizer)
    other.capacity = 2
    assert engines.free_recognizer(both, {"second": 100}) == "second"
    one.capacity = 1
    assert engines.free_recognizer(both, {"second": 1}) == "pocketsphinx"
    assert engines.free_recognizer(both, {"second": 1, "pocketsphinx": 2}) is None
    # One that rests takes no call while another is well.
    first.failed(UnavailableError("second", "down"))
    assert engines.free_recognizer(both, {"pocketsphinx": 1}) == "pocketsphinx"
    assert engines.free_recognizer(both, {"pocketsphinx": 2}) is None
    second.failed(UnavailableError("pocketsphinx", "down"))
    assert engines.free_recognizer(both, {"pocketsphinx": 2}) == "second"


async def test_a_recognizer_that_does_not_understand_the_language_takes_no_call() -> None:
    german = bot(stt_provider="second,pocketsphinx", language="de-DE")
    engines = Engines([german], APOLOGY, FAREWELL)
    english, other = (made(one.provider) for one in engines.stt(german).candidates)
    assert isinstance(english, Recognizer)
    assert isinstance(other, Recognizer)
    english.capabilities = replace(english.capabilities, languages=("en-US",))
    other.capabilities = replace(other.capabilities, languages=("de-DE",))
    other.capacity = 1
    assert engines.free_recognizer(german, {}) == "pocketsphinx"
    assert engines.free_recognizer(german, {"pocketsphinx": 1}) is None


@virtual_time
async def test_how_well_providers_are_is_measured_while_the_worker_runs() -> None:
    engines, metrics = Engines([bot()], APOLOGY, FAREWELL), Metrics()

    def well(kind: str, provider: str) -> float | None:
        labels = {"kind": kind, "provider": provider}
        return metrics.registry.get_sample_value("parley_provider_well", labels)

    running = asyncio.create_task(engines.run(metrics))
    await asyncio.sleep(0.5)
    assert (well("stt", "pocketsphinx"), well("tts", "espeak")) == (1, 1)
    engines.stt(bot()).candidates[0].failed(UnavailableError("recognizer", "down"))
    await asyncio.sleep(1)
    assert (well("stt", "pocketsphinx"), well("tts", "espeak")) == (0, 1)
    # Its probe succeeds.
    await asyncio.sleep(3)
    assert well("stt", "pocketsphinx") == 1
    running.cancel()
    await asyncio.wait([running])
