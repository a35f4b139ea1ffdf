"""Google's own SDK finds in the stand-in what it finds at Google: its synthesizers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import (
    Aborted,
    GoogleAPICallError,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
)
from google.cloud.texttospeech_v1 import TextToSpeechAsyncClient
from google.cloud.texttospeech_v1.services.text_to_speech.transports import (
    TextToSpeechGrpcAsyncIOTransport,
)
from google.cloud.texttospeech_v1.types import SsmlVoiceGender, StreamingSynthesizeRequest

from media.audio import AudioFormat, Encoding, encode
from media.files import read_wav_header
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import GoogleStandIn

TEXT = "How may I help you today?"
KORE = {"language_code": "en-US", "name": "en-US-Chirp3-HD-Kore"}
NEURAL = {"language_code": "en-US", "name": "en-US-Neural2-F"}
MULAW = {"audio_encoding": "MULAW", "sample_rate_hertz": 8_000}
ONCE: Mapping[str, Any] = {"input": {"text": TEXT}, "voice": NEURAL, "audio_config": MULAW}
CONFIG: Mapping[str, Any] = {"streaming_config": {"voice": KORE, "streaming_audio_config": MULAW}}
INPUT: Mapping[str, Any] = {"input": {"text": TEXT}}


def ulaw(text: str) -> bytes:
    return encode(tones(text, 8_000), Encoding.ULAW)


class Caller:
    """The SDK's client, with a key."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        transport = TextToSpeechGrpcAsyncIOTransport(channel=channel)
        self.client = TextToSpeechAsyncClient(transport=transport)
        self.metadata = [("x-goog-api-key", key)] if key else []

    async def once(self, **asked: Any) -> bytes:
        request = {**ONCE, **asked}
        answer = await self.client.synthesize_speech(request=request, metadata=self.metadata)
        return answer.audio_content

    async def stream(self, *messages: Mapping[str, Any], pause_s: float = 0.0) -> list[bytes]:
        """What comes of these messages, between which it waits."""

        async def said() -> AsyncIterator[StreamingSynthesizeRequest]:
            for message in messages:
                yield StreamingSynthesizeRequest(message)
                await asyncio.sleep(pause_s)

        answers = await self.client.streaming_synthesize(requests=said(), metadata=self.metadata)
        return [answer.audio_content async for answer in answers]


@asynccontextmanager
async def calling(standin: GoogleStandIn, key: str | None = None) -> AsyncIterator[Caller]:
    channel = grpc.aio.insecure_channel(standin.base_url.removeprefix("http://"))
    try:
        yield Caller(channel, standin.api_key if key is None else key)
    finally:
        await channel.close()


async def test_the_sdk_streams(standin: GoogleStandIn) -> None:
    async with calling(standin) as caller:
        pieces = [{"input": {"text": piece}} for piece in ("Hello. How ", "may I", " help?")]
        assert b"".join(await caller.stream(CONFIG, *pieces)) == ulaw("Hello. How may I help?")
    (record,) = standin.records["tts"]
    assert record.key == "right"


@pytest.mark.parametrize(("encoding", "made"), [("PCM", Encoding.PCM16), ("ALAW", Encoding.ALAW)])
async def test_the_sdk_streams_other_audio(
    standin: GoogleStandIn, encoding: str, made: Encoding
) -> None:
    audio = {"audio_encoding": encoding, "sample_rate_hertz": 16_000, "speaking_rate": 2.0}
    config = {"streaming_config": {"voice": KORE, "streaming_audio_config": audio}}
    async with calling(standin) as caller:
        said = b"".join(await caller.stream(config, INPUT))
    assert said == encode(tones(TEXT, 16_000, 2.0), made)


@pytest.mark.parametrize(
    ("encoding", "made", "header_bytes"),
    [
        ("MULAW", Encoding.ULAW, 58),
        ("ALAW", Encoding.ALAW, 58),
        ("LINEAR16", Encoding.PCM16, 44),
        ("PCM", Encoding.PCM16, 0),
    ],
)
async def test_the_sdk_speaks_at_once(
    standin: GoogleStandIn, encoding: str, made: Encoding, header_bytes: int
) -> None:
    async with calling(standin) as caller:
        config = {"audio_encoding": encoding, "sample_rate_hertz": 8_000}
        answer = await caller.once(audio_config=config)
    audio = encode(tones(TEXT, 8_000), made)
    assert answer[header_bytes:] == audio
    if header_bytes:
        header = read_wav_header(answer)
        assert (header.format, header.data_at) == (AudioFormat(made, 8_000), header_bytes)
        assert header.data_bytes == len(audio)


async def test_the_sdk_speaks_ssml_and_asks_for_a_manner(standin: GoogleStandIn) -> None:
    ssml = "<speak>Hello, <break time='1s'/><emphasis>you</emphasis>.</speak>"
    manner = {"pitch": -2.0, "volume_gain_db": 3.0, "speaking_rate": 0.5}
    async with calling(standin) as caller:
        answer = await caller.once(input={"ssml": ssml}, audio_config={**MULAW, **manner})
    assert answer[58:] == encode(tones("Hello, you.", 8_000, 0.5), Encoding.ULAW)


async def test_the_sdk_lists_voices(standin: GoogleStandIn) -> None:
    async with calling(standin) as caller:
        german, every = [
            (await caller.client.list_voices(request=asked, metadata=caller.metadata)).voices
            for asked in ({"language_code": "de"}, {})
        ]
    kore = next(voice for voice in german if voice.name == "de-DE-Chirp3-HD-Kore")
    assert list(kore.language_codes) == ["de-DE"]
    assert kore.ssml_gender == SsmlVoiceGender.FEMALE
    assert {code for voice in german for code in voice.language_codes} == {"de-DE"}
    assert len(every) > 1_000


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"input": {}}, "must be set"),
        ({"input": {"text": "x" * 5_001}}, "limit of 5000 bytes"),
        ({"input": {"ssml": "<p>One</p>"}}, "Invalid SSML"),
        ({"input": {"ssml": "<speak>One"}}, "Invalid SSML"),
        ({"voice": {}}, "language code must be set"),
        ({"voice": {"language_code": "qaa"}}, "No TTS voice matching"),
        ({"voice": {**NEURAL, "name": "en-US-Neural2-Q"}}, "does not exist"),
        ({"voice": {**NEURAL, "language_code": "de-DE"}}, "doesn't match the voice"),
        ({"voice": {**KORE, "model_name": "gemini-2.5-flash-tts"}}, "not supported"),
        ({"audio_config": {}}, "must be specified"),
        ({"audio_config": {**MULAW, "sample_rate_hertz": 8}}, "sample rate"),
        ({"audio_config": {**MULAW, "speaking_rate": 2.1}}, "speaking rate"),
        ({"audio_config": {**MULAW, "pitch": 21}}, "pitch must be"),
        ({"audio_config": {**MULAW, "volume_gain_db": 17}}, "volume gain"),
        ({"voice": KORE, "audio_config": {**MULAW, "pitch": 1}}, "does not support pitch"),
    ],
)
async def test_what_cannot_be_spoken_at_once_is_refused(
    standin: GoogleStandIn, asked: Mapping[str, Any], message: str
) -> None:
    async with calling(standin) as caller:
        with pytest.raises(InvalidArgument, match=message):
            await caller.once(**asked)


def config(voice: Mapping[str, Any], audio: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"streaming_config": {"voice": voice, "streaming_audio_config": audio}}


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([INPUT], "must contain a streaming_config"),
        ([], "must contain a streaming_config"),
        ([CONFIG, INPUT, CONFIG], "Only the first message"),
        ([CONFIG, {"input": {"text": "x. " * 999}}, {"input": {"text": "x. " * 999}}], "5000"),
        ([config(NEURAL, MULAW), INPUT], "only Chirp 3: HD voices"),
        ([config({"language_code": "en-US"}, MULAW), INPUT], "only Chirp 3: HD voices"),
        ([config(KORE, {**MULAW, "audio_encoding": "LINEAR16"}), INPUT], "Unsupported audio"),
        ([config(KORE, {**MULAW, "audio_encoding": "MP3"}), INPUT], "Unsupported audio"),
        ([config(KORE, {**MULAW, "speaking_rate": 0.1}), INPUT], "speaking rate"),
    ],
)
async def test_what_cannot_be_streamed_is_refused(
    standin: GoogleStandIn, messages: Sequence[Mapping[str, Any]], message: str
) -> None:
    async with calling(standin) as caller:
        with pytest.raises(InvalidArgument, match=message):
            await caller.stream(*messages)


async def test_gemini_speaks_with_names_that_have_no_language(standin: GoogleStandIn) -> None:
    voice = {"language_code": "fr-FR", "name": "Puck", "model_name": "gemini-2.5-flash-tts"}
    async with calling(standin) as caller:
        assert b"".join(await caller.stream(config(voice, MULAW), INPUT)) == ulaw(TEXT)
        assert (await caller.once(voice=voice))[58:] == ulaw(TEXT)


@virtual_time_on_sockets
async def test_a_stream_that_is_told_nothing_is_aborted(script: Script) -> None:
    async with GoogleStandIn(OracleHearing(script)) as standin, calling(standin) as caller:
        assert b"".join(await caller.stream(CONFIG, INPUT, pause_s=4.5)) == ulaw(TEXT)
        with pytest.raises(Aborted, match="at least every 5s"):
            await caller.stream(CONFIG, INPUT, INPUT, pause_s=5.5)
        await asyncio.sleep(5.5)  # the SDK goes on asking for messages, though nobody wants them


async def test_there_are_only_so_many_streams_at_a_time(script: Script) -> None:
    async with (
        GoogleStandIn(OracleHearing(script), limits=Limits(tts_at_once=1), pace=50) as standin,
        calling(standin) as caller,
    ):
        streams = (caller.stream(CONFIG, INPUT) for _ in range(2))
        answers = await asyncio.gather(*streams, return_exceptions=True)
    assert {type(answer) for answer in answers} == {list, ResourceExhausted}


@pytest.mark.parametrize(
    ("key", "error"), [("", PermissionDenied), ("somebody else's", InvalidArgument)]
)
async def test_the_sdk_is_told_of_a_key_that_is_missing_or_wrong(
    standin: GoogleStandIn, key: str, error: type[GoogleAPICallError]
) -> None:
    async with calling(standin, key) as caller:
        for asked in (caller.once(), caller.stream(CONFIG, INPUT)):
            with pytest.raises(error) as raised:
                await asked
            assert "stand-in-key" not in str(raised.value)
