"""OpenAI's voices on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from media.audio import (
    Encoding,
    bytes_to_pcm,
    encode,
    pcm_to_bytes,
)
from providers.catalog import build_tts
from providers.errors import (
    UnsupportedError,
    UnsupportedFormatError,
)
from providers.session import Deadlines
from providers.tts.openai_realtime import OpenAiRealtimeSpeech
from providers.tts.synthesis import StreamingTts
from providers.types import TtsOptions, TtsProvider
from tests.providers.leaks import nothing_left
from tests.vendors.openai.access import ACCESS
from tests.vendors.openai.standin import OpenAiStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import CHARACTER_MS, tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "How may I help you today?"
AN_HOUR_S = 3_600.0
UNHURRIED = Deadlines(quiet_s=AN_HOUR_S, pong_s=AN_HOUR_S, write_s=AN_HOUR_S)
"""Else an hour takes seconds, for all its pings."""


@asynccontextmanager
async def served(script: Script, **options: Any) -> AsyncIterator[OpenAiStandIn]:
    async with OpenAiStandIn(OracleHearing(script), **options) as standin, nothing_left(standin):
        yield standin


@asynccontextmanager
async def speaking(
    standin: OpenAiStandIn, name: str = "openai", **account: str
) -> AsyncIterator[TtsProvider]:
    provider = build_tts(name, **{**ACCESS.settings(standin), **account})
    try:
        yield provider
    finally:
        await provider.aclose()


async def spoken(provider: TtsProvider, text: str = TEXT, **options: Any) -> bytes:
    asked = TtsOptions(**options)
    return b"".join([chunk.audio async for chunk in provider.synthesize(text, asked)])


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


async def test_a_text_is_spoken_over_http_in_whole_samples(script: Script) -> None:
    # The stand-in sends an odd number of bytes at a time.
    async with served(script) as standin, speaking(standin) as provider:
        await provider.start()
        assert await spoken(provider) == pcm_to_bytes(tones(TEXT, 24_000))
        assert await spoken(provider, speed=2.0) == pcm_to_bytes(tones(TEXT, 24_000, 2.0))
        with pytest.raises(UnsupportedError, match="voice"):
            await spoken(provider, voice="nobody")


async def test_other_servers_have_their_own_voices_and_need_no_key(script: Script) -> None:
    async with (
        served(script, api_key=None) as standin,
        speaking(
            standin,
            api_key="openai-s-own-key",
            base_url="https://api.openai.com/v1",
            tts_base_url=standin.api_url,
            tts_model="kokoro",
        ) as provider,
    ):
        await provider.start()
        assert await spoken(provider, voice="af_heart") == pcm_to_bytes(tones(TEXT, 24_000))
        (record,) = standin.records["speech"]
        assert record.key == "right"
        assert "authorization" not in record.headers
        assert [voice.id for voice in await provider.voices()] == ["alloy"]


@virtual_time_on_sockets
async def test_a_user_s_own_server_may_be_slow(script: Script) -> None:
    slow = Fault("slow", delay_ms=8_000)
    async with served(script, faults={"speech": [slow, slow]}) as standin:
        async with speaking(
            standin, tts_base_url=standin.api_url, tts_api_key=standin.api_key
        ) as own:
            assert await spoken(own) == pcm_to_bytes(tones(TEXT, 24_000))
            assert len(standin.records["speech"]) == 1
        async with speaking(standin) as provider:
            # A caller waits.
            assert await spoken(provider) == pcm_to_bytes(tones(TEXT, 24_000))
            assert len(standin.records["speech"]) == 3


async def test_a_server_that_makes_wav_files_at_its_own_rate_is_understood(script: Script) -> None:
    async with served(script, made="wav") as standin, speaking(standin) as provider:
        got = bytes_to_pcm(await spoken(provider))
        wanted = tones(TEXT, 24_000)
        assert abs(len(got) - len(wanted)) < 24
        # The middle of each character's tone: where they meet, resampling rings.
        size = 24 * CHARACTER_MS
        inner = np.concatenate(
            [np.arange(n + size // 4, n + size // 2) for n in range(0, len(got) - size, size)]
        )
        error = np.abs(got[inner].astype(int) - wanted[inner])
        assert np.percentile(error, 95) < 800


async def test_a_server_that_makes_mp3_is_refused(script: Script) -> None:
    async with served(script, made="mp3") as standin, speaking(standin) as provider:
        with pytest.raises(UnsupportedFormatError, match="MP3"):
            await spoken(provider)
        assert len(standin.records["speech"]) == 1


async def test_what_one_should_know_of_a_provider_is_logged_once(script: Script) -> None:
    async with (
        served(script) as standin,
        speaking(standin, "openai-realtime") as provider,
    ):
        with capture_logs() as logs:
            await provider.start()
            await provider.start()
        assert [log["notice"] for log in logs] == [provider.capabilities.notice]


@virtual_time_on_sockets
async def test_texts_are_read_one_at_a_time_by_a_connection_for_each_voice(script: Script) -> None:
    async with served(script) as standin, speaking(standin, "openai-realtime") as provider:
        await provider.start()
        assert await spoken(provider) == ulaw(TEXT)
        assert await spoken(provider, "Again.") == ulaw("Again.")
        assert len(standin.records["realtime"]) == 1
        assert await spoken(provider, voice="cedar", speed=1.5) == ulaw(TEXT, 1.5)
        assert len(standin.records["realtime"]) == 2
        both = tuple(await asyncio.gather(spoken(provider, "One."), spoken(provider, "Two.")))
        assert both == (ulaw("One."), ulaw("Two."))
        for record in standin.records["realtime"]:
            assert not [answer for answer in record.answers if answer["type"] == "error"]


@virtual_time_on_sockets
async def test_a_text_that_is_not_wanted_any_more_is_cancelled(script: Script) -> None:
    async with (
        served(script, pace=2) as standin,
        speaking(standin, "openai-realtime") as provider,
    ):
        async with aclosing(provider.synthesize(TEXT * 10, TtsOptions())) as chunks:
            await anext(chunks)
        assert await spoken(provider, "Next.") == ulaw("Next.")
        (record, *_) = standin.records["realtime"]
        cancels = [m for m in record.messages if m["type"] == "response.cancel"]
        assert [cancel["response_id"] for cancel in cancels] == ["resp_1"]
        statuses = [a["response"]["status"] for a in record.answers if a["type"] == "response.done"]
        assert statuses[0] == "cancelled"


@virtual_time_on_sockets
async def test_a_text_is_cancelled_before_the_vendor_has_named_it(script: Script) -> None:
    async with (
        served(script, pace=2) as standin,
        speaking(standin, "openai-realtime") as provider,
    ):
        standin.misbehave(Fault("slow", "open", delay_ms=500), service="realtime")
        reading = asyncio.ensure_future(anext(provider.synthesize(TEXT * 10, TtsOptions())))
        await asyncio.sleep(0.2)
        reading.cancel()
        await asyncio.wait([reading])
        await asyncio.sleep(2)
        (record,) = standin.records["realtime"]
        kinds = [m["type"] for m in record.messages]
        assert kinds == ["session.update", "response.create", "response.cancel"]
        assert await spoken(provider, "Next.") == ulaw("Next.")
        assert len(standin.records["realtime"]) == 1


@virtual_time_on_sockets
async def test_a_connection_that_grows_old_takes_no_more_texts(script: Script) -> None:
    async with served(script) as standin, AsyncExitStack() as stack:
        vendor = OpenAiRealtimeSpeech(**ACCESS.settings(standin))
        provider = StreamingTts(vendor, UNHURRIED)
        stack.push_async_callback(provider.aclose)
        await provider.start()
        await asyncio.sleep(AN_HOUR_S - 120)
        assert await spoken(provider) == ulaw(TEXT)
        assert await spoken(provider) == ulaw(TEXT)
        one, _ = standin.records["realtime"]
        assert one.ended.is_set()
        assert [m["type"] for m in one.messages] == ["session.update"]


@virtual_time_on_sockets
async def test_a_text_that_fails_is_asked_for_again(script: Script) -> None:
    async with served(script) as standin, speaking(standin, "openai-realtime") as provider:
        standin.misbehave(Fault("error", "audio", at_ms=300, code=500), service="realtime")
        assert await spoken(provider) == ulaw(TEXT)
        (record,) = standin.records["realtime"]
        created = [m for m in record.messages if m["type"] == "response.create"]
        assert len(created) == 2
        standin.misbehave(Fault("error", "open", code=500), service="realtime")
        assert await spoken(provider, voice="cedar") == ulaw(TEXT)
