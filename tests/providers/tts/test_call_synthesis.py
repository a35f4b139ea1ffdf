"""Google's synthesizers, by its official client, on the stand-in."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from media.audio import Encoding, encode
from providers.catalog import build_tts
from providers.errors import (
    ApiError,
    InvalidResponseError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.types import TtsOptions, TtsProvider
from tests.providers.leaks import nothing_left
from tests.vendors.google.access import ACCESS
from tests.vendors.google.limits import Limits
from tests.vendors.google.standin import GoogleStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "How may I help you today?"
SCRIPT = computed_script(["Nobody listens."])
BOTH = ["google", "google-once"]


@asynccontextmanager
async def speaking(
    name: str, *faults: Fault, **options: Any
) -> AsyncIterator[tuple[TtsProvider, GoogleStandIn]]:
    """A synthesizer and its stand-in, of which nothing may be left."""
    service = ACCESS.tts[name]
    async with (
        GoogleStandIn(OracleHearing(SCRIPT), faults={service: faults}, **options) as standin,
        nothing_left(standin),
    ):
        provider = build_tts(name, **ACCESS.settings(standin))
        try:
            yield provider, standin
        finally:
            await provider.aclose()


async def say(provider: TtsProvider, text: str = TEXT, **options: Any) -> bytes:
    async with aclosing(provider.synthesize(text, TtsOptions(**options))) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


@virtual_time_on_sockets
async def test_a_header_in_a_stream_is_left_out() -> None:
    async with speaking("google", limits=Limits(tts_headers=True)) as (google, standin):
        assert await say(google) == ulaw(TEXT)
        (record,) = standin.records["tts"]
        first = record.sent[0].data
        assert isinstance(first, bytes)
        assert b"RIFF" in first


@pytest.mark.parametrize("name", BOTH)
def test_long_sentences_are_spoken_in_parts(name: str) -> None:
    @virtual_time_on_sockets
    async def are_spoken() -> None:
        text = "a word, " * 45
        async with speaking(name) as (provider, standin):
            assert len(await say(provider, text)) >= len(ulaw(text.strip()))
            assert len(standin.records[ACCESS.tts[name]]) == 2

    are_spoken()


@virtual_time_on_sockets
async def test_what_google_repeats_of_a_text_is_not_shown() -> None:
    async with speaking("google-once") as (once, _):
        with pytest.raises(ApiError, match="too long") as raised:
            await say(once, "secretly, " * 40, ssml=True)
        assert "secretly" not in f"{raised.value} {raised.value!r}"


@virtual_time_on_sockets
async def test_ssml_and_manners_are_asked_for() -> None:
    async with speaking("google-once") as (once, _):
        ssml = "<p>Hello, <break time='1s'/>you.</p>"
        audio = await say(once, ssml, ssml=True, speed=0.5, pitch=3.0, volume=2.0)
        assert audio == ulaw("Hello, you.", 0.5)
        assert await say(once, voice="Puck", language="zh-CN", speed=2.0) == ulaw(TEXT, 2.0)
        with pytest.raises(UnsupportedError, match="SSML of 1600 bytes"):
            await say(once, "<p>Hi</p>" * 800, ssml=True)


@pytest.mark.parametrize("name", BOTH)
@virtual_time_on_sockets
async def test_a_long_text_is_said_in_parts(name: str) -> None:
    text = "It is as long as that. " * 60
    async with speaking(name) as (google, standin):
        assert await say(google, text) == ulaw(text)
        assert len(standin.records[ACCESS.tts[name]]) == 2


@pytest.mark.parametrize("name", BOTH)
@virtual_time_on_sockets
async def test_the_voices_are_listed(name: str) -> None:
    async with speaking(name) as (google, _):
        chinese = await google.voices("zh")
        every = await google.voices()
    ids = {voice.id for voice in chinese}
    assert "cmn-CN-Chirp3-HD-Kore" in ids
    assert ("cmn-TW-Standard-A" in ids) is (name == "google-once")
    assert {voice.provider for voice in every} == {name}
    assert len(every) > len(chinese)


@pytest.mark.parametrize("name", BOTH)
@virtual_time_on_sockets
async def test_one_connection_is_kept_for_all_texts(name: str) -> None:
    async with speaking(name) as (google, standin):
        await google.start()
        await google.start()  # it is warm
        standin.stop_listening()
        for _ in range(3):
            assert set(await asyncio.gather(say(google), say(google))) == {ulaw(TEXT)}
        assert len(standin.records["voices"]) == 1


@virtual_time_on_sockets
async def test_a_connection_that_does_not_answer_is_left() -> None:
    async with speaking("google", Fault("stall", "open")) as (google, standin):
        assert await say(google) == ulaw(TEXT)
        assert await say(google) == ulaw(TEXT)
        assert len(standin.records["tts"]) == 3


@pytest.mark.parametrize("name", BOTH)
@virtual_time_on_sockets
async def test_a_text_that_nobody_wants_any_more_is_cancelled(name: str) -> None:
    async with speaking(name, pace=0.1) as (google, standin):
        speech = asyncio.create_task(say(google))
        await asyncio.sleep(0.5)
        speech.cancel()
        await asyncio.wait([speech])
        del speech
        gc.collect()  # gRPC hangs a call that is cancelled on the error, and that on the call
        (record,) = standin.records[ACCESS.tts[name]]
        async with asyncio.timeout(2):
            await record.ended.wait()


@pytest.mark.parametrize("name", BOTH)
@virtual_time_on_sockets
async def test_closing_ends_what_is_being_said(name: str) -> None:
    async with speaking(name, pace=0.1) as (google, _):
        speech = asyncio.create_task(say(google))
        await asyncio.sleep(0.5)
        await google.aclose()
        with pytest.raises(UnavailableError, match="closed") as raised:
            await speech
        assert not raised.value.retryable
        await google.start()


@virtual_time_on_sockets
async def test_a_vendor_that_is_not_there_may_be_later() -> None:
    async with speaking("google") as (google, standin):
        await standin.vanish()
        await google.start()
        assert not google.reached
        await standin.listen()
        assert await say(google) == ulaw(TEXT)
        assert google.reached


@virtual_time_on_sockets
async def test_what_is_no_answer_is_asked_for_again_and_then_given_up() -> None:
    garbage = Fault("garbage", "audio", garbage="text")
    async with speaking("google-once", *[garbage] * 20) as (once, standin):
        with pytest.raises(InvalidResponseError, match="cannot be read"):
            await say(once)
        assert len(standin.records["tts-once"]) > 1


@virtual_time_on_sockets
async def test_what_is_not_on_offer_is_told_without_asking_twice() -> None:
    async with speaking("google") as (google, standin):
        with pytest.raises(UnsupportedError, match="does not exist"):
            await say(google, voice="en-US-Chirp3-HD-Nobody")
        assert len(standin.records["tts"]) == 1
        with pytest.raises(UnsupportedLanguageError):
            await say(google, language="qaa")
        with pytest.raises(UnsupportedError, match="cannot be streamed"):
            await say(google, voice="en-US-Neural2-F")
        assert len(standin.records["tts"]) == 1
