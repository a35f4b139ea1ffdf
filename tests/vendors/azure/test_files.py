"""The stand-in takes recordings as Azure's documentation says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K
from providers.results import AudioData
from providers.stt.wav import as_wav
from providers.tls import tls_context
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script

from .limits import Limits
from .standin import AzureStandIn

KEY = {"Ocp-Apim-Subscription-Key": "stand-in-key"}
FAST = "/speechtotext/transcriptions:transcribe"
SHORT = "/stt/speech/recognition/conversation/cognitiveservices/v1"
WAV = {**KEY, "Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000"}


async def post(standin: AzureStandIn, path: str, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=standin.base_url, verify=tls_context()) as http:
        return await http.post(path, **request)


async def transcribed(
    standin: AzureStandIn,
    audio: bytes,
    definition: object = None,
    *,
    version: str = "2025-10-15",
    part: str = "audio",
    **more: str,
) -> httpx.Response:
    """What fast transcription answers."""
    text = definition if isinstance(definition, str) else orjson.dumps(definition or {})
    files: dict[str, Any] = {part: ("audio.wav", audio, "audio/wav"), "definition": (None, text)}
    files |= {name: (None, value) for name, value in more.items()}
    return await post(standin, FAST, params={"api-version": version}, headers=KEY, files=files)


async def heard(
    standin: AzureStandIn,
    audio: bytes,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] = WAV,
) -> httpx.Response:
    """What the API for short audio answers."""
    params = {"language": "en-US"} if query is None else query
    return await post(standin, SHORT, params=params, headers=headers, content=audio)


def wav(script: Script) -> bytes:
    return as_wav(AudioData(script.audio, ULAW_8K))


def wide(script: Script) -> bytes:
    return as_wav(AudioData(script.audio_in(PCM16_16K), PCM16_16K))


async def test_a_recording_is_transcribed(standin: AzureStandIn, script: Script) -> None:
    asked = {"locales": ["en-US"], "diarization": {"enabled": True, "maxSpeakers": 2}}
    answer = (await transcribed(standin, wav(script), asked)).json()
    assert answer["combinedPhrases"] == [{"text": script.text}]
    assert answer["durationMilliseconds"] == len(script.audio) // 8
    (phrase,) = answer["phrases"]
    assert (phrase["speaker"], phrase["locale"]) == (1, "en-US")
    assert [word["offsetMilliseconds"] for word in phrase["words"]] == [
        word.start_ms for word in script.words
    ]


async def test_silence_has_no_phrases(standin: AzureStandIn) -> None:
    silence = as_wav(AudioData(ULAW_8K.silence(500), ULAW_8K))
    answer = (await transcribed(standin, silence)).json()
    assert (answer["combinedPhrases"], answer["phrases"]) == ([], [])


@pytest.mark.parametrize(
    ("definition", "more", "kind"),
    [
        ({"locales": ["xx-XX"]}, {}, "InvalidLocale"),
        ({"locales": ["ar-DZ"]}, {}, "InvalidLocale"),
        ({"locale": "en-US"}, {}, "InvalidArgument"),
        ({"diarization": {"enabled": True, "maxSpeakers": 1}}, {}, "InvalidArgument"),
        ("{", {}, "InvalidArgument"),
        ({}, {"version": "2023-01-01"}, "InvalidApiVersion"),
        ({}, {"part": "file"}, "InvalidArgument"),
        ({}, {"model": "one"}, "InvalidArgument"),
    ],
)
async def test_what_is_asked_for_has_to_be_on_offer(
    standin: AzureStandIn, script: Script, definition: object, more: dict[str, str], kind: str
) -> None:
    answer = await transcribed(standin, wav(script), definition, **more)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, kind)


async def test_a_form_names_its_recording(standin: AzureStandIn) -> None:
    fields = {"definition": (None, b"{}"), "audio": (None, b"no file")}
    answer = await post(
        standin, FAST, params={"api-version": "2025-10-15"}, headers=KEY, files=fields
    )
    assert answer.json()["error"]["message"] == "audio is required"


async def test_recordings_have_limits(script: Script) -> None:
    for limits, status in ((Limits(upload_bytes=100), 413), (Limits(upload_ms=100), 422)):
        async with AzureStandIn(OracleHearing(script), limits=limits) as standin:
            assert (await transcribed(standin, wav(script))).status_code == status


@pytest.mark.parametrize(
    ("audio", "status"), [(b"ID3", 400), (as_wav(AudioData(b"", ULAW_8K)), 422)]
)
async def test_audio_has_to_be_some(standin: AzureStandIn, audio: bytes, status: int) -> None:
    assert (await transcribed(standin, audio)).status_code == status
    assert (await heard(standin, audio)).status_code == status


async def test_a_short_recording_is_understood(standin: AzureStandIn, script: Script) -> None:
    answer = (await heard(standin, wide(script))).json()
    assert (answer["RecognitionStatus"], answer["DisplayText"]) == ("Success", script.text)
    asked = {"language": "en-US", "format": "detailed"}
    detailed = (await heard(standin, wide(script), asked)).json()["NBest"][0]
    assert detailed["Display"] == script.text
    assert "Words" not in detailed
    silence = as_wav(AudioData(PCM16_16K.silence(500), PCM16_16K))
    assert (await heard(standin, silence)).json()["RecognitionStatus"] == "InitialSilenceTimeout"


async def test_a_minute_alone_is_understood(script: Script) -> None:
    limits = Limits(short_ms=script.words[3].end_ms + 200.0)
    async with AzureStandIn(OracleHearing(script), limits=limits) as standin:
        answer = (await heard(standin, wide(script))).json()
    assert answer["DisplayText"] == "Hello, this is Parley."


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ({"language": "en-US"}, {"Content-Type": "audio/wav"}, 401),
        ({"language": "en-US"}, {**KEY, "Content-Type": "audio/mpeg"}, 415),
        ({}, WAV, 400),
        ({"language": "xx-XX"}, WAV, 400),
        ({"language": "en-US", "wordLevelTimestamps": "true"}, WAV, 400),
    ],
)
async def test_a_short_recording_may_be_refused(
    standin: AzureStandIn,
    script: Script,
    query: dict[str, str],
    headers: dict[str, str],
    status: int,
) -> None:
    assert (await heard(standin, wide(script), query, headers)).status_code == status


async def test_a_short_recording_has_one_rate(standin: AzureStandIn, script: Script) -> None:
    assert (await heard(standin, wav(script))).status_code == 400
