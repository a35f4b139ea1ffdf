"""What a client may say on a synthesis connection.

Source: https://docs.cartesia.ai/api-reference/tts/websocket, and the types of Cartesia's own SDK
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Refusal

from .offer import SONIC, SONIC_LANGUAGES, VOICES
from .refusal import invalid

__all__ = ["Cancel", "Generation", "read_message"]

RAW = {"pcm_s16le": Encoding.PCM16, "pcm_mulaw": Encoding.ULAW, "pcm_alaw": Encoding.ALAW}

ContextId = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_-]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Voice(_Strict):
    mode: Literal["id"]
    id: str


class _Format(_Strict):
    container: Literal["raw"]
    encoding: Literal["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"]
    sample_rate: Literal[8000, 16000, 22050, 24000, 44100, 48000]


class _Manner(_Strict):
    speed: Annotated[float, Field(ge=0.6, le=1.5)] | None = None
    volume: Annotated[float, Field(ge=0.5, le=2.0)] | None = None
    emotion: str | None = None


class Generation(_Strict):
    """Text for a context."""

    context_id: ContextId
    model_id: str
    transcript: str
    voice: _Voice
    output_format: _Format
    language: str = "en"
    # Named as it is on the wire, where it is a word that Python has for itself.
    continue_: Annotated[bool, Field(alias="continue")] = False
    flush: bool = False
    max_buffer_delay_ms: Annotated[int, Field(ge=0, le=5_000)] | None = None
    add_timestamps: bool = False
    add_phoneme_timestamps: Literal[False] = False
    use_normalized_timestamps: bool = False
    generation_config: _Manner = _Manner()
    pronunciation_dict_id: str | None = None
    speed: Literal["slow", "normal", "fast"] | None = None

    @model_validator(mode="after")
    def _known(self) -> Generation:
        if self.model_id not in SONIC:
            raise ValueError("model is not valid")
        if self.voice.id not in VOICES:
            raise ValueError("voice is not valid")
        if self.language not in SONIC_LANGUAGES:
            raise ValueError("language is not valid")
        if not self.transcript and self.continue_ and not self.flush:
            raise ValueError("transcript is empty")
        return self

    @property
    def how(self) -> Generation:
        """What has to be the same in all messages of a context."""
        return self.model_copy(update={"transcript": "", "continue_": False, "flush": False})

    @property
    def format(self) -> AudioFormat:
        """The audio's shape.

        Raises:
            Refusal: the stand-in does not encode it, though Cartesia does.
        """
        encoding = RAW.get(self.output_format.encoding)
        if encoding is None:
            raise Refusal(400, None, f"{self.output_format.encoding} is not simulated")
        return AudioFormat(encoding, self.output_format.sample_rate)


class Cancel(_Strict):
    """Speak no more."""

    context_id: ContextId
    cancel: Literal[True]


def read_message(frame: str | bytes) -> Generation | Cancel | tuple[str, Refusal]:
    """Read a message; or the context that it is for, and what is wrong with it.

    Raises:
        Refusal: it is for no context, and wrong.
    """
    if isinstance(frame, bytes):
        raise Refusal(400, None, "a binary message")
    try:
        fields: Any = orjson.loads(frame)
    except ValueError:
        raise Refusal(400, None, "a message is not JSON") from None
    if not isinstance(fields, dict):
        raise Refusal(400, None, "a message is not an object")
    try:
        return (Cancel if "cancel" in fields else Generation).model_validate(fields)
    except ValidationError as error:
        context_id = fields.get("context_id")
        if not isinstance(context_id, str) or not context_id:
            raise invalid(error) from None
        return context_id, invalid(error)
