"""What opens a recognition stream: its first message."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.hearing import Listening

from .languages import LANGUAGES
from .refusal import invalid, invalid_fields

__all__ = ["SttConfig", "read_config"]

CONTAINERS = ("auto", "aac", "aiff", "amr", "asf", "flac", "mp3", "ogg", "wav", "webm")
RAW = (
    *("pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_u8", "pcm_u16le", "pcm_u16be", "pcm_u24le", "pcm_u24be", "pcm_u32le", "pcm_u32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "mulaw", "alaw"),
)
LEGACY = {
    "include_nonfinal": "non-final tokens always come",
    "enable_non_final_tokens": "non-final tokens always come",
    "max_non_final_tokens_duration_ms": "it belongs to an older API",
    "sample_rate_hertz": "it is called sample_rate",
    "num_audio_channels": "it is called num_channels",
}
MOST_CONTEXT = 10_000
DEFAULT_ENDPOINT_MS = 2_000
BYTES = {"pcm_s16le": Encoding.PCM16, "mulaw": Encoding.ULAW, "alaw": Encoding.ALAW}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _General(_Strict):
    key: str
    value: str


class _Term(_Strict):
    source: str
    target: str


class _Context(_Strict):
    general: list[_General] | None = None
    text: str | None = None
    terms: list[str] | None = None
    translation_terms: list[_Term] | None = None

    @model_validator(mode="after")
    def _short_enough(self) -> _Context:
        texts = [self.text or "", *(self.terms or ())]
        texts += [part for item in self.general or () for part in (item.key, item.value)]
        texts += [
            part for term in self.translation_terms or () for part in (term.source, term.target)
        ]
        if sum(map(len, texts)) > MOST_CONTEXT:
            raise ValueError(f"at most {MOST_CONTEXT} characters in all")
        return self


def _known_language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError("the language is not supported")
    return code


_Language = Annotated[str, AfterValidator(_known_language)]


class _OneWay(_Strict):
    type: Literal["one_way"]
    target_language: _Language


class _TwoWay(_Strict):
    type: Literal["two_way"]
    language_a: _Language
    language_b: _Language


class SttConfig(_Strict):
    """The config message (soniox.com/docs/stt/api-reference/websocket-api)."""

    model: Literal["stt-rt-v5", "stt-rt-v4"]
    audio_format: str
    sample_rate: Annotated[int, Field(ge=1, le=384_000)] | None = None
    num_channels: Annotated[int, Field(ge=1, le=64)] | None = None
    language_hints: list[str] | None = None
    language_hints_strict: bool | None = None
    context: _Context | None = None
    enable_speaker_diarization: bool | None = None
    enable_language_identification: bool | None = None
    enable_endpoint_detection: bool | None = None
    max_endpoint_delay_ms: Annotated[int, Field(ge=500, le=3000)] | None = None
    endpoint_sensitivity: Annotated[float, Field(ge=-1, le=1)] | None = None
    endpoint_latency_adjustment_level: Annotated[int, Field(ge=0, le=3)] | None = None
    translation: Annotated[_OneWay | _TwoWay, Field(discriminator="type")] | None = None
    client_reference_id: Annotated[str, Field(max_length=256)] | None = None
    api_key: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _known_format(self) -> SttConfig:
        if self.audio_format not in (*CONTAINERS, *RAW):
            raise ValueError("audio_format is not supported")
        if self.audio_format in RAW and None in (self.sample_rate, self.num_channels):
            raise ValueError("a raw audio_format needs sample_rate and num_channels")
        return self

    @model_validator(mode="after")
    def _known_languages(self) -> SttConfig:
        hints = self.language_hints or []
        if len(set(hints)) < len(hints):
            raise ValueError("language_hints holds a language twice")
        if not LANGUAGES.issuperset(hints):
            raise ValueError("language_hints holds a language that is not supported")
        return self

    @property
    def format(self) -> AudioFormat | None:
        """The audio's shape; None for one that the stand-in cannot decode."""
        if self.audio_format not in BYTES or self.sample_rate is None or self.num_channels is None:
            return None
        return AudioFormat(BYTES[self.audio_format], self.sample_rate, self.num_channels)

    @property
    def listening(self) -> Listening:
        """What the stream's recognizer has to know."""
        endpoint_ms = self.max_endpoint_delay_ms or DEFAULT_ENDPOINT_MS
        return Listening(self.format, endpoint_ms if self.enable_endpoint_detection else None)


def read_config(frame: str | bytes) -> SttConfig:
    """Read a stream's first frame.

    Raises:
        Refusal: it is no config, or not one that can be served.
    """
    if isinstance(frame, bytes):
        raise invalid("Start request expected, audio received")
    try:
        fields: Any = orjson.loads(frame)
    except ValueError:
        raise invalid("Start request is not JSON") from None
    if not isinstance(fields, dict):
        raise invalid("Start request is not an object")
    for name in sorted(LEGACY.keys() & fields.keys()):
        raise invalid(f"{name}: {LEGACY[name]}")
    try:
        return SttConfig.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None
