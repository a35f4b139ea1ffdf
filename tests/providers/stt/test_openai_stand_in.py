"""OpenAI's recognizers on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from media.audio import (
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Encoding,
)
from media.files import wav_header
from providers.catalog import build_file_stt, build_stt
from providers.errors import (
    ApiError,
    AuthenticationError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.results import AudioData
from providers.session import Deadlines
from providers.types import SttOptions, Transcript
from tests.providers.leaks import nothing_left
from tests.providers.stt.streaming import Listener, speak
from tests.providers.stt.streaming import listening_to_openai as listening
from tests.vendors.openai.access import ACCESS
from tests.vendors.openai.standin import OpenAiStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

FIRST, SECOND = "Hello, this is Parley.", "How may I help you today?"
ULAW = SttOptions(audio=ULAW_8K)
AN_HOUR_S = 3_600.0
UNHURRIED = Deadlines(quiet_s=AN_HOUR_S, pong_s=AN_HOUR_S, write_s=AN_HOUR_S)
"""Else an hour takes seconds, for all its pings."""


@asynccontextmanager
async def served(script: Script, **options: Any) -> AsyncIterator[OpenAiStandIn]:
    async with OpenAiStandIn(OracleHearing(script), **options) as standin, nothing_left(standin):
        yield standin


def sentences(script: Script) -> tuple[bytes, bytes]:
    """The audio of either sentence, with half of the pause."""
    middle = (script.words[3].end_ms + script.words[4].start_ms) // 2 * 8
    return script.audio[:middle], script.audio[middle:]


def spans(listener: Listener) -> list[tuple[str, int, int]]:
    return [(final.text, final.start_ms, final.end_ms) for final in listener.finals]


@virtual_time_on_sockets
async def test_each_utterance_becomes_an_item_with_the_times_of_its_audio(script: Script) -> None:
    first, second = sentences(script)
    middle_ms, end_ms = len(first) // 8, len(script.audio) // 8
    async with served(script) as standin, listening(standin) as listener:
        for audio in (first, second):
            await speak(listener.stream, audio)
            listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        assert spans(listener) == [(FIRST, 0, middle_ms), (SECOND, middle_ms, end_ms)]
        assert listener.finals[0].language == "en"
        growing = [e.text for e in listener.events if isinstance(e, Transcript) and not e.final]
        assert growing[0] == "Hel"
        assert "Hello, this is" in growing
        (record,) = standin.records["transcription"]
        kinds = [message["type"] for message in record.messages]
        assert kinds[:2] == ["session.update", "input_audio_buffer.append"]
        assert kinds.count("session.update") == 1


@virtual_time_on_sockets
async def test_no_audio_is_sent_before_the_session_is_configured(script: Script) -> None:
    async with served(script) as standin:
        standin.misbehave(Fault("slow", "open", delay_ms=700), service="transcription")
        async with listening(standin) as listener:
            await speak(listener.stream, sentences(script)[0])
            await listener.stream.finish()
            await listener.end()
            assert spans(listener)[0][0] == FIRST
            (record,) = standin.records["transcription"]
            answers = [answer["type"] for answer in record.answers]
            assert "error" not in answers  # which early audio is answered with


@virtual_time_on_sockets
async def test_items_that_are_completed_out_of_their_order_are_told_in_it(script: Script) -> None:
    async with served(script, swapped=True) as standin, listening(standin) as listener:
        for audio in sentences(script):
            await speak(listener.stream, audio)
            listener.stream.finalize()
        await asyncio.sleep(1)
        assert [text for text, _, _ in spans(listener)] == [FIRST, SECOND]
        assert len(standin.records["transcription"]) == 1


@virtual_time_on_sockets
async def test_too_little_audio_is_answered_with_nothing(script: Script) -> None:
    async with served(script) as standin, listening(standin) as listener:
        stream = listener.stream
        stream.send(bytes(400))  # 50 ms
        stream.finalize()
        # Another one while something is owed has to wait for its turn.
        await speak(stream, script.audio)
        stream.finalize()
        stream.send(bytes(400))
        stream.finalize()
        await stream.finish()
        await listener.end()
        assert [text for text, _, _ in spans(listener)] == ["", f"{FIRST} {SECOND}", ""]
        (record,) = standin.records["transcription"]
        commits = [m for m in record.messages if m["type"] == "input_audio_buffer.commit"]
        assert [commit["event_id"] for commit in commits] == ["commit-1", "commit-2", "end"]


@pytest.mark.parametrize("when", ["word", "final", "finish"])
@virtual_time_on_sockets
async def test_an_item_that_failed_is_heard_again(script: Script, when: Any) -> None:
    first, second = sentences(script)
    async with served(script) as standin:
        fault = Fault("error", when, at_ms=len(first) // 8 + 100, code=500)
        standin.misbehave(fault, service="transcription")
        async with listening(standin) as listener:
            for audio in (first, second):
                await speak(listener.stream, audio)
                listener.stream.finalize()
            await listener.stream.finish()
            await listener.end()
            assert [text for text, _, _ in spans(listener)] == [FIRST, SECOND]
            _, two = standin.records["transcription"]
            # What was understood is not sent again.
            assert two.audio_bytes == len(second)


@virtual_time_on_sockets
async def test_a_session_is_left_before_its_hour_is_over(script: Script) -> None:
    first, second = sentences(script)
    async with served(script) as standin, listening(standin, ULAW, UNHURRIED) as listener:
        await asyncio.sleep(AN_HOUR_S - 120)
        await speak(listener.stream, first)
        listener.stream.finalize()
        await asyncio.sleep(1)
        assert listener.finals[-1].text == FIRST
        assert len(standin.records["transcription"]) == 2
        await speak(listener.stream, second)
        await listener.stream.finish()
        await listener.end()
        assert spans(listener)[1][0] == SECOND
        # It was left before anything was said, not in the middle of it.
        audio = [record.audio_bytes for record in standin.records["transcription"]]
        assert audio[1] == len(first) + len(second)
        answers = [answer["type"] for answer in standin.records["transcription"][0].answers]
        assert "error" not in answers


@virtual_time_on_sockets
async def test_a_session_that_is_too_old_is_replaced_in_mid_word(script: Script) -> None:
    async with served(script, session_s=1.5) as standin, listening(standin) as listener:
        first, _ = sentences(script)
        await speak(listener.stream, first)
        listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        assert [text for text, _, _ in spans(listener)] == [FIRST]
        assert len(standin.records["transcription"]) > 1


@virtual_time_on_sockets
async def test_options_reach_the_session(script: Script) -> None:
    options = SttOptions(
        audio=ULAW_8K,
        language="de-DE",
        languages=("en",),
        key_terms=("Parley",),
        model="gpt-live-transcribe",
    )
    async with served(script) as standin, listening(standin, options) as listener:
        await listener.stream.finish()
        await listener.end()
        assert listener.error is None
        update = standin.records["transcription"][0].messages[0]
        assert update["session"]["audio"]["input"]["transcription"] == {
            "model": "gpt-live-transcribe",
            "languages": ["de", "en"],
            "keywords": ["Parley"],
        }


@virtual_time_on_sockets
async def test_what_a_session_refuses_ends_the_stream(script: Script) -> None:
    async with served(script) as standin:
        unknown = SttOptions(audio=ULAW_8K, model="gpt-9")
        async with listening(standin, unknown) as listener:
            error = await listener.failure()
        assert type(error) is UnsupportedError
        assert error.code == "model_not_found"
        assert len(standin.records["transcription"]) == 1
        with pytest.raises(UnsupportedLanguageError):
            async with listening(standin, SttOptions(audio=ULAW_8K, language="tlh")):
                pass
        wrong = build_stt("openai", **{**ACCESS.settings(standin), "api_key": "wrong"})
        with pytest.raises(AuthenticationError, match="OPENAI_API_KEY"):
            await wrong.start()


@virtual_time_on_sockets
async def test_another_recording_or_codec_is_not_understood(script: Script) -> None:
    other = computed_script(["Somebody else is speaking here."])
    alaw = SttOptions(audio=AudioFormat(Encoding.ALAW, 8_000))
    async with served(script) as standin:
        for audio, options in ((other.audio, ULAW), (script.audio, alaw)):
            async with listening(standin, options) as listener:
                await speak(listener.stream, audio)
                await listener.stream.finish()
                await listener.end()
                assert listener.error is None
                assert spans(listener) == []


async def transcribed(
    standin: OpenAiStandIn, audio: AudioData, options: SttOptions | None = None, **account: str
) -> Any:
    recognizer = build_file_stt("openai", **ACCESS.settings(standin), **account)
    try:
        return await recognizer.transcribe(audio, options or SttOptions())
    finally:
        await recognizer.aclose()


def wav(script: Script) -> AudioData:
    audio = script.audio_in(PCM16_16K)
    return AudioData(wav_header(len(audio), 16_000, 1) + audio, container="wav")


async def test_recordings_are_understood(script: Script) -> None:
    async with served(script) as standin:
        for audio in (
            AudioData(script.audio, ULAW_8K),
            AudioData(script.audio_in(PCM16_16K), PCM16_16K),
            wav(script),
        ):
            result = await transcribed(standin, audio)
            assert (result.text, result.language) == (script.text, "en")
            assert result.duration_ms == len(script.audio) / 8
        other = computed_script(["Somebody else is speaking here."])
        assert (await transcribed(standin, wav(other))).text == ""
        wrong_rate = AudioData(script.audio_in(PCM16_16K), AudioFormat(Encoding.PCM16, 8_000))
        assert (await transcribed(standin, wrong_rate)).text == ""


async def test_words_are_timed_and_speakers_told_apart_by_models_that_can(script: Script) -> None:
    async with served(script) as standin:
        timed = await transcribed(standin, wav(script), files_model="whisper-1")
        said = [(word.text, word.start_ms, word.end_ms) for word in timed.words]
        assert said == [(word.text, word.start_ms, word.end_ms) for word in script.words]
        parted = await transcribed(standin, wav(script), SttOptions(diarization=True))
        assert {word.speaker for word in parted.words} == {"A"}
        assert " ".join(word.text for word in parted.words) == script.text


async def test_what_is_wrong_with_a_recording_is_said(script: Script) -> None:
    async with served(script) as standin:
        with pytest.raises(ApiError, match="corrupted"):
            await transcribed(standin, AudioData(b"ID3 nonsense", container="mp3"))
        with pytest.raises(UnsupportedError, match="gpt-9"):
            await transcribed(standin, wav(script), SttOptions(model="gpt-9"))
