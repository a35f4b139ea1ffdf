"""ElevenLabs' own SDK finds in the stand-in what it finds at ElevenLabs."""

from __future__ import annotations

import asyncio
import base64
import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from elevenlabs import VoiceSettings
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.realtime.connection import RealtimeConnection
from elevenlabs.realtime.scribe import AudioFormat as ScribeFormat
from elevenlabs.realtime.scribe import CommitStrategy

from media.audio import PCM16_8K, PCM16_16K, Encoding, encode, ulaw_to_pcm
from media.files import write_wav
from providers.tls import tls_context
from tests.bot.doctor.site import tls_proxy
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones

from .offer import DEFAULT_VOICE, MODELS, VOICES
from .standin import ElevenLabsStandIn

TEXT = "Hello, this is Parley. "
DEADLINE_S = 10.0
KINDS = (
    "session_started",
    "partial_transcript",
    "committed_transcript",
    "committed_transcript_with_timestamps",
    "error",
)


@asynccontextmanager
async def client(standin: ElevenLabsStandIn, key: str | None = None) -> AsyncIterator[Any]:
    """The SDK, on an HTTP client that is closed: it does not close its own."""
    async with httpx.AsyncClient(verify=tls_context()) as http:
        yield AsyncElevenLabs(
            api_key=key or standin.api_key, base_url=standin.base_url, httpx_client=http
        )


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


def wav(script: Script, rate_hz: int = 8_000) -> bytes:
    file = io.BytesIO()
    write_wav(file, ulaw_to_pcm(script.audio), rate_hz)
    return file.getvalue()


class Heard:
    """What a realtime connection of the SDK tells."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self.told: list[Json] = []
        self._news = asyncio.Event()
        for kind in KINDS:
            connection.on(kind, self._take)

    def _take(self, message: Json) -> None:
        self.told.append(message)
        self._news.set()

    def of(self, kind: str) -> list[Json]:
        return [message for message in self.told if message.get("message_type") == kind]

    async def until(self, kind: str, count: int = 1) -> list[Json]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)


@asynccontextmanager
async def connected(
    standin: ElevenLabsStandIn,
    audio_format: ScribeFormat = ScribeFormat.ULAW_8000,
    key: str | None = None,
    **options: Any,
) -> AsyncIterator[tuple[RealtimeConnection, Heard]]:
    async with client(standin, key) as sdk:
        connection = await sdk.speech_to_text.realtime.connect(
            {
                "model_id": "scribe_v2_realtime",
                "audio_format": audio_format,
                "sample_rate": int(audio_format.value.partition("_")[2]),
                "language_code": "en",
                **options,
            }
        )
        heard = Heard(connection)
        yield connection, heard
        await connection.close()


async def send(connection: RealtimeConnection, audio: bytes) -> None:
    for at in range(0, len(audio), 1_600):
        piece = base64.b64encode(audio[at : at + 1_600]).decode()
        await connection.send({"audio_base_64": piece})


async def test_the_sdk_transcribes_a_stream(standin: ElevenLabsStandIn, script: Script) -> None:
    half = len(script.audio) // 2
    async with connected(standin, include_timestamps=True, keyterms=["Parley"]) as (sdk, heard):
        for number, part in enumerate((script.audio[:half], script.audio[half:]), 1):
            await send(sdk, part)
            await sdk.commit()
            await heard.until("committed_transcript_with_timestamps", number)
    plain = [message["text"] for message in heard.of("committed_transcript")]
    assert plain == ["Hello, this is Parley.", "How may I help you today?"]
    timed = heard.of("committed_transcript_with_timestamps")
    words = [word for message in timed for word in message["words"] if word["type"] == "word"]
    assert [round(word["start"] * 1000) for word in words] == [w.start_ms for w in script.words]
    assert heard.of("partial_transcript")[0]["text"] == "Hello,"
    (record,) = standin.records["stt"]
    assert (record.key, record.query["keyterms"]) == ("right", ["Parley"])
    await record.ended.wait()
    assert record.close_code == 1000


async def test_the_sdk_is_told_when_the_speaker_is_done(
    standin: ElevenLabsStandIn, script: Script
) -> None:
    vad: dict[str, Any] = {"commit_strategy": CommitStrategy.VAD, "vad_silence_threshold_secs": 0.5}
    async with connected(standin, **vad) as (sdk, heard):
        await send(sdk, script.audio)
        commits = await heard.until("committed_transcript", 2)
    assert [m["text"] for m in commits] == ["Hello, this is Parley.", "How may I help you today?"]


@pytest.mark.parametrize("wrong", ["recording", "codec", "rate"])
async def test_the_sdk_gets_nothing_of_other_audio(
    standin: ElevenLabsStandIn, script: Script, wrong: str
) -> None:
    audio, audio_format = script.audio, ScribeFormat.ULAW_8000
    if wrong == "recording":
        audio = computed_script(["Something else entirely."]).audio
    elif wrong == "codec":
        audio_format = ScribeFormat.PCM_8000
    else:
        audio, audio_format = script.audio_in(PCM16_8K), ScribeFormat.PCM_16000
    async with connected(standin, audio_format) as (sdk, heard):
        await send(sdk, audio)
        await sdk.commit()
        (commit,) = await heard.until("committed_transcript")
    assert commit["text"] == ""


async def test_the_sdk_is_told_of_a_wrong_key(standin: ElevenLabsStandIn) -> None:
    async with connected(standin, key="wrong") as (_, heard):
        assert (await heard.until("auth_error"))[0]["error"] == "Invalid API key"
    async with client(standin, "wrong") as sdk:
        with pytest.raises(ApiError) as raised:
            await sdk.voices.search()
    assert raised.value.status_code == 401
    assert raised.value.body["detail"]["status"] == "invalid_api_key"


async def test_the_sdk_is_told_of_a_commit_that_is_too_short(standin: ElevenLabsStandIn) -> None:
    async with connected(standin) as (sdk, heard):
        await send(sdk, b"\xff" * 80)
        await sdk.commit()
        (error,) = await heard.until("commit_throttled")
    assert error["error"].startswith("Commit request ignored: only 0.01s")


@pytest.mark.parametrize("pcm", [False, True])
async def test_the_sdk_transcribes_a_recording(
    standin: ElevenLabsStandIn, script: Script, pcm: bool
) -> None:
    async with client(standin) as sdk:
        result = await sdk.speech_to_text.convert(
            model_id="scribe_v2",
            file=("a.pcm", script.audio_in(PCM16_16K)) if pcm else ("a.wav", wav(script)),
            file_format="pcm_s16le_16" if pcm else "other",
            language_code="en",
            diarize=True,
            tag_audio_events=False,
            keyterms=["Parley"],
        )
    assert (result.text, result.language_code) == (script.text, "eng")
    words = [word for word in result.words if word.type == "word"]
    assert [round(word.start * 1000) for word in words] == [w.start_ms for w in script.words]
    assert {word.speaker_id for word in words} == {"speaker_0"}


@pytest.mark.parametrize("wrong", ["recording", "rate"])
async def test_the_sdk_gets_no_text_of_another_recording(
    standin: ElevenLabsStandIn, script: Script, wrong: str
) -> None:
    other = computed_script(["Something else entirely."])
    file = wav(other) if wrong == "recording" else wav(script, 16_000)
    async with client(standin) as sdk:
        result = await sdk.speech_to_text.convert(model_id="scribe_v2", file=("a.wav", file))
    assert result.text == ""


async def test_the_sdk_has_a_text_spoken_over_http(standin: ElevenLabsStandIn) -> None:
    async with client(standin) as sdk:
        pieces = sdk.text_to_speech.stream(
            DEFAULT_VOICE,
            text=TEXT,
            model_id="eleven_v3",
            output_format="ulaw_8000",
            language_code="de",
            voice_settings=VoiceSettings(stability=0.5, speed=1.2),
        )
        audio = b"".join([piece async for piece in pieces])
        assert audio == ulaw(TEXT, 1.2)
        assert audio != ulaw(TEXT)
        nobody = sdk.text_to_speech.stream("nobody", text=TEXT, output_format="ulaw_8000")
        with pytest.raises(ApiError) as raised:
            await anext(nobody)
    assert raised.value.status_code == 404


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts: the SDK speaks TLS alone on this WebSocket."""
    authority = trustme.CA()
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


@pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")
async def test_the_sdk_has_a_text_spoken_over_a_websocket(
    standin: ElevenLabsStandIn, authority: trustme.CA
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = urlsplit(standin.base_url).port
    assert port is not None
    async with tls_proxy(context, port) as tls_port:
        sdk = ElevenLabs(api_key=standin.api_key, base_url=f"https://127.0.0.1:{tls_port}")

        def speak(voice: str) -> bytes:
            pieces = sdk.text_to_speech.convert_realtime(
                voice,
                text=iter(["Hello, ", "this is Parley."]),
                model_id="eleven_flash_v2_5",
                output_format="ulaw_8000",
                voice_settings=VoiceSettings(speed=1.2),
            )
            return b"".join(pieces)

        spoken = await asyncio.to_thread(speak, DEFAULT_VOICE)
        assert spoken == ulaw("Hello, this is Parley.", 1.2)
        with pytest.raises(ApiError) as raised:
            await asyncio.to_thread(speak, "nobody")
    assert raised.value.status_code == 1008


async def test_the_sdk_lists_voices_and_models(standin: ElevenLabsStandIn) -> None:
    async with client(standin) as sdk:
        first = await sdk.voices.search(page_size=2)
        assert first.has_more
        second = await sdk.voices.search(page_size=2, next_page_token=first.next_page_token)
        models = await sdk.models.list()
    voices = [*first.voices, *second.voices]
    assert [voice.voice_id for voice in voices] == [voice["voice_id"] for voice in VOICES]
    assert (second.has_more, second.next_page_token) == (False, None)
    assert [model.model_id for model in models] == list(MODELS)
