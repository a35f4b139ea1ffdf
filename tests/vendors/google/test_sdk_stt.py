"""Google's own SDK finds in the stand-in what it finds at Google: its recognizers."""

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
    InternalServerError,
    InvalidArgument,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    ServiceUnavailable,
)
from google.cloud import speech_v1, speech_v2
from google.cloud.speech_v1.services.speech.transports import SpeechGrpcAsyncIOTransport as V1
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcAsyncIOTransport as V2

from media.audio import PCM16_8K
from media.files import wav_header
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import GoogleStandIn
from .stt import REST_MS

RECOGNIZER = "projects/mine/locations/global/recognizers/_"
RAW = {"encoding": "MULAW", "sample_rate_hertz": 8_000, "audio_channel_count": 1}
CONFIG_1: Mapping[str, Any] = {
    **RAW,
    "language_code": "en-US",
    "model": "telephony",
    "enable_word_time_offsets": True,
}
CONFIG_2: Mapping[str, Any] = {
    "explicit_decoding_config": RAW,
    "language_codes": ["en-US"],
    "model": "telephony",
    "features": {"enable_word_time_offsets": True},
}
FEATURES = {"interim_results": True, "enable_voice_activity_events": True}
WRONG: Sequence[Mapping[str, Any]] = (
    {"model": ""},
    {"model": "phone_call"},
    {"model": "chirp_3"},
    {"language_codes": []},
    {"language_codes": ["en-US", "de-DE", "fr-FR", "it-IT", "es-ES"]},
    {"language_codes": ["auto"]},
    {"language_codes": ["en-US", "auto"]},
    {"explicit_decoding_config": {**RAW, "encoding": 9}},
    {"explicit_decoding_config": {**RAW, "sample_rate_hertz": 4_000}},
    {"explicit_decoding_config": {**RAW, "audio_channel_count": 0}},
    {"explicit_decoding_config": None, "auto_decoding_config": {}},
)
FIRST_1: Mapping[str, Any] = {"streaming_config": {"config": CONFIG_1, "interim_results": True}}
FIRST_2: Mapping[str, Any] = {
    "recognizer": RECOGNIZER,
    "streaming_config": {"config": CONFIG_2, "streaming_features": FEATURES},
}


class Caller:
    """The SDK's clients, with a key."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        self.metadata = [("x-goog-api-key", key)] if key else []
        self._clients: dict[int, Any] = {
            1: speech_v1.SpeechAsyncClient(transport=V1(channel=channel)),
            2: speech_v2.SpeechAsyncClient(transport=V2(channel=channel)),
        }

    async def listen(
        self, version: int, *requests: Mapping[str, Any], wait_s: float = 0.0, ends: bool = True
    ) -> list[Any]:
        """All that is said to a stream of these requests."""
        types = {1: speech_v1.StreamingRecognizeRequest, 2: speech_v2.StreamingRecognizeRequest}

        over = asyncio.Event()  # the SDK asks for requests, even if their call is over

        async def said() -> AsyncIterator[Any]:
            for request in requests:
                yield types[version](request)
                await asyncio.wait([over_soon], timeout=wait_s)
                if over.is_set():
                    return
            if not ends:
                await over.wait()

        over_soon = asyncio.ensure_future(over.wait())
        client = self._clients[version]
        try:
            responses = await client.streaming_recognize(
                requests=said(), retry=None, timeout=None, metadata=self.metadata
            )
            return [response async for response in responses]
        finally:
            over.set()
            await asyncio.sleep(0.01)

    async def read(self, version: int, **request: Any) -> Any:
        """What is understood of a recording."""
        return await self._clients[version].recognize(request=request, metadata=self.metadata)


@asynccontextmanager
async def calling(
    script: Script, key: str | None = None, **options: Any
) -> AsyncIterator[tuple[GoogleStandIn, Caller]]:
    """A stand-in, and who calls it; with its own key, if no other is told."""
    async with (
        GoogleStandIn(OracleHearing(script), **options) as standin,
        grpc.aio.insecure_channel(standin.base_url.removeprefix("http://")) as channel,
    ):
        yield standin, Caller(channel, standin.api_key if key is None else key)


def pieces(script: Script, version: int) -> list[dict[str, bytes]]:
    """The recording, in messages."""
    name = "audio" if version == 2 else "audio_content"
    return [{name: script.audio[at : at + 800]} for at in range(0, len(script.audio), 800)]


def finals(responses: Sequence[Any]) -> str:
    results = [result for response in responses for result in response.results]
    return "".join(result.alternatives[0].transcript for result in results if result.is_final)


@virtual_time_on_sockets
async def test_a_stream_is_understood(script: Script) -> None:
    async with calling(script) as (standin, caller):
        responses = await caller.listen(2, FIRST_2, *pieces(script, 2), wait_s=0.1)
        assert finals(responses) == script.text
        events = [response.speech_event_type.name for response in responses]
        assert [name for name in events if name.startswith("SPEECH_ACTIVITY")] == [
            *("SPEECH_ACTIVITY_BEGIN", "SPEECH_ACTIVITY_END") * 2
        ]
        words = [
            word
            for response in responses
            for result in response.results
            for word in result.alternatives[0].words
        ]
        starts_ms = [round(word.start_offset.total_seconds() * 1000) for word in words]
        assert starts_ms == [word.start_ms for word in script.words]
        assert any(len(response.results) == 2 for response in responses)
        (record,) = standin.records["stt"]
        assert record.audio_bytes == len(script.audio)


@virtual_time_on_sockets
async def test_version_1_has_messages_of_its_own(script: Script) -> None:
    async with calling(script) as (_, caller):
        responses = await caller.listen(1, FIRST_1, *pieces(script, 1), wait_s=0.1)
        assert finals(responses) == script.text
        last = responses[-1].results[0]
        assert last.result_end_time.total_seconds() * 1000 == script.words[-1].end_ms + REST_MS


@pytest.mark.parametrize("version", [1, 2])
@virtual_time_on_sockets
async def test_recordings_are_understood(script: Script, version: int) -> None:
    async with calling(script) as (_, caller):
        if version == 1:
            answer = await caller.read(1, config=CONFIG_1, audio={"content": script.audio})
        else:
            linear = script.audio_in(PCM16_8K)
            wav = wav_header(len(linear), 8_000, 1) + linear
            config = {**CONFIG_2, "auto_decoding_config": {}, "explicit_decoding_config": None}
            answer = await caller.read(2, recognizer=RECOGNIZER, config=config, content=wav)
    texts = [result.alternatives[0].transcript for result in answer.results]
    assert "".join(texts) == script.text


@pytest.mark.parametrize(
    ("key", "error", "reason"),
    [("", PermissionDenied, None), ("another", InvalidArgument, "API_KEY_INVALID")],
)
@virtual_time_on_sockets
async def test_who_may_come_in(
    script: Script, key: str, error: type[GoogleAPICallError], reason: str | None
) -> None:
    async with calling(script, key) as (_, caller):
        with pytest.raises(error) as raised:
            await caller.listen(2, FIRST_2)
        assert raised.value.reason == reason


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"audio": b"\xff" * 800}],
        [{"streaming_config": {"config": CONFIG_2}}],
        [{"recognizer": "mine", "streaming_config": {"config": CONFIG_2}}],
        [FIRST_2, FIRST_2],
        [FIRST_2, {"audio": b"\xff" * 16_000}],
        *([{**FIRST_2, "streaming_config": {"config": {**CONFIG_2, **wrong}}}] for wrong in WRONG),
    ],
)
@virtual_time_on_sockets
async def test_what_is_wrong_is_refused(script: Script, requests: list[dict[str, Any]]) -> None:
    async with calling(script) as (_, caller):
        with pytest.raises(InvalidArgument):
            await caller.listen(2, *requests)


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "chirp_2"},
        {"language_code": ""},
        {"encoding": 8},
        {"alternative_language_codes": ["de-DE", "fr-FR", "it-IT", "es-ES"]},
        {"speech_contexts": [{"phrases": ["x" * 101]}]},
    ],
)
@virtual_time_on_sockets
async def test_what_is_wrong_is_refused_by_version_1(script: Script, wrong: dict[str, Any]) -> None:
    async with calling(script) as (_, caller):
        with pytest.raises(InvalidArgument):
            await caller.listen(1, {"streaming_config": {"config": {**CONFIG_1, **wrong}}})


@virtual_time_on_sockets
async def test_a_single_utterance_is_for_some_models(script: Script) -> None:
    streaming = {"config": CONFIG_1, "single_utterance": True}
    async with calling(script) as (_, caller):
        with pytest.raises(InvalidArgument):
            await caller.listen(1, {"streaming_config": streaming})


@pytest.mark.parametrize(("version", "error"), [(1, OutOfRange), (2, Aborted)])
@virtual_time_on_sockets
async def test_who_says_nothing_is_aborted(
    script: Script, version: int, error: type[GoogleAPICallError]
) -> None:
    async with calling(script) as (_, caller):
        with pytest.raises(error):
            await caller.listen(version, FIRST_1 if version == 1 else FIRST_2, ends=False)


@virtual_time_on_sockets
async def test_a_stream_has_an_end(script: Script) -> None:
    async with calling(script, limits=Limits(stream_s=3.0)) as (_, caller):
        with pytest.raises(OutOfRange, match="maximum allowed stream duration of 3 seconds"):
            await caller.listen(2, FIRST_2, *pieces(script, 2), wait_s=0.1)


@virtual_time_on_sockets
async def test_too_long_a_recording_is_refused(script: Script) -> None:
    async with calling(script, limits=Limits(file_ms=3_000.0)) as (_, caller):
        with pytest.raises(InvalidArgument, match="Sync input too long"):
            await caller.read(2, recognizer=RECOGNIZER, config=CONFIG_2, content=script.audio)


@virtual_time_on_sockets
async def test_there_are_so_many_streams_at_a_time(script: Script) -> None:
    async with calling(script, limits=Limits(at_once=0)) as (_, caller):
        with pytest.raises(ResourceExhausted) as raised:
            await caller.listen(2, FIRST_2)
        assert raised.value.reason == "RATE_LIMIT_EXCEEDED"


@virtual_time_on_sockets
async def test_what_goes_wrong_on_command(script: Script) -> None:
    faults = [Fault("busy"), Fault("reset", "open"), Fault("error", "audio", 500, code=429)]
    async with calling(script, faults={"stt": faults}) as (standin, caller):
        # What gRPC calls a reset depends on what it was about.
        lost = (ServiceUnavailable, InternalServerError)
        for error in (ServiceUnavailable, lost, ResourceExhausted):
            with pytest.raises(error):
                await caller.listen(2, FIRST_2, *pieces(script, 2), wait_s=0.1)
        assert len(standin.records["stt"]) == 3


@virtual_time_on_sockets
async def test_several_streams_share_a_connection(script: Script) -> None:
    async with calling(script) as (standin, caller):
        streams = [caller.listen(2, FIRST_2, *pieces(script, 2), wait_s=0.1) for _ in range(3)]
        for responses in await asyncio.gather(*streams):
            assert finals(responses) == script.text
        assert len(standin.records["stt"]) == 3
