"""Google's synthesizers: their doors, and the answers that come in one piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from google.cloud.texttospeech_v1.types import (
    AudioConfig,
    ListVoicesRequest,
    ListVoicesResponse,
    SynthesizeSpeechRequest,
    SynthesizeSpeechResponse,
)

from media.audio import AudioFormat
from tests.vendors.speech.caller import Caller
from tests.vendors.speech.doors import CallDoor
from tests.vendors.speech.voices import Voice, spoken
from tests.vendors.speech.wav import wav_header

from .limits import Limits
from .tts import SynthesisStream
from .tts_offer import CHIRP, listed
from .tts_request import Wrong, check_rate, format_of, has_header, plain, read, speaks

__all__ = ["Speaking"]

PATH = "/google.cloud.texttospeech.v1.TextToSpeech"


class Speaking:
    """Makes audio of texts.

    Args:
        voice: who speaks.
        limits: how long it may take, and how much.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(self, voice: Voice, limits: Limits, *, pace: float | None) -> None:
        self._voice = voice
        self._limits = limits
        self._pace = pace

    def doors(self) -> Sequence[CallDoor]:
        return (
            CallDoor("tts", f"{PATH}/StreamingSynthesize", self._stream),
            CallDoor("tts-once", f"{PATH}/SynthesizeSpeech", self._once),
            CallDoor("voices", f"{PATH}/ListVoices", _list),
        )

    async def _stream(self, caller: Caller) -> None:
        await SynthesisStream(caller, self._voice, self._limits, pace=self._pace).serve()

    async def _once(self, caller: Caller) -> None:
        asked = read(SynthesizeSpeechRequest, await caller.question())
        text, config = plain(asked.input), asked.audio_config
        language = speaks(asked.voice, streamed=False)
        audio_format = _format(config, asked.voice.name)
        pieces = spoken(
            self._voice,
            text,
            audio_format,
            speed=check_rate(config.speaking_rate),
            language=language,
            pace=self._pace,
        )
        audio = await caller.while_here(_joined(pieces))
        if has_header(config.audio_encoding):
            # Of formats other than PCM it is a long one, by the specification (assumed).
            is_long = audio_format.frame_bytes == 1
            audio = wav_header(audio_format, len(audio), extended=is_long) + audio
        answer = SynthesizeSpeechResponse(audio_content=audio)
        await caller.answer(SynthesizeSpeechResponse.serialize(answer))


async def _joined(pieces: AsyncGenerator[bytes, None]) -> bytes:
    async with aclosing(pieces):
        return b"".join([piece async for piece in pieces])


async def _list(caller: Caller) -> None:
    asked = read(ListVoicesRequest, await caller.question())
    answer = ListVoicesResponse(voices=listed(asked.language_code))
    await caller.answer(ListVoicesResponse.serialize(answer))


def _format(config: AudioConfig, voice: str) -> AudioFormat:
    """What the audio is to be like.

    Raises:
        Wrong: it cannot be like that.
    """
    if config.pitch and CHIRP in voice:
        raise Wrong("This voice does not support pitch parameters at this time.")
    if not -20 <= config.pitch <= 20:
        raise Wrong("The pitch must be in the range [-20.0, 20.0].")
    if not -96 <= config.volume_gain_db <= 16:
        raise Wrong("The volume gain must be in the range [-96.0, 16.0].")
    return format_of(config.audio_encoding, config.sample_rate_hertz, streamed=False)
