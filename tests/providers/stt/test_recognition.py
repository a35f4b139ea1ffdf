"""The engine's law for recognition, on Soniox' stand-in: no word is lost, no failure is mute."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from media.audio import ULAW_8K
from providers.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    NetworkError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from providers.stt.soniox import SonioxRecognizer
from providers.stt.streaming import StreamingStt
from providers.types import SttOptions
from tests.providers.leaks import served
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import GARBAGE, Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import listening, opened, recognizer, said_in, speak, understood

MENDED = [
    Fault("reset", "audio", 1_234.5),
    Fault("reset", "word", 1_200),
    Fault("reset", "interim", 1_500),
    Fault("reset", "final", 1_500),
    Fault("reset", "finish"),
    Fault("close", "word", 1_200),
    Fault("close", "finish"),
    Fault("close", "open"),
    Fault("close", "word", 1_200, code=1012),
    Fault("error", "word", 1_200, code=503),
    Fault("error", "final", 2_000, code=500, error_type="internal_error"),
    Fault("error", "interim", 1_200, code=408, error_type="request_timeout"),
    Fault("error", "word", 1_200, code=413, error_type="max_duration_reached"),
    Fault("error", "open", code=429, error_type="limit_exceeded"),
    *(Fault("garbage", "word", 1_200, garbage=kind) for kind in GARBAGE),
    *(Fault("garbage", "finish", garbage=kind) for kind in ("text", "types")),
]
HARMLESS = [
    Fault("behave"),
    Fault("hold", "audio"),
    Fault("trickle", delay_ms=400),
    Fault("slow", delay_ms=900),
]
REFUSALS = {
    400: ApiError,
    401: AuthenticationError,
    402: QuotaError,
    403: AuthenticationError,
}


def faults_of(fault: Fault) -> str:
    return f"{fault.kind}-{fault.when}-{fault.code or fault.garbage}"


@pytest.mark.parametrize("fault", MENDED, ids=faults_of)
@virtual_time_on_sockets
async def test_no_word_is_lost_with_a_connection(script: Script, fault: Fault) -> None:
    async with served(script, fault) as standin:
        listener = await understood(standin, script.audio)
        assert len(standin.stt) == 2
    assert (listener.error, listener.words) == (None, said_in(script))


@pytest.mark.parametrize("fault", HARMLESS, ids=faults_of)
@virtual_time_on_sockets
async def test_what_is_odd_ends_nothing(script: Script, fault: Fault) -> None:
    async with served(script, fault) as standin:
        listener = await understood(standin, script.audio)
    assert (listener.error, listener.words) == (None, said_in(script))
    assert listener.stream.reconnections == 0


@pytest.mark.parametrize(("code", "kind"), REFUSALS.items())
@virtual_time_on_sockets
async def test_an_error_instead_of_tokens_is_raised(
    script: Script, code: int, kind: type[ProviderError]
) -> None:
    fault = Fault("error", "interim", 1_200, code=code, error_type="as_the_vendor_says")
    async with served(script, fault) as standin, listening(standin) as listener:
        with pytest.raises(kind):
            await speak(listener.stream, script.audio)
        error = await listener.failure()
        assert (type(error), error.code) == (kind, "as_the_vendor_says")
        assert listener.stream.reconnections == 0
        with pytest.raises(kind):
            listener.stream.finalize()


@pytest.mark.parametrize("way", ["upgrade", "message"])
@virtual_time_on_sockets
async def test_a_wrong_key_is_told_at_once(script: Script, way: str) -> None:
    async with served(script, api_key="another-key", wrong_key=way) as standin:
        with pytest.raises(AuthenticationError, match="SONIOX_API_KEY"):
            await understood(standin, script.audio)
        assert len(standin.stt) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("busy"), UnavailableError),
        (Fault("refuse"), NetworkError),
        (Fault("reset", "open"), NetworkError),
        (Fault("garbage", "open"), ProviderError),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
@virtual_time_on_sockets
async def test_a_vendor_that_is_down_is_given_up_after_three_seconds(
    script: Script, fault: Fault, kind: type[ProviderError]
) -> None:
    async with served(script, *([fault] * 50)) as standin:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(kind) as raised:
            async with listening(standin) as listener:
                raise await listener.failure()
        assert raised.value.retryable
        assert 1.5 < asyncio.get_running_loop().time() - began_s < 3.1
        assert len(standin.stt) > 3


@virtual_time_on_sockets
async def test_a_vendor_that_is_asked_too_often_is_asked_once_more(script: Script) -> None:
    limit = Fault("error", "open", code=429)
    async with served(script, limit, limit) as standin:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(RateLimitError):
            async with listening(standin) as listener:
                raise await listener.failure()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(1, abs=0.1)
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_nobody_listens(script: Script) -> None:
    async with served(script) as standin:
        standin.stop_listening()
        with pytest.raises(NetworkError, match="no connection to 127"):
            await understood(standin, script.audio)


@virtual_time_on_sockets
async def test_a_vendor_comes_back_in_time(script: Script) -> None:
    async with (
        served(script, Fault("reset", "word", 1_200)) as standin,
        listening(standin) as listener,
    ):
        speaking = asyncio.create_task(speak(listener.stream, script.audio))
        await standin.until(lambda: len(standin.stt) == 1)
        standin.stop_listening()
        await standin.stt[0].ended.wait()
        await asyncio.sleep(2)
        await standin.listen()
        await speaking
        await listener.stream.finish()
        await listener.end()
        assert (listener.error, listener.words) == (None, said_in(script))


@virtual_time_on_sockets
async def test_a_silent_line_is_mended_as_often_as_it_breaks(script: Script) -> None:
    """A break is a new one when the connection has held, though nobody spoke."""
    faults = [Fault("close", at_ms=8_000), Fault("close", at_ms=6_000), Fault("close", at_ms=500)]
    async with served(script, *faults) as standin, listening(standin) as listener:
        await speak(listener.stream, ULAW_8K.silence(20_000))
        await speak(listener.stream, script.audio)
        await listener.stream.finish()
        await listener.end()
    assert listener.error is None
    assert [text for text, _, _ in listener.words] == script.text.split()
    assert listener.words[0][1] == 20_000 + script.words[0].start_ms
    assert listener.stream.reconnections == 3


@virtual_time_on_sockets
async def test_each_finalization_is_answered_once(script: Script) -> None:
    half = len(script.audio) // 2
    faults = [Fault("reset", "final"), Fault("reset", "word", 400)]
    async with served(script, *faults) as standin, listening(standin) as listener:
        for part in (script.audio[:half], script.audio[half:], b""):
            await speak(listener.stream, part)
            listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
    assert listener.error is None
    texts = [transcript.text for transcript in listener.finals]
    # `<end>` gives a final transcript too; what is asked for comes besides, empty if need be.
    assert " ".join(filter(None, texts)) == script.text
    assert len(texts) - listener.turns == 3


@virtual_time_on_sockets
async def test_a_vendor_that_does_not_finalize_is_asked_twice(script: Script) -> None:
    stall = Fault("stall", "audio", 1_000)
    async with served(script, stall, stall) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:24_000])
        listener.stream.finalize()
        asked_s = asyncio.get_running_loop().time()
        assert isinstance(await listener.failure(), DeadlineError)
        assert 5.9 < asyncio.get_running_loop().time() - asked_s < 6.5
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_each_finalization_is_asked_for_twice(script: Script) -> None:
    """One stall is forgotten when the next connection has answered."""
    faults = [Fault("stall", "audio", 1_000), Fault("stall", "audio", 4_000)]
    async with served(script, *faults) as standin, listening(standin) as listener:
        for at in (0, 24_000):
            await speak(listener.stream, script.audio[at:][:24_000])
            listener.stream.finalize()
            await asyncio.sleep(4)
        await listener.stream.finish()
        await listener.end()
        assert len(standin.stt) == 3
        assert (listener.error, listener.words) == (None, said_in(script))


@virtual_time_on_sockets
async def test_what_comes_after_the_end_was_said_counts(script: Script) -> None:
    """Longer than the drain deadline in all, yet the vendor gets on."""
    trickle = Fault("trickle", delay_ms=3_000)
    async with served(script, trickle) as standin, listening(standin) as listener:
        listener.stream.send(script.audio[:20_000])
        await listener.stream.finish()
        await listener.end()
        await standin.stt[0].ended.wait()
        assert list(standin.stt[0].answers)[-1]["finished"]
    assert listener.error is None
    assert [transcript.text for transcript in listener.finals] == ["Hello, this is Parley"]


@virtual_time_on_sockets
async def test_a_vendor_that_is_gone_before_it_finishes_is_an_error(script: Script) -> None:
    fault = Fault("reset", "finish")
    async with served(script, fault) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:20_000])
        standin.stop_listening()
        await listener.stream.finish()
        assert isinstance(await listener.failure(), NetworkError)


@virtual_time_on_sockets
async def test_a_pause_without_audio_is_kept_alive(script: Script) -> None:
    async with served(script) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:20_000])
        await asyncio.sleep(90)
        await speak(listener.stream, script.audio[20_000:])
        await listener.stream.finish()
        await listener.end()
        assert (listener.words, len(standin.stt)) == (said_in(script), 1)
        assert {"type": "keepalive"} in standin.stt[0].messages


@virtual_time_on_sockets
async def test_a_vendor_that_answers_no_ping_is_replaced(script: Script) -> None:
    deaf = Fault("deaf", "word", 1_200)
    async with SonioxStandIn(OracleHearing(script), stt_faults=[deaf]) as standin:
        async with listening(standin) as listener:
            await speak(listener.stream, script.audio)
            await speak(listener.stream, ULAW_8K.silence(5_000))
            await listener.stream.finish()
            await listener.end()
        assert (listener.error, listener.words) == (None, said_in(script))
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_a_vendor_that_never_answers_a_ping_is_given_up(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script), stt_faults=[Fault("deaf")] * 5) as standin:
        async with listening(standin) as listener:
            error = await listener.failure()
        assert isinstance(error, DeadlineError)
        assert "ping" in error.reason
        assert len(standin.stt) == 2


@virtual_time_on_sockets
async def test_interim_results_may_be_unwanted(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script)) as standin:
        options = SttOptions(audio=ULAW_8K, interim_results=False, phrases=("Parley",))
        async with opened(standin, options) as stream:
            speaking = asyncio.create_task(speak(stream, script.audio))
            events = [await anext(stream) for _ in range(4)]
            await speaking
        assert [getattr(event, "final", True) for event in events] == [True] * 4
        assert standin.stt[0].messages[0]["context"] == {"terms": ["Parley"]}


@virtual_time_on_sockets
async def test_a_stream_that_is_over_takes_nothing(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script)) as standin, listening(standin) as listener:
        stream = listener.stream
        stream.send(b"")
        stream.expect(["Parley"])
        await stream.finish()
        await listener.end()
        with pytest.raises(UnavailableError, match="over"):
            stream.send(b"\xff")
        with pytest.raises(UnavailableError, match="over"):
            stream.finalize()
        assert (listener.events, standin.stt[0].audio) == ([], b"")


@pytest.mark.parametrize("way", ["upgrade", "message"])
@virtual_time_on_sockets
async def test_a_wrong_key_is_told_at_the_start(script: Script, way: str) -> None:
    async with served(script, api_key="another-key", wrong_key=way) as standin:
        with pytest.raises(AuthenticationError, match="SONIOX_API_KEY"):
            await recognizer(standin).start()
        assert len(standin.stt) == 1


@virtual_time_on_sockets
async def test_a_model_that_there_is_not_is_told_at_the_start(script: Script) -> None:
    async with served(script) as standin:
        vendor = SonioxRecognizer(
            api_key="stand-in-key", stt_url=standin.stt_url, stt_model="stt-rt-v0"
        )
        with pytest.raises(ApiError, match="model"):
            await StreamingStt(vendor).start()


@virtual_time_on_sockets
async def test_a_vendor_that_is_down_at_the_start_may_come_up(script: Script) -> None:
    async with served(script, *[Fault("busy")] * 50) as standin:
        with capture_logs() as logs:
            await recognizer(standin).start()
    assert [entry["event"] for entry in logs] == ["recognizer not reached yet"]


@virtual_time_on_sockets
async def test_a_vendor_that_never_answers_at_the_start_is_not_waited_for(script: Script) -> None:
    async with served(script, Fault("stall", "open")) as standin:
        began_s = asyncio.get_running_loop().time()
        await recognizer(standin).start()
        assert asyncio.get_running_loop().time() - began_s < 10


@virtual_time_on_sockets
async def test_closing_the_provider_ends_its_streams(script: Script) -> None:
    async with served(script) as standin:
        provider = recognizer(standin)
        await provider.start()
        async with provider.stream(SttOptions(audio=ULAW_8K)) as stream:
            waiting = asyncio.create_task(anext(stream))
            await asyncio.sleep(1)
            await provider.aclose()
            with pytest.raises(UnavailableError, match="closed"):
                await waiting
        with pytest.raises(UnavailableError, match="closed"):
            async with provider.stream(SttOptions(audio=ULAW_8K)):
                pass
        assert len(standin.stt) == 2
        await provider.start()
        async with provider.stream(SttOptions(audio=ULAW_8K)):
            pass
