from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat, decode, encode
from providers.errors import (
    CutOffError,
    DeadlineError,
    NetworkError,
    ProviderError,
    QuotaError,
    UnsupportedError,
)
from providers.fallback import MOST_OUTRUN, Candidate, Fallback
from providers.options import TtsOptions
from providers.tts.fallback import FallbackTts, own_options
from providers.types import SynthesisChunk, TtsCapabilities, TtsProvider, WordPosition
from tests.bot.engines import MS_PER_CHARACTER, Tones
from tests.virtual_time import virtual_time

TEXT = "Hello there."
LOST = NetworkError("tones", "lost")
WHOLE = len(TEXT) * MS_PER_CHARACTER * 16


class Speech:
    """A face, and what it told."""

    def __init__(self, *tts: Tones, audio: AudioFormat | None = None, hedge_ms: int | None = None):
        self.candidates = [
            Candidate[TtsProvider](f"t{number}", one) for number, one in enumerate(tts, 1)
        ]
        self.given = 0  # bytes
        self.used: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self.face = FallbackTts(
            Fallback(self.candidates), audio=audio, hedge_ms=hedge_ms, follower=self
        )

    def uses(self, name: str) -> None:
        self.used.append(name)

    def failed(self, name: str, error: ProviderError) -> None:
        self.failures.append((name, type(error).__name__))

    async def say(self, text: str = TEXT, options: TtsOptions | None = None) -> bytes:
        audio = b""
        async for chunk in self.face.synthesize(text, options or TtsOptions()):
            audio += chunk.audio
            self.given += len(chunk.audio)
        return audio


def failing(pieces: int, error: ProviderError = LOST, **options: float) -> Tones:
    """Fails after so many pieces of the text."""
    return Tones(fail={TEXT: (pieces, error)}, **options)  # type: ignore[arg-type]


def now_s() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_the_next_provider_speaks_a_text_of_which_nothing_was_given() -> None:
    one, two = failing(0), Tones()
    s = Speech(one, two)
    assert len(await s.say()) == WHOLE
    assert s.used == ["t2"]
    assert s.failures == [("t1", "NetworkError")]
    assert not s.candidates[0].health.well
    # Who rests is not asked.
    await s.say()
    assert (one.texts, two.texts) == ([TEXT], [TEXT, TEXT])


@virtual_time
async def test_a_text_that_was_heard_is_not_begun_again_but_the_next_one_is_spoken() -> None:
    one, two = failing(1), Tones()
    s = Speech(one, two)
    with pytest.raises(CutOffError, match="a text was cut off: lost") as failed:
        await s.say()
    assert failed.value.retryable
    assert failed.value.__cause__ is LOST
    assert s.given == 200 * 16
    assert two.texts == []
    assert len(await s.say("Another text.")) > 0
    assert s.used == ["t1", "t2"]


@virtual_time
async def test_one_provider_alone_fails_as_it_does() -> None:
    for pieces in (0, 1):
        s = Speech(failing(pieces))
        with pytest.raises(NetworkError, match="lost"):
            await s.say()
        assert s.failures == [("t1", "NetworkError")]


@virtual_time
async def test_a_call_keeps_to_the_voice_that_it_hears() -> None:
    one, two = failing(0), Tones()
    s = Speech(one, two)
    await s.say()
    s.candidates[0].succeeded(now_s())
    await s.say("More.")
    assert s.used == ["t2", "t2"]
    # Another call prefers the first again.
    other = Speech(one, two)
    await other.say("More.")
    assert other.used == ["t1"]


@virtual_time
async def test_who_speaks_the_language_is_asked_before_who_is_preferred() -> None:
    one, two = Tones(), Tones(capabilities=TtsCapabilities(languages=("en", "fr-FR")))
    s = Speech(one, two)
    for language in ("en-US", "fr-FR", "en-US", "de-DE"):
        await s.say(options=TtsOptions(language=language))
    # It keeps to the voice that the caller has heard, where that can be.
    assert s.used == ["t1", "t2", "t2", "t2"]
    assert s.failures == []


@virtual_time
async def test_when_nobody_can_speak_it_says_what_may_pass() -> None:
    s = Speech(failing(0, UnsupportedError("tones", "no such voice")), failing(0, LOST))
    with pytest.raises(NetworkError):
        await s.say()
    s = Speech(failing(0, QuotaError("tones", "empty")), failing(0, UnsupportedError("t", "no")))
    with pytest.raises(QuotaError):
        await s.say()


@virtual_time
async def test_who_stays_silent_is_replaced() -> None:
    one, two = Tones(pace_s=3_600), Tones()
    s = Speech(one, two)
    began_s = now_s()
    assert len(await s.say()) == WHOLE
    assert now_s() - began_s == pytest.approx(5, abs=0.01)
    assert s.failures == [("t1", "DeadlineError")]
    assert one.running == 0


@virtual_time
async def test_who_falls_silent_in_mid_text() -> None:
    s = Speech(_Stalling(), Tones())
    with pytest.raises(CutOffError, match="no audio for 5 s") as failed:
        await s.say()
    assert isinstance(failed.value.__cause__, DeadlineError)


class _Stalling(Tones):
    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        async for chunk in super().synthesize(text, options):
            yield chunk
            await asyncio.sleep(3_600)


@virtual_time
async def test_who_is_slow_gets_a_rival_and_who_speaks_first_is_heard() -> None:
    one, two = Tones(pace_s=2.0), Tones(pace_s=0.1)
    s = Speech(one, two, hedge_ms=300)
    began_s = now_s()
    async with aclosing(s.face.synthesize(TEXT, TtsOptions())) as chunks:
        await anext(chunks)
        assert now_s() - began_s == pytest.approx(0.4, abs=0.01)
        await asyncio.sleep(0)
        assert (one.running, two.running) == (0, 1)
        await anext(chunks)
    assert s.used == ["t2"]
    assert s.failures == []
    assert s.candidates[0].health.well
    assert two.running == 0
    # It stays with the quicker one.
    await s.say("More.")
    assert one.texts == [TEXT]


@virtual_time
async def test_who_always_needs_a_rival_is_not_well() -> None:
    one, two = Tones(pace_s=3_600), Tones()
    candidate = Candidate[TtsProvider]("one", one)
    for number in range(2 * MOST_OUTRUN):
        if number == MOST_OUTRUN - 1:
            candidate.succeeded(now_s())  # it was quicker once
        assert candidate.health.well is (number < 2 * MOST_OUTRUN - 1)
        calls = Fallback([candidate, Candidate[TtsProvider]("two", two)])
        async for _ in FallbackTts(calls, hedge_ms=300).synthesize(TEXT, TtsOptions()):
            pass
    assert isinstance(candidate.health.error, DeadlineError)
    assert len(one.texts) == 2 * MOST_OUTRUN - 1


class _Cancelled(Tones):
    """Waits for something of its own that is cancelled."""

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        raise asyncio.CancelledError
        yield


@virtual_time
async def test_who_gives_up_within_is_replaced() -> None:
    s = Speech(_Cancelled(), Tones())
    assert len(await s.say()) == WHOLE
    assert s.failures == [("t1", "UnavailableError")]


@virtual_time
async def test_who_is_quick_enough_gets_no_rival() -> None:
    one, two = Tones(pace_s=0.2), Tones()
    await Speech(one, two, hedge_ms=300).say()
    assert two.texts == []


@virtual_time
async def test_the_slower_one_is_heard_when_its_rival_fails() -> None:
    one, two = Tones(pace_s=0.5), failing(0, pace_s=0.0)
    s = Speech(one, two, hedge_ms=300)
    assert len(await s.say()) == WHOLE
    assert s.used == ["t1"]
    assert s.failures == [("t2", "NetworkError")]


@virtual_time
async def test_nobody_that_rests_is_a_rival() -> None:
    one, two = Tones(pace_s=0.5), Tones()
    s = Speech(one, two, hedge_ms=300)
    s.candidates[1].failed(LOST)
    await s.say()
    assert two.texts == []


@pytest.mark.parametrize("source", [PCM16_8K, PCM16_16K, ULAW_8K])
def test_all_give_one_format(source: AudioFormat) -> None:
    class Other(Tones):
        async def synthesize(
            self, text: str, options: TtsOptions
        ) -> AsyncGenerator[SynthesisChunk, None]:
            at_s = np.arange(source.sample_rate_hz) / source.sample_rate_hz
            wave = (8_000 * np.sin(2 * np.pi * 440 * at_s)).astype(np.int16)
            audio = encode(wave, source.encoding)
            step = source.byte_count(50)
            for number, at in enumerate(range(0, len(audio), step)):
                word = WordPosition(number, number + 1, number * 50.0)
                yield SynthesisChunk(audio[at : at + step], (word,))

    @virtual_time
    async def speak() -> None:
        s = Speech(Other(format=source), audio=ULAW_8K)
        assert s.face.format == ULAW_8K
        chunks = [chunk async for chunk in s.face.synthesize(TEXT, TtsOptions())]
        assert all(chunk.audio for chunk in chunks)
        audio = b"".join(chunk.audio for chunk in chunks)
        assert len(audio) == pytest.approx(8_000, abs=8)
        spectrum = np.abs(np.fft.rfft(decode(audio, ULAW_8K.encoding).astype(float)))
        assert np.argmax(spectrum) * 8_000 / len(audio) == pytest.approx(440, abs=1)
        positions = [word.start for chunk in chunks for word in chunk.words]
        assert positions == list(range(20))

    speak()


def test_the_format_is_the_preferred_ones_unless_another_is_asked_for() -> None:
    assert Speech(Tones(format=PCM16_16K), Tones()).face.format == PCM16_16K


@virtual_time
async def test_nothing_to_say() -> None:
    s = Speech(Tones(), Tones())
    assert await s.say("") == b""
    assert s.failures == []


@virtual_time
async def test_a_text_that_is_left_is_not_spoken_on() -> None:
    one = Tones(pace_s=0.1)
    async with aclosing(Speech(one).face.synthesize(TEXT, TtsOptions())) as chunks:
        await anext(chunks)
        assert one.running == 1
    assert one.running == 0


@virtual_time
async def test_a_task_that_is_cancelled_leaves_nothing_behind() -> None:
    one, two = Tones(pace_s=0.5), Tones(pace_s=0.5)
    saying = asyncio.create_task(Speech(one, two, hedge_ms=100).say())
    await asyncio.sleep(0.2)
    assert (one.running, two.running) == (1, 1)
    saying.cancel()
    await asyncio.wait([saying])
    assert (one.running, two.running) == (0, 0)


@virtual_time
async def test_a_fault_in_a_provider_is_not_taken_for_a_failure_of_the_vendor() -> None:
    s = Speech(Tones(fail={TEXT: (0, ZeroDivisionError())}), Tones())
    with pytest.raises(ZeroDivisionError):
        await s.say()
    assert s.failures == []


@virtual_time
async def test_each_gets_the_options_that_are_meant_for_it() -> None:
    one, two = failing(0), Tones()
    options = TtsOptions(language="fr-FR", voice="claire, marie", speed=1.5, model="big")
    await Speech(one, two).say(options=options)
    assert one.spoken[0][1] == TtsOptions(language="fr-FR", voice="claire", speed=1.5, model="big")
    assert two.spoken[0][1] == TtsOptions(language="fr-FR", voice="marie", speed=1.5)


@virtual_time
async def test_what_is_another_ones_is_said_once() -> None:
    options = TtsOptions(voice="claire", model="big", pronunciations=("p1",), speed=1.5)
    s = Speech(failing(0), Tones())
    with capture_logs() as logs:
        await s.say(options=options)
        await s.say(options=options)
        await s.say(options=TtsOptions(voice="claire,"))
    said = [log for log in logs if "preferred provider alone" in log["event"]]
    assert [(log["provider"], log["options"]) for log in said] == [
        ("t2", ["model", "pronunciations", "voice"])
    ]


@pytest.mark.parametrize(
    ("voice", "voices"),
    [
        (None, [None, None, None]),
        ("claire", ["claire", None, None]),
        ("claire,,anna", ["claire", None, "anna"]),
        (",marie", [None, "marie", None]),
    ],
)
def test_a_voice_for_each(voice: str | None, voices: list[str | None]) -> None:
    assert [own_options(TtsOptions(voice=voice), at, 3).voice for at in range(3)] == voices


def test_a_voice_of_one_alone_may_have_any_name() -> None:
    options = TtsOptions(voice="af_bella,af_sky", model="kokoro")
    assert own_options(options, 0, 1) == options
