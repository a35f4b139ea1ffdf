from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bot.engines import Engines, tts_options
from bot.numbers import BotSettings
from providers import catalog
from providers.errors import DeadlineError, UnavailableError, UnsupportedError
from providers.types import SynthesisChunk, TtsOptions
from tests.bot.engines import Recognizer, Tones
from tests.serving import silent_server
from tests.virtual_time import virtual_time_on_sockets

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


def tones(engines: Engines, of: BotSettings) -> Tones:
    [candidate] = engines.tts(of).candidates
    tts: object = candidate.provider
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
    monkeypatch.setattr("bot.engines.START_DEADLINE_S", 0.01)
    with pytest.raises(DeadlineError, match=r"^tones: it has not started within 0\.01 s; see"):
        await Engines([bot()], APOLOGY, FAREWELL).start()


def test_an_apology_not_prepared_is_silence() -> None:
    assert Engines([bot()], APOLOGY, FAREWELL).apology(bot()) == (APOLOGY, b"")


def test_how_a_bot_speaks() -> None:
    assert tts_options(bot(language="de-DE", voice="anna")) == TtsOptions(
        language="de-DE", voice="anna"
    )
