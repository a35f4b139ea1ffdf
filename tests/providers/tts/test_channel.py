"""The engine's law for synthesis, on Soniox' stand-in: a text is heard whole, once, or an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from media.audio import Encoding, encode
from providers.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    NetworkError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)
from providers.tts.soniox import SonioxSynthesizer
from providers.tts.synthesis import StreamingTts
from providers.types import TtsOptions
from tests.providers.leaks import served
from tests.vendors.soniox.limits import Limits
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import GARBAGE, Fault
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "How may I help you today?"
OPTIONS = TtsOptions(language="en-US")
MENDED = [
    Fault("reset", "audio", 0),
    Fault("reset", "audio", 480),
    Fault("reset", "finish"),
    Fault("close", "audio", 480),
    Fault("close", "open"),
    Fault("error", "audio", 480, code=503, scope="connection"),
    Fault("error", "audio", 480, code=408, scope="connection"),
    Fault("stall", "audio", 480),
    Fault("stall", "finish"),
    *(Fault("garbage", "audio", 480, garbage=kind) for kind in GARBAGE),
]
REFUSALS = {400: ApiError, 401: AuthenticationError, 402: QuotaError, 429: RateLimitError}


def ulaw(text: str) -> bytes:
    """What the stand-in says for a text."""
    return encode(tones(text, 8000), Encoding.ULAW)


@asynccontextmanager
async def speaking(
    script: Script, *faults: Fault, pace: float | None = 2.0, **options: object
) -> AsyncIterator[tuple[StreamingTts, SonioxStandIn]]:
    """A synthesizer and its vendor, whose TTS connections meet the faults."""
    async with served(script, tts_faults=faults, pace=pace, **options) as standin:
        tts = StreamingTts(SonioxSynthesizer(api_key="stand-in-key", tts_url=standin.tts_url))
        try:
            yield tts, standin
        finally:
            await tts.aclose()


async def said(tts: StreamingTts, text: str = TEXT, options: TtsOptions = OPTIONS) -> bytes:
    """All of a text's audio."""
    async with asyncio.timeout(60), aclosing(tts.synthesize(text, options)) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


def cancels(standin: SonioxStandIn) -> int:
    """How many texts were cancelled."""
    return sum("cancel" in message for record in standin.tts for message in record.messages)


def begun(standin: SonioxStandIn) -> int:
    """How many texts were asked for."""
    return sum("text_end" in message for record in standin.tts for message in record.messages)


def faults_of(fault: Fault) -> str:
    return f"{fault.kind}-{fault.when}-{fault.code or fault.garbage}"


@pytest.mark.parametrize("fault", MENDED, ids=faults_of)
@virtual_time_on_sockets
async def test_a_text_is_whole_though_its_connection_is_lost(script: Script, fault: Fault) -> None:
    async with speaking(script, fault) as (tts, standin):
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 2


@pytest.mark.parametrize("code", [503, 500, 408])
@virtual_time_on_sockets
async def test_a_text_that_failed_by_itself_is_asked_for_again(script: Script, code: int) -> None:
    fault = Fault("error", "audio", 480, code=code)
    async with speaking(script, fault) as (tts, standin):
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 1


@pytest.mark.parametrize(("code", "kind"), REFUSALS.items())
@virtual_time_on_sockets
async def test_one_text_that_fails_leaves_the_others_alone(
    script: Script, code: int, kind: type[ProviderError]
) -> None:
    fault = Fault("error", "audio", 480, code=code, error_type="as_the_vendor_says")
    async with speaking(script, fault) as (tts, standin):
        results = await asyncio.gather(
            *(said(tts, text) for text in ("One two", "Three four", "Five")),
            return_exceptions=True,
        )
        (error,) = (result for result in results if isinstance(result, BaseException))
        assert isinstance(error, kind)
        assert error.code == "as_the_vendor_says"
        assert len({ulaw("One two"), ulaw("Three four"), ulaw("Five")} & set(results)) == 2
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 1


@virtual_time_on_sockets
async def test_a_slow_listener_gets_all_of_it(script: Script) -> None:
    async with speaking(script, pace=None) as (tts, _):
        heard = b""
        async with aclosing(tts.synthesize(TEXT, OPTIONS)) as chunks:
            async for chunk in chunks:
                heard += chunk.audio
                await asyncio.sleep(1)
        assert heard == ulaw(TEXT)


@virtual_time_on_sockets
async def test_a_text_said_again_as_slowly_as_it_is_spoken_goes_on(script: Script) -> None:
    """The vendor takes more time for what was got before than it may take for an answer."""
    text = TEXT * 3
    async with speaking(script, Fault("reset", "audio", 4_000), pace=1.0) as (tts, standin):
        assert await said(tts, text) == ulaw(text)
        assert len(standin.tts) == 2


@virtual_time_on_sockets
async def test_who_hears_enough_cancels(script: Script) -> None:
    async with speaking(script, pace=1.0) as (tts, standin):
        for _ in range(7):
            chunks = tts.synthesize(TEXT, OPTIONS)
            assert ulaw(TEXT).startswith((await anext(chunks)).audio)
            await chunks.aclose()
            # Its place is free when the vendor has confirmed it.
            await asyncio.sleep(0.3)
        assert (cancels(standin), len(standin.tts)) == (7, 1)
        assert await said(tts) == ulaw(TEXT)
        assert cancels(standin) == 7


@virtual_time_on_sockets
async def test_a_place_is_free_when_the_vendor_has_let_go(script: Script) -> None:
    async with speaking(script, Fault("stall", "audio", 600), pace=1.0) as (tts, standin):
        streams = [tts.synthesize(TEXT, OPTIONS) for _ in range(5)]
        await asyncio.gather(*(anext(chunks) for chunks in streams))
        for chunks in streams:
            await chunks.aclose()
        # The vendor has confirmed none of them: all five places are taken.
        async with asyncio.timeout(1):
            assert await said(tts, "One") == ulaw("One")
        assert (cancels(standin), len(standin.tts)) == (5, 2)
        # It does not hold them for ever.
        await asyncio.sleep(150)
        assert [record.ended.is_set() for record in standin.tts] == [True, False]


@virtual_time_on_sockets
async def test_a_connection_carries_five_texts(script: Script) -> None:
    texts = [f"Text number {number}" for number in range(6)]
    async with speaking(script) as (tts, standin):
        await tts.start()
        await tts.start()
        assert await asyncio.gather(*(said(tts, text) for text in texts)) == [
            ulaw(text) for text in texts
        ]
        assert len(standin.tts) == 2
        # The one that is not needed is closed, the last is kept.
        await asyncio.sleep(150)
        assert [record.ended.is_set() for record in standin.tts].count(False) == 1
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 2


@virtual_time_on_sockets
async def test_texts_on_one_connection_survive_its_loss_together(script: Script) -> None:
    texts = ["One two three", "Four five", "Six seven eight nine"]
    async with speaking(script, Fault("reset", "audio", 700)) as (tts, standin):
        assert await asyncio.gather(*(said(tts, text) for text in texts)) == [
            ulaw(text) for text in texts
        ]
        assert len(standin.tts) == 2


@virtual_time_on_sockets
async def test_a_vendor_that_says_nothing_twice_is_late(script: Script) -> None:
    stalls = [Fault("stall", "open")] * 2
    async with speaking(script, *stalls) as (tts, standin):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineError, match="no audio"):
            await said(tts)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(4, abs=0.1)
        # The next text has its own two chances.
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 3


@virtual_time_on_sockets
async def test_an_idle_connection_may_be_lost(script: Script) -> None:
    # It sends nothing for ten seconds, which is too long for this vendor.
    async with speaking(script, limits=Limits(tts_idle_s=3)) as (tts, standin):
        await tts.start()
        for number in (1, 2, 3):
            assert await said(tts) == ulaw(TEXT)
            await asyncio.sleep(number * 8)
            assert standin.tts[-1].ended.is_set()
        assert len(standin.tts) == 3


@virtual_time_on_sockets
async def test_an_idle_connection_is_kept_alive(script: Script) -> None:
    async with speaking(script) as (tts, standin):
        assert await said(tts) == ulaw(TEXT)
        await asyncio.sleep(200)
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 1
        assert {"keep_alive": True} in standin.tts[0].messages


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("busy"), UnavailableError),
        (Fault("refuse"), NetworkError),
        (Fault("reset", "open"), NetworkError),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
@virtual_time_on_sockets
async def test_a_vendor_that_is_down_is_given_up_after_three_seconds(
    script: Script, fault: Fault, kind: type[ProviderError]
) -> None:
    async with speaking(script, *[fault] * 50) as (tts, standin):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(kind):
            await said(tts)
        assert 1.5 < asyncio.get_running_loop().time() - began_s < 3.1
        standin.behave(service="tts")
        assert await said(tts) == ulaw(TEXT)


@virtual_time_on_sockets
async def test_a_vendor_that_is_asked_too_often_is_asked_once_more(script: Script) -> None:
    limit = Fault("error", "open", code=429, scope="connection")
    async with speaking(script, limit, limit) as (tts, standin):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(RateLimitError):
            await said(tts)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(1, abs=0.1)
        assert len(standin.tts) == 2
        assert await said(tts) == ulaw(TEXT)


@virtual_time_on_sockets
async def test_a_vendor_that_is_down_at_the_start_may_come_up(script: Script) -> None:
    async with speaking(script) as (tts, standin):
        standin.stop_listening()
        await tts.start()
        await standin.listen()
        assert await said(tts) == ulaw(TEXT)


@pytest.mark.parametrize("way", ["upgrade", "message"])
@virtual_time_on_sockets
async def test_a_wrong_key_is_told(script: Script, way: str) -> None:
    async with speaking(script, api_key="another-key", wrong_key=way) as (tts, standin):
        # Told by a message, it is not seen before the first text.
        with pytest.raises(AuthenticationError, match="SONIOX_API_KEY"):
            await (tts.start() if way == "upgrade" else said(tts))
        assert len(standin.tts) == 1


@virtual_time_on_sockets
async def test_closing_fails_what_is_being_spoken(script: Script) -> None:
    async with speaking(script, pace=1.0) as (tts, _):
        texts = [asyncio.create_task(said(tts)) for _ in range(2)]
        await asyncio.sleep(0.5)
        await tts.aclose()
        for text in texts:
            with pytest.raises(UnavailableError, match="closed"):
                await text
        with pytest.raises(UnavailableError, match="closed"):
            await said(tts)
        await tts.start()
        assert await said(tts) == ulaw(TEXT)


@virtual_time_on_sockets
async def test_audio_that_nobody_takes_is_bounded(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SonioxSynthesizer, "max_text_bytes", 5_000)
    async with speaking(script, pace=None, limits=Limits(tts_audio_ms=200_000)) as (tts, _):
        chunks = tts.synthesize("a" * 2_100, OPTIONS)  # 126 s
        await anext(chunks)
        await asyncio.sleep(5)
        with pytest.raises(ProviderError, match="nobody takes"):
            [chunk async for chunk in chunks]


@virtual_time_on_sockets
async def test_what_is_not_on_offer_is_told_before_anything_is_opened(script: Script) -> None:
    async with speaking(script) as (tts, standin):
        with pytest.raises(UnsupportedError, match="language"):
            await said(tts, options=TtsOptions(language="tlh"))
        with pytest.raises(UnsupportedError, match="speed"):
            await said(tts, options=TtsOptions(speed=2.0))
        assert (await said(tts, " \n"), standin.tts) == (b"", [])
        assert [voice.id for voice in await tts.voices("de-DE")] == ["Adrian"]


@virtual_time_on_sockets
async def test_a_long_text_is_spoken_in_parts(script: Script) -> None:
    async with speaking(script, pace=None) as (tts, standin):
        # The stand-in takes 60 ms a letter, and two minutes in all.
        text = "Ünïcödé wörds, sö it is. " * 100
        assert await said(tts, text) == ulaw(text.rstrip() + " ")
        parts = [m["text"] for m in standin.tts[0].messages if m.get("text_end")]
        assert len(parts) == 3
        assert all(part.rstrip().endswith("is.") for part in parts)


@virtual_time_on_sockets
async def test_a_text_that_is_spoken_slowly_is_cut_shorter(script: Script) -> None:
    async with speaking(script, pace=None) as (tts, standin):
        await said(tts, "One two. " * 120, TtsOptions(speed=0.7))
        parts = [m["text"] for m in standin.tts[0].messages if m.get("text_end")]
        assert [len(part) for part in parts] == [837, 243]


@virtual_time_on_sockets
async def test_texts_wait_when_the_account_allows_no_more_connections(script: Script) -> None:
    async with speaking(script, limits=Limits(tts_at_once=1), pace=5.0) as (tts, standin):
        await tts.start()
        spoken = await asyncio.gather(*(said(tts) for _ in range(9)))
        assert spoken == [ulaw(TEXT)] * 9
        # One more was tried, once.
        assert len(standin.tts) == 2


@virtual_time_on_sockets
async def test_a_text_does_not_wait_for_ever(script: Script) -> None:
    async with speaking(script, limits=Limits(tts_at_once=1), pace=0.3) as (tts, _):
        await tts.start()
        spoken = await asyncio.gather(*(said(tts) for _ in range(6)), return_exceptions=True)
        assert spoken[:5] == [ulaw(TEXT)] * 5
        assert isinstance(spoken[5], RateLimitError)


@virtual_time_on_sockets
async def test_a_text_that_is_refused_as_one_too_many_waits_for_a_place(script: Script) -> None:
    fault = Fault("error", "audio", code=429, error_type="limit_exceeded")
    async with speaking(script, fault) as (tts, standin):
        began_s = asyncio.get_running_loop().time()
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 1
        assert begun(standin) == 2
        assert asyncio.get_running_loop().time() - began_s > 1


@virtual_time_on_sockets
async def test_a_text_that_is_always_one_too_many_is_not_left_out(script: Script) -> None:
    async with speaking(script, limits=Limits(tts_streams=0)) as (tts, standin):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(RateLimitError):
            await said(tts)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(3, abs=0.1)
        assert len(standin.tts) == 1
        assert begun(standin) <= 4


@virtual_time_on_sockets
async def test_closing_fails_what_waits_for_a_place(script: Script) -> None:
    async with speaking(script, pace=0.5, limits=Limits(tts_at_once=1)) as (tts, standin):
        texts = [asyncio.create_task(said(tts)) for _ in range(7)]
        await asyncio.sleep(1)
        await tts.aclose()
        for text in texts:
            with pytest.raises(UnavailableError, match="closed"):
                await text
        await standin.until(lambda: all(record.ended.is_set() for record in standin.tts))


@virtual_time_on_sockets
async def test_a_connection_gets_so_many_texts_within_a_minute(script: Script) -> None:
    class Strict(SonioxSynthesizer):
        texts_per_min: int | None = 3

    async with served(script, pace=None) as standin:
        tts = StreamingTts(Strict(api_key="stand-in-key", tts_url=standin.tts_url))
        for _ in range(7):
            assert await said(tts) == ulaw(TEXT)
        assert [len(record.messages) // 2 for record in standin.tts] == [3, 3, 1]
        await asyncio.sleep(59)
        for _ in range(2):
            assert await said(tts) == ulaw(TEXT)
        await asyncio.sleep(2)
        assert await said(tts) == ulaw(TEXT)
        assert len(standin.tts) == 3
        await tts.aclose()
