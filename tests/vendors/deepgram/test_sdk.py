"""Deepgram's own SDK finds in the stand-in what it finds at Deepgram."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.pydantic_utilities import parse_obj_as
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import (
    ListenV1Metadata,
    ListenV1Results,
    ListenV1SpeechStarted,
    ListenV1UtteranceEnd,
)
from deepgram.listen.v2.types import ListenV2Connected, ListenV2TurnInfo
from deepgram.speak.v1.types import SpeakV1Cleared, SpeakV1Flushed, SpeakV1Metadata, SpeakV1Text
from deepgram.types.list_models_v1response import ListModelsV1Response
from deepgram.types.listen_v1response import ListenV1Response
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from media.audio import PCM16_16K, Encoding, encode
from tests.vendors.speech.record import Record
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import tones

from .standin import DeepgramStandIn

# The SDK imports what its WebSocket library has of old, too.
pytestmark = pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")

TEXT = "Hello. This is Parley."
NOVA: dict[str, Any] = {
    "model": "nova-3",
    "encoding": "mulaw",
    "sample_rate": 8000,
    "interim_results": "true",
    "punctuate": "true",
    "endpointing": 300,
    "utterance_end_ms": 1000,
    "vad_events": "true",
    "keyterm": ["Parley", "help you"],
}
FLUX: dict[str, Any] = {
    "model": "flux-general-en",
    "encoding": "mulaw",
    "sample_rate": 8000,
    "eager_eot_threshold": 0.4,
    "eot_threshold": 0.7,
    "eot_timeout_ms": 5000,
}
AURA: dict[str, Any] = {"model": "aura-2-thalia-en", "encoding": "mulaw", "sample_rate": 8000}
NOVA_MESSAGES = {
    "Results": ListenV1Results,
    "SpeechStarted": ListenV1SpeechStarted,
    "UtteranceEnd": ListenV1UtteranceEnd,
    "Metadata": ListenV1Metadata,
}
FLUX_MESSAGES = {"Connected": ListenV2Connected, "TurnInfo": ListenV2TurnInfo}
AURA_MESSAGES = {
    "Metadata": SpeakV1Metadata,
    "Flushed": SpeakV1Flushed,
    "Cleared": SpeakV1Cleared,
}


@asynccontextmanager
async def client(
    standin: DeepgramStandIn, key: str = "stand-in-key"
) -> AsyncIterator[AsyncDeepgramClient]:
    environment = DeepgramClientEnvironment(
        base=standin.base_url,
        production=standin.ws_url,
        agent="ws://127.0.0.1:9",
        agent_rest="http://127.0.0.1:9",
    )
    # It would not close one of its own.
    async with httpx.AsyncClient(verify=False) as http:
        yield AsyncDeepgramClient(api_key=key, environment=environment, httpx_client=http)


def check_messages(record: Record, known: dict[str, Any]) -> list[Json]:
    """All that was said has the shape of the SDK's own types, which the SDK itself does not see
    to."""
    answers = list(record.answers)
    assert answers
    for answer in answers:
        parse_obj_as(known[answer["type"]], answer)
        known[answer["type"]].model_validate(answer)
    return answers


def finals(messages: Iterable[object]) -> str:
    return " ".join(
        message.channel.alternatives[0].transcript
        for message in messages
        if isinstance(message, ListenV1Results)
        and message.is_final
        and message.channel.alternatives[0].transcript
    )


async def test_the_sdk_transcribes(standin: DeepgramStandIn, script: Script) -> None:
    middle = script.words[1].end_ms * 8
    async with client(standin) as vendor, vendor.listen.v1.connect(**NOVA) as socket:
        await socket.send_media(script.audio[:middle])
        await socket.send_keep_alive()
        await socket.send_finalize()
        messages: list[object] = []
        while not messages or not getattr(messages[-1], "from_finalize", False):
            messages.append(await socket.recv())
        assert finals(messages) == "Hello, this"
        await socket.send_media(script.audio[middle:])
        await socket.send_close_stream()
        messages += [message async for message in socket]
    assert finals(messages) == script.text
    assert {type(message) for message in messages} == set(NOVA_MESSAGES.values())
    assert isinstance(messages[-1], ListenV1Metadata)
    ends = [m.last_word_end for m in messages if isinstance(m, ListenV1UtteranceEnd)]
    assert ends == [script.words[3].end_ms / 1000, script.words[-1].end_ms / 1000]
    (record,) = standin.records["stt"]
    check_messages(record, NOVA_MESSAGES)
    assert record.query["keyterm"] == ["Parley", "help you"]
    assert [message["type"] for message in record.messages] == [
        "KeepAlive",
        "Finalize",
        "CloseStream",
    ]


async def test_the_sdk_hears_turns(standin: DeepgramStandIn, script: Script) -> None:
    async with client(standin) as vendor, vendor.listen.v2.connect(**FLUX) as socket:
        await socket.send_media(script.audio)
        await socket.send_close_stream()
        messages = [message async for message in socket]
    (record,) = standin.records["flux"]
    answers = check_messages(record, FLUX_MESSAGES)
    assert [answer["sequence_id"] for answer in answers] == list(range(len(answers)))
    assert isinstance(messages[0], ListenV2Connected)
    turns = [m for m in messages if isinstance(m, ListenV2TurnInfo) and m.event != "Update"]
    assert [(turn.event, turn.turn_index) for turn in turns] == [
        ("StartOfTurn", 0),
        ("EagerEndOfTurn", 0),
        ("EndOfTurn", 0),
        ("StartOfTurn", 1),
        ("EagerEndOfTurn", 1),
        ("EndOfTurn", 1),
    ]
    assert turns[1].transcript == turns[2].transcript == "Hello, this is Parley."
    assert (turns[2].trigger, turns[5].transcript) == ("model", "How may I help you today?")


async def test_the_sdk_ends_a_turn(standin: DeepgramStandIn, script: Script) -> None:
    async with client(standin) as vendor, vendor.listen.v2.connect(**FLUX) as socket:
        await socket.send_media(script.audio[: script.words[1].end_ms * 8 + 800])
        await socket.send_force_end_turn()
        ends: list[ListenV2TurnInfo] = []
        while not ends:
            message = await socket.recv()
            if isinstance(message, ListenV2TurnInfo) and message.event == "EndOfTurn":
                ends.append(message)
    assert (ends[0].transcript, ends[0].trigger) == ("Hello, this", "manual")


async def test_the_sdk_has_a_recording_transcribed(
    standin: DeepgramStandIn, script: Script
) -> None:
    async with client(standin) as vendor:
        told = await vendor.listen.v1.media.transcribe_file(
            request=script.audio,
            model="nova-3",
            encoding="mulaw",
            punctuate=True,
            diarize_model="latest",
            request_options={"additional_query_parameters": {"sample_rate": 8000}},
        )
    assert isinstance(told, ListenV1Response)
    ListenV1Response.model_validate(told.model_dump(by_alias=True))
    best = told.results.channels[0].alternatives[0]  # type: ignore[index]
    assert best.transcript == script.text
    assert [(round(w.start * 1000), w.speaker) for w in best.words] == [  # type: ignore[operator,union-attr]
        (word.start_ms, 0) for word in script.words
    ]


async def test_the_sdk_speaks(standin: DeepgramStandIn) -> None:
    async with client(standin) as vendor, vendor.speak.v1.connect(**AURA) as socket:
        for piece in (TEXT[:9], TEXT[9:]):
            await socket.send_text(SpeakV1Text(text=piece))
        await socket.send_flush()
        audio, told = await _until(socket, "Flushed")
        assert audio == encode(tones(TEXT, 8000), Encoding.ULAW)
        assert isinstance(told[0], SpeakV1Metadata)
        await socket.send_text(SpeakV1Text(text=TEXT))
        await socket.send_clear()
        await _until(socket, "Cleared")
        await socket.send_close()
        await _until(socket, "Flushed")
        with pytest.raises(ConnectionClosedOK):
            await socket.recv()
    (record,) = standin.records["tts"]
    check_messages(record, AURA_MESSAGES)


async def _until(socket: Any, kind: str) -> tuple[bytes, list[Any]]:
    """The audio that comes until a message of a kind, and the messages."""
    audio, told = b"", list[Any]()
    while not told or told[-1].type != kind:
        message = await socket.recv()
        if isinstance(message, bytes):
            audio += message
        else:
            told.append(message)
    return audio, told


async def test_the_sdk_asks_for_a_text_and_for_voices(standin: DeepgramStandIn) -> None:
    raw: dict[str, Any] = {**AURA, "container": "none"}
    async with client(standin) as vendor:
        audio = b"".join([p async for p in vendor.speak.v1.audio.generate(text=TEXT, **raw)])
        wav = b"".join([p async for p in vendor.speak.v1.audio.generate(text=TEXT, **AURA)])
        models = await vendor.manage.v1.models.list()
    assert audio == encode(tones(TEXT, 8000), Encoding.ULAW)
    # What is asked for nothing comes in a container: this is the header that would be heard.
    assert (wav[:4], wav[-len(audio) :]) == (b"RIFF", audio)
    assert isinstance(models, ListModelsV1Response)
    assert [voice.canonical_name for voice in models.tts or ()][:1] == ["aura-2-thalia-en"]


async def test_the_sdk_is_refused(standin: DeepgramStandIn) -> None:
    async with client(standin) as vendor, client(standin, "wrong") as stranger:
        for connect, options, status in [
            (stranger.listen.v1.connect, NOVA, 401),
            (vendor.listen.v1.connect, {**NOVA, "model": "nova-9"}, 400),
            (vendor.listen.v1.connect, {**NOVA, "language": "tlh"}, 400),
            (vendor.listen.v2.connect, {**FLUX, "eager_eot_threshold": 0.8}, 400),
            (vendor.speak.v1.connect, {**AURA, "model": "aura-2-nobody-en"}, 400),
        ]:
            with pytest.raises(ApiError) as refused:
                async with connect(**options):
                    pass
            assert refused.value.status_code == status
        with pytest.raises(ApiError, match="corrupt or unsupported"):
            await vendor.listen.v1.media.transcribe_file(request=b"no audio", model="nova-3")


@pytest.mark.parametrize(
    "wrong",
    [{"encoding": "alaw"}, {"sample_rate": 16000}, {"encoding": "linear16"}],
)
async def test_what_the_sdk_says_wrongly_of_its_audio_is_not_understood(
    standin: DeepgramStandIn, script: Script, wrong: dict[str, Any]
) -> None:
    options = {**NOVA, **wrong}
    async with client(standin) as vendor, vendor.listen.v1.connect(**options) as socket:
        await socket.send_media(script.audio)
        await socket.send_close_stream()
        assert finals([message async for message in socket]) == ""


async def test_another_recording_is_not_understood(standin: DeepgramStandIn) -> None:
    another = computed_script(["Hello, this is Parley.", "Another one."])
    async with client(standin) as vendor, vendor.listen.v1.connect(**NOVA) as socket:
        await socket.send_media(another.audio[another.format.byte_count(4_000) :])
        await socket.send_close_stream()
        assert finals([message async for message in socket]) == ""


async def test_audio_that_nothing_is_said_of_ends_the_stream(
    standin: DeepgramStandIn, script: Script
) -> None:
    async with client(standin) as vendor, vendor.listen.v1.connect(model="nova-3") as socket:
        await socket.send_media(script.audio_in(PCM16_16K))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "DATA-0000")
