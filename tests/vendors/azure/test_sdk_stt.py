"""Microsoft's own native SDK finds in the stand-in what it finds at Azure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import azure.cognitiveservices.speech as sdk
import orjson
import pytest

from media.audio import PCM16_16K
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script

from .limits import Limits
from .standin import AzureStandIn

ENOUGH_S = 30.0
MULAW = sdk.audio.AudioStreamFormat(
    samples_per_second=8_000,
    bits_per_sample=8,
    channels=1,
    wave_stream_format=sdk.audio.AudioStreamWaveFormat.MULAW,
)


@dataclass(slots=True)
class Told:
    """What the SDK has told, as it comes, in its own threads."""

    interim: list[str] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)
    canceled: list[Any] = field(default_factory=list)
    languages: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """All that was recognized."""
        return " ".join(text for result in self.results if (text := result.get("DisplayText")))

    @property
    def words(self) -> list[tuple[str, int, int]]:
        """Each word, and when it was said, in ms of the whole stream."""
        listed = [word for result in self.results for word in result["NBest"][0]["Words"]]
        return [
            (w["Word"], w["Offset"] // 10_000, (w["Offset"] + w["Duration"]) // 10_000)
            for w in listed
        ]


def config(standin: AzureStandIn, key: str | None = None) -> sdk.SpeechConfig:
    made = sdk.SpeechConfig(host=standin.ws_url, subscription=key or standin.api_key)
    made.speech_recognition_language = "en-US"
    return made


@asynccontextmanager
async def recognized(
    audio: bytes, settings: sdk.SpeechConfig, shape: Any = MULAW, *phrases: str, **more: Any
) -> AsyncIterator[Told]:
    """What the SDK makes of audio, all of it at once; the session is over when this is entered."""
    told, stopped, loop = Told(), asyncio.Event(), asyncio.get_running_loop()
    stream = sdk.audio.PushAudioInputStream(shape)
    recognizer = sdk.SpeechRecognizer(
        settings, audio_config=sdk.audio.AudioConfig(stream=stream), **more
    )
    grammar = sdk.PhraseListGrammar.from_recognizer(recognizer)
    for phrase in phrases:
        grammar.addPhrase(phrase)
    recognizer.recognizing.connect(lambda event: told.interim.append(event.result.text))
    recognizer.recognized.connect(lambda event: _note(told, event.result))
    recognizer.canceled.connect(lambda event: told.canceled.append(event.cancellation_details))
    recognizer.session_stopped.connect(lambda event: loop.call_soon_threadsafe(stopped.set))
    await asyncio.to_thread(recognizer.start_continuous_recognition_async().get)
    await asyncio.to_thread(stream.write, audio)
    stream.close()
    async with asyncio.timeout(ENOUGH_S):
        await stopped.wait()
    await asyncio.to_thread(recognizer.stop_continuous_recognition_async().get)
    yield told


def _note(told: Told, result: Any) -> None:
    told.results.append(orjson.loads(result.json))
    told.languages.add(sdk.AutoDetectSourceLanguageResult(result).language)


async def test_the_sdk_transcribes(standin: AzureStandIn, script: Script) -> None:
    settings = config(standin)
    settings.output_format = sdk.OutputFormat.Detailed
    settings.request_word_level_timestamps()
    settings.set_property(sdk.PropertyId.Speech_SegmentationSilenceTimeoutMs, "500")
    async with recognized(script.audio, settings, MULAW, "Parley") as told:
        assert told.text == script.text
        said = [(word.start_ms, word.end_ms) for word in script.words]
        assert [(start_ms, end_ms) for _, start_ms, end_ms in told.words] == said
        assert told.interim[0] == "hello,"
        assert [canceled.reason for canceled in told.canceled] == [
            sdk.CancellationReason.EndOfStream
        ]
    (record,) = standin.records["stt"]
    assert (record.key, record.complaints) == ("right", [])
    contexts = [m for m in record.messages if m["path"] == "speech.context"]
    assert contexts[0]["dgi"]["Groups"][0]["Items"] == [{"Text": "Parley"}]
    assert record.query["format"] == ["detailed"]


async def test_the_sdk_goes_on_after_turns_that_the_service_ends(script: Script) -> None:
    async with AzureStandIn(OracleHearing(script), limits=Limits(silence_ms=700)) as standin:
        settings = config(standin)
        settings.request_word_level_timestamps()
        settings.output_format = sdk.OutputFormat.Detailed
        async with recognized(script.audio, settings) as told:
            assert told.text == script.text
            statuses = [result["RecognitionStatus"] for result in told.results]
            assert statuses == ["InitialSilenceTimeout", "Success", "Success"]
        (record,) = standin.records["stt"]
        contexts = [m for m in record.messages if m["path"] == "speech.context"]
        assert "continuation" in contexts[1]


async def test_the_sdk_brings_linear_audio_and_names_languages(
    standin: AzureStandIn, script: Script
) -> None:
    settings = config(standin)
    settings.set_property(sdk.PropertyId.SpeechServiceConnection_LanguageIdMode, "Continuous")
    languages = sdk.languageconfig.AutoDetectSourceLanguageConfig(languages=["en-US", "de-DE"])
    shape = sdk.audio.AudioStreamFormat(samples_per_second=16_000, bits_per_sample=16, channels=1)
    audio = script.audio_in(PCM16_16K)
    async with recognized(
        audio, settings, shape, auto_detect_source_language_config=languages
    ) as told:
        assert told.text == script.text
        assert "en-US" in told.languages


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("denied"), sdk.CancellationErrorCode.AuthenticationFailure),
        (Fault("quota"), sdk.CancellationErrorCode.AuthenticationFailure),
    ],
    ids=["denied", "quota"],
)
async def test_the_sdk_knows_what_went_wrong(
    script: Script, fault: Fault, code: sdk.CancellationErrorCode
) -> None:
    """What may pass it tries again for twelve seconds, so that is not seen here.

    With less audio than five seconds, which it buffers, it does so whatever went wrong.
    """
    faults = {"stt": [fault] * 20}
    async with (
        AzureStandIn(OracleHearing(script), faults=faults) as standin,
        recognized(2 * script.audio, config(standin)) as told,
    ):
        assert told.canceled[0].reason is sdk.CancellationReason.Error
        assert told.canceled[0].code is code


async def test_the_sdk_is_refused_with_another_key(standin: AzureStandIn, script: Script) -> None:
    async with recognized(2 * script.audio, config(standin, "somebody-else-s")) as told:
        assert told.canceled[0].code is sdk.CancellationErrorCode.AuthenticationFailure
