"""Microsoft's own native SDK speaks with the stand-in's voices as it does with Azure's."""

from __future__ import annotations

import asyncio
from typing import Any

import azure.cognitiveservices.speech as sdk

from media.audio import Encoding, encode
from tests.vendors.speech.voices import CHARACTER_MS, tones

from .standin import AzureStandIn
from .voices import DEFAULT_VOICE, VOICES

TEXT = "Tom & Jerry, hello."
TICKS_PER_MS = 10_000
WORDS = ("Tom", "&", "Jerry", ",", "hello", ".")


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


def config(standin: AzureStandIn, key: str | None = None, **where: str) -> sdk.SpeechConfig:
    made = sdk.SpeechConfig(
        **(where or {"host": standin.ws_url}), subscription=key or standin.api_key
    )
    made.set_speech_synthesis_output_format(sdk.SpeechSynthesisOutputFormat.Raw8Khz8BitMonoMULaw)
    made.speech_synthesis_voice_name = DEFAULT_VOICE
    return made


def synthesizer(standin: AzureStandIn, **more: Any) -> sdk.SpeechSynthesizer:
    return sdk.SpeechSynthesizer(config(standin, **more), audio_config=None)


async def result(future: Any) -> Any:
    """What a call of the SDK gives, which it waits for in a thread."""
    return await asyncio.to_thread(future.get)


async def test_the_sdk_has_texts_spoken_on_one_connection(standin: AzureStandIn) -> None:
    voice = synthesizer(standin)
    told: list[sdk.SpeechSynthesisWordBoundaryEventArgs] = []
    voice.synthesis_word_boundary.connect(told.append)
    for text in (TEXT, "Again."):
        spoken = await result(voice.speak_text_async(text))
        assert spoken.reason is sdk.ResultReason.SynthesizingAudioCompleted
        assert spoken.audio_data == ulaw(text)
    words = told[: len(WORDS)]
    assert tuple(word.text for word in words) == WORDS
    begins = [word.text_offset for word in words]
    assert begins == [TEXT.index(word) for word in WORDS]
    assert [word.audio_offset // TICKS_PER_MS for word in words] == [
        begin * CHARACTER_MS for begin in begins
    ]
    (record,) = standin.records["tts"]
    assert (record.key, record.path) == ("right", "/cognitiveservices/websocket/v1")


async def test_the_sdk_has_ssml_spoken(standin: AzureStandIn) -> None:
    ssml = (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis"'
        ' xmlns:mstts="https://www.w3.org/2001/mstts" xml:lang="en-US">'
        f'<voice name="{DEFAULT_VOICE}"><mstts:express-as style="cheerful" styledegree="2">'
        '<prosody rate="+25%" pitch="+2st">Hello</prosody></mstts:express-as></voice></speak>'
    )
    voice = synthesizer(standin)
    spoken = await result(voice.speak_ssml_async(ssml))
    assert spoken.audio_data == ulaw("Hello", 1.25)
    nobody_s = ssml.replace(DEFAULT_VOICE, "en-US-NobodyNeural")
    refused = await result(voice.speak_ssml_async(nobody_s))
    assert refused.reason is sdk.ResultReason.Canceled
    details = refused.cancellation_details
    assert details.error_code is sdk.CancellationErrorCode.BadRequest
    assert "Unsupported voice en-US-NobodyNeural" in details.error_details


async def test_the_sdk_streams_a_text(standin: AzureStandIn) -> None:
    voice = synthesizer(standin, endpoint=f"{standin.ws_url}/cognitiveservices/websocket/v2")
    request = sdk.SpeechSynthesisRequest(sdk.SpeechSynthesisRequestInputType.TextStream)
    request.rate, request.style = "1.5", "chat"
    speaking = voice.speak_async(request)
    for piece in ("Hello ", "there."):
        request.input_stream.write(piece)
    request.input_stream.close()
    assert (await result(speaking)).audio_data == ulaw("Hello there.", 1.5)


async def test_the_sdk_stops_a_text_by_leaving(standin: AzureStandIn) -> None:
    voice = synthesizer(standin)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    voice.synthesizing.connect(lambda _: loop.call_soon_threadsafe(begun.set))
    speaking = voice.speak_text_async("word " * 2_000)
    await begun.wait()
    await result(voice.stop_speaking_async())
    assert (await result(speaking)).reason is sdk.ResultReason.Canceled
    (record,) = standin.records["tts"]
    async with asyncio.timeout(5):
        await record.ended.wait()
    assert record.close_code == 1000


async def test_the_sdk_is_told_of_a_wrong_key(standin: AzureStandIn) -> None:
    refused = await result(synthesizer(standin, key="wrong").speak_text_async(TEXT))
    details = refused.cancellation_details
    assert details.error_code is sdk.CancellationErrorCode.AuthenticationFailure


async def test_the_sdk_lists_voices(standin: AzureStandIn) -> None:
    listed = await result(synthesizer(standin).get_voices_async("en-US"))
    assert listed.reason is sdk.ResultReason.VoicesListRetrieved
    names = [voice["ShortName"] for voice in VOICES if voice["Locale"] == "en-US"]
    assert [voice.short_name for voice in listed.voices] == names
