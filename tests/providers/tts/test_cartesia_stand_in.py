"""Cartesia's synthesizer on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from media.audio import ULAW_8K, encode
from providers.catalog import build_tts
from providers.types import TtsOptions, TtsProvider, WordPosition
from tests.providers.leaks import nothing_left
from tests.vendors.cartesia.access import ACCESS
from tests.vendors.cartesia.limits import Limits
from tests.vendors.cartesia.offer import VOICES
from tests.vendors.cartesia.standin import CartesiaStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "Yes, of course."
HEARING = OracleHearing(computed_script(["Yes."]))


async def spoken(provider: TtsProvider) -> tuple[bytes, list[WordPosition]]:
    audio = b""
    words: list[WordPosition] = []
    async with aclosing(provider.synthesize(TEXT, TtsOptions())) as chunks:
        async for chunk in chunks:
            audio += chunk.audio
            words += chunk.words
    return audio, words


async def test_words_have_their_places() -> None:
    async with CartesiaStandIn(HEARING) as standin, nothing_left(standin):
        provider = build_tts("cartesia", **ACCESS.settings(standin))
        audio, words = await spoken(provider)
        await provider.aclose()
    assert audio == encode(tones(TEXT, 8_000), ULAW_8K.encoding)
    assert [(TEXT[word.start : word.end], word.at_ms) for word in words] == [
        ("Yes,", 0.0),
        ("of", 300.0),
        ("course.", 480.0),
    ]


@virtual_time_on_sockets
async def test_a_connection_that_was_idle_for_too_long_is_replaced() -> None:
    async with CartesiaStandIn(HEARING) as standin, nothing_left(standin):
        provider = build_tts("cartesia", **ACCESS.settings(standin))
        first, _ = await spoken(provider)
        await asyncio.sleep(310)
        second, _ = await spoken(provider)
        await provider.aclose()
    assert first == second
    assert len(standin.records["tts"]) == 2


@virtual_time_on_sockets
async def test_texts_wait_for_one_another_as_the_plan_wants_it() -> None:
    limits = Limits(contexts_at_once=2)
    async with CartesiaStandIn(HEARING, limits=limits, pace=4.0) as standin, nothing_left(standin):
        provider = build_tts("cartesia", **ACCESS.settings(standin))
        heard = await asyncio.gather(*(spoken(provider) for _ in range(5)))
        await provider.aclose()
    assert {audio for audio, _ in heard} == {encode(tones(TEXT, 8_000), ULAW_8K.encoding)}
    assert len(standin.records["tts"]) == 1


async def test_voices_are_listed() -> None:
    async with CartesiaStandIn(HEARING) as standin, nothing_left(standin):
        provider = build_tts("cartesia", **ACCESS.settings(standin))
        voices = await provider.voices("en")
        await provider.aclose()
    english = [(key, *voice) for key, voice in VOICES.items() if voice[1] == "en"]
    assert [(voice.id, voice.name, voice.language, voice.gender) for voice in voices] == [
        (key, name, locale, gender) for key, name, _, locale, gender in english
    ]
