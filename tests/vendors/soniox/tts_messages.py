"""What a client may say on a synthesis connection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Refusal

from .languages import LANGUAGES
from .refusal import invalid, invalid_fields

__all__ = ["Cancel", "KeepAlive", "Text", "TtsConfig", "TtsMessage", "read_message"]

# Those of soniox.com/docs/tts/concepts/voices; `tts-rt-v2` has some 200 more.
VOICES = frozenset(
    [
        "Maya",
        "Daniel",
        "Noah",
        "Nina",
        "Emma",
        "Jack",
        "Adrian",
        "Claire",
        "Grace",
        "Owen",
        "Mina",
        "Kenji",
    ]
)
RAW = {
    "pcm_s16le": Encoding.PCM16,
    "pcm_mulaw": Encoding.ULAW,
    "pcm_alaw": Encoding.ALAW,
}

StreamId = Annotated[str, Field(min_length=1, max_length=256)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TtsConfig(_Strict):
    """Starts a stream (soniox.com/docs/api-reference/tts/websocket-api)."""

    stream_id: StreamId
    model: Literal["tts-rt-v2"]
    language: str
    voice: str
    audio_format: Literal[
        "pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw", "wav", "aac", "mp3", "opus", "flac"
    ]
    sample_rate: Literal[8000, 16000, 24000, 44100, 48000] | None = None
    bitrate: Literal[32000, 64000, 96000, 128000, 192000, 256000, 320000] | None = None
    speed: Annotated[float, Field(ge=0.7, le=1.3)] | None = None
    reduce_silence: bool | None = None
    return_timestamps: bool | None = None
    client_reference_id: Annotated[str, Field(max_length=256)] | None = None
    api_key: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _known(self) -> TtsConfig:
        if self.language not in LANGUAGES:
            raise ValueError("language is not supported")
        if self.voice not in VOICES:
            raise ValueError("voice is not supported")
        if self.audio_format.startswith("pcm_") and self.sample_rate is None:
            raise ValueError("a raw audio_format needs sample_rate")
        return self

    @property
    def format(self) -> AudioFormat:
        """The audio's shape.

        Raises:
            Refusal: the stand-in does not encode it, though Soniox does.
        """
        if self.audio_format not in RAW or self.sample_rate is None:
            raise invalid(f"{self.audio_format} is not simulated")
        return AudioFormat(RAW[self.audio_format], self.sample_rate)


class Text(_Strict):
    """More to speak."""

    stream_id: StreamId
    text: str
    text_end: bool = False


class Cancel(_Strict):
    """Speak no more."""

    stream_id: StreamId
    cancel: Literal[True]


class KeepAlive(_Strict):
    """The connection is still wanted."""

    keep_alive: Literal[True]


TtsMessage = TtsConfig | Text | Cancel | KeepAlive


def read_message(frame: str | bytes) -> TtsMessage | tuple[str, Refusal]:
    """Read a message; or the stream that it is for, and what is wrong with it.

    Raises:
        Refusal: it is for no stream, and wrong.
    """
    if isinstance(frame, bytes):
        raise invalid("a binary message")
    try:
        fields: Any = orjson.loads(frame)
    except ValueError:
        raise invalid("a message is not JSON") from None
    if not isinstance(fields, dict):
        raise invalid("a message is not an object")
    try:
        return _kind(fields).model_validate(fields)
    except ValidationError as error:
        stream_id = fields.get("stream_id")
        if not isinstance(stream_id, str) or not stream_id:
            raise invalid_fields(error) from None
        return stream_id, invalid_fields(error)


def _kind(fields: dict[str, Any]) -> type[TtsConfig | Text | Cancel | KeepAlive]:
    if "keep_alive" in fields:
        return KeepAlive
    if "cancel" in fields:
        return Cancel
    return Text if "text" in fields or "text_end" in fields else TtsConfig
