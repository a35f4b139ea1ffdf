"""The library's face, with this machine's engines and with every vendor's stand-in."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media.audio import PCM16_8K, ULAW_8K, ulaw_to_pcm
from media.files import write_wav
from providers import VoiceProcessor, catalog
from providers.audio import AudioReader, Limits
from providers.catalog import FILES, account_of
from providers.config import LibrarySettings
from providers.errors import (
    AudioTooLargeError,
    InvalidAudioError,
    MissingKeyError,
    SessionExpiredError,
    SessionNotFoundError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from providers.options import SttOptions, TtsOptions
from providers.results import AudioData, TranscriptionResult
from tests.bot.engines import Tones
from tests.providers.conformance.reach import access_to, remote
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.virtual_time import virtual_time

PHRASES = (
    "ten of clubs",
    "three of hearts",
    "queen of spades",
    "go somewhere and do something",
    "go forward ten meters",
    "turn around and come back",
    "open the door for me",
    "what is the weather like",
    "call me back tomorrow",
    "ace of diamonds",
)
NO_LANGUAGE = SttOptions(language="xx")
SCRIPT = computed_script(["Hello, this is Parley."], pause_ms=900)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {key.upper() for key in LibrarySettings.model_fields}
    for name in list(os.environ):
        if name in known or name.startswith("PARLEY_"):
            monkeypatch.delenv(name)


@asynccontextmanager
async def vendor(name: str) -> AsyncIterator[dict[str, Mapping[str, Any]]]:
    """The configuration that leads to the stand-in of a provider's vendor."""
    access = access_to(name)
    async with access.standin(OracleHearing(SCRIPT)) as standin:
        yield {account_of(name): access.settings(standin)}


def wav_of(ulaw: bytes) -> bytes:
    file = io.BytesIO()
    write_wav(file, ulaw_to_pcm(ulaw), 8_000)
    return file.getvalue()


def words(result: TranscriptionResult) -> str:
    return " ".join(result.text.lower().replace(",", "").replace(".", "").split())


def test_it_is_made_without_a_loop_and_checks_what_is_named() -> None:
    VoiceProcessor()
    VoiceProcessor("pocketsphinx", ["espeak"], {"optimize_for": "cost"})
    with pytest.raises(MissingKeyError, match="DEEPGRAM_API_KEY"):
        VoiceProcessor(stt_provider="deepgram")
    with pytest.raises(UnsupportedError, match="choose one of"):
        VoiceProcessor(tts_provider="parrot")
    with pytest.raises(UnsupportedError, match="no such setting"):
        VoiceProcessor(config={"colour": "red"})


async def test_this_machine_hears_and_speaks_without_any_key(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # two processes will do
    told: list[float] = []
    async with VoiceProcessor() as speech:
        result = await speech.transcribe_file(
            recordings / "go_forward_ten_meters.ulaw",
            SttOptions(phrases=PHRASES),
            progress=lambda done_ms, whole_ms: told.append(done_ms),
        )
        assert (result.text, result.provider) == ("go forward ten meters", "pocketsphinx")
        assert told[-1] == result.duration_ms == 2786.25
        assert [word.text for word in result.words] == result.text.split()
        # Another recording gives another phrase.
        other = (recordings / "go_somewhere.ulaw").read_bytes()
        result = await speech.transcribe(wav_of(other), SttOptions(phrases=PHRASES))
        assert result.text == "go somewhere and do something"
        spoken = await speech.synthesize("Hello.", container="flac")
        assert (spoken.provider, spoken.format.sample_rate_hz) == ("espeak", 24_000)
        with AudioReader(spoken.audio) as reader:
            assert reader.info.container == "flac"
        stream = speech.synthesize_stream("Hello.", TtsOptions(speed=1.5), format=PCM16_8K)
        audio_bytes = b"".join([chunk.audio async for chunk in stream])
        assert 0 < PCM16_8K.duration_ms(len(audio_bytes)) < spoken.duration_ms
        voices = await speech.voices("en")
        assert ("espeak", "en-US") in {(voice.provider, voice.language) for voice in voices}
        assert {(one.kind, one.provider, one.healthy) for one in await speech.health()} == {
            ("stt", "pocketsphinx", True),
            ("tts", "espeak", True),
        }
        assert {info.name for info in speech.providers()} > {"pocketsphinx", "espeak", "soniox"}
        assert {use.provider for use in speech.usage()} == {"pocketsphinx", "espeak"}
        await hold_session(speech, other)


async def hold_session(speech: VoiceProcessor, ulaw: bytes) -> None:
    options = SttOptions(audio=ULAW_8K, phrases=PHRASES)
    session_id = await speech.start_streaming_transcription(options)

    async def finals() -> list[str]:
        results = speech.get_streaming_results(session_id)
        return [result.text async for result in results if result.final]

    reading = asyncio.create_task(finals())
    for at in range(0, len(ulaw), 160):
        await speech.stream_audio(session_id, ulaw[at : at + 160])
    result = await speech.stop_streaming_transcription(session_id)
    assert [result.text] == await reading == ["go somewhere and do something"]
    assert [info.state for info in speech.sessions()] == ["stopped"]
    assert speech.session_statistics().stopped == 1


@pytest.mark.parametrize("name", remote(FILES))
async def test_every_vendors_door_takes_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "call.ulaw"
    path.write_bytes(SCRIPT.audio)
    noise = np.random.default_rng(7).normal(0, 4_000, 16_000).astype(np.int16)
    async with vendor(name) as config, VoiceProcessor(name, config=config) as speech:
        result = await speech.transcribe_file(path)
        other = await speech.transcribe(AudioData(noise.tobytes(), PCM16_8K))
        assert [use.kind for use in speech.usage()] == ["files"]
    assert words(result) == "hello this is parley"
    assert (result.provider, other.text) == (name, "")


def slow() -> Tones:
    return Tones(pace_s=3.0)


def quick() -> Tones:
    return replace(Tones(), name="quick")


@virtual_time
async def test_who_is_slow_gets_a_rival_if_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("slow", "quick"):
        monkeypatch.setitem(catalog.TTS, name, f"{__name__}:{name}")
    for hedge, speaker in (({}, "slow"), ({"tts_hedge_ms": 500}, "quick")):
        async with VoiceProcessor(tts_provider=("slow", "quick"), config=hedge) as speech:
            assert (await speech.synthesize("word")).provider == speaker
            began_s = asyncio.get_running_loop().time()
            async with aclosing(speech.synthesize_stream("word")) as stream:
                await anext(stream)
            assert (asyncio.get_running_loop().time() - began_s < 1) is bool(hedge)


async def test_sessions_expire_by_the_clock_that_is_given() -> None:
    now_s = [0.0]
    async with (
        vendor("soniox") as config,
        VoiceProcessor("soniox", config=config, clock=lambda: now_s[0]) as speech,
    ):
        session_id = await speech.start_streaming_transcription()
        now_s[0] += 300
        assert await speech.cleanup_sessions() == 1
        with pytest.raises(SessionExpiredError):
            await speech.stream_audio(session_id, b"")
        with pytest.raises(SessionNotFoundError):
            await speech.stop_streaming_transcription("another")


async def test_limits_are_kept_whoever_would_hear_it(recordings: Path) -> None:
    config = {"soniox_api_key": "k", "openai_api_key": "k"}
    names, limits = ("pocketsphinx", "soniox", "openai"), Limits(max_duration_s=1)
    async with VoiceProcessor(names, config=config, limits=limits) as speech:
        with pytest.raises(AudioTooLargeError):
            await speech.transcribe_file(str(recordings / "austen_0870.ulaw"))


async def test_what_is_no_audio_and_no_container_is_said() -> None:
    async with VoiceProcessor(tts_provider="espeak") as speech:
        assert (await speech.synthesize("Hello.", container="mp4")).container == "m4a"
        with pytest.raises(UnsupportedFormatError, match="'xyz' is no container; choose one of"):
            await speech.synthesize("Hello.", container="xyz")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="str is no audio; of a path see transcribe_file"):
            await speech.transcribe("call.wav")  # type: ignore[arg-type]
        for audio in (bytearray(b"no audio"), memoryview(b"no audio")):
            with pytest.raises(InvalidAudioError):
                await speech.transcribe(audio)


async def test_it_may_be_closed_and_used_again() -> None:
    speech = VoiceProcessor(tts_provider="espeak")
    for _ in range(2):
        assert (await speech.synthesize("Hello.")).size > 1_000
        await speech.aclose()
    await speech.aclose()


def test_it_is_used_on_one_loop_at_a_time() -> None:
    speech = VoiceProcessor("pocketsphinx", config={"soniox_api_key": "k"})

    async def start(count: int) -> list[str | BaseException]:
        # One of them loads the model, for which the others wait.
        starting = (speech.start_streaming_transcription(NO_LANGUAGE) for _ in range(count))
        return await asyncio.gather(*starting, return_exceptions=True)

    async def closed(count: int) -> list[str | BaseException]:
        try:
            return await start(count)
        finally:
            await speech.aclose()

    for _ in range(2):
        assert {type(one) for one in asyncio.run(closed(3))} == {UnsupportedLanguageError}
    assert {type(one) for one in asyncio.run(start(1))} == {UnsupportedLanguageError}
    for used in (speech.voices(), speech.synthesize("Hello."), speech.aclose()):
        with pytest.raises(UnavailableError, match="another event loop; end with `await aclose"):
            asyncio.run(used)


async def test_what_begins_while_it_is_closed_does_not_begin() -> None:
    speech = VoiceProcessor("pocketsphinx")
    starting = asyncio.create_task(speech.start_streaming_transcription())
    await asyncio.sleep(0)  # it waits for the model
    await speech.aclose()
    with pytest.raises(UnavailableError, match="closed before it began; begin anew"):
        await starting
    assert speech.sessions() == []
