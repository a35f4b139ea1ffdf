"""What opens a stream of Scribe: its query.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding

from .refusal import invalid_fields

__all__ = ["ScribeQuery", "read_query"]

LISTS = ("keyterms", "secondary_languages", "entity_detection", "entity_redaction")
AUDIO = "pcm_8000 pcm_16000 pcm_22050 pcm_24000 pcm_44100 pcm_48000 ulaw_8000"
Term = Annotated[str, Field(min_length=1, max_length=20)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
Duration = Annotated[int, Field(ge=50, le=2000)]


class ScribeQuery(BaseModel):
    """The parameters, each in its range."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_id: Literal["scribe_v2_realtime"]
    audio_format: str = "pcm_16000"
    commit_strategy: Literal["manual", "vad"] = "manual"
    vad_silence_threshold_secs: Annotated[float, Field(ge=0.3, le=3.0)] = 1.5
    vad_threshold: Annotated[float, Field(ge=0.1, le=0.9)] = 0.4
    min_speech_duration_ms: Duration = 100
    min_silence_duration_ms: Duration = 100
    language_code: Language | None = None
    secondary_languages: list[Language] = []
    include_timestamps: bool = False
    include_language_detection: bool = False
    keyterms: Annotated[list[Term], Field(max_length=50)] = []
    no_verbatim: bool = False
    filter_background_audio: bool = False
    entity_detection: list[str] = []
    entity_redaction: list[str] = []
    entity_redaction_mode: str | None = None
    transcript_edit: Annotated[str, Field(max_length=2000)] | None = None
    enable_logging: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> ScribeQuery:
        if self.audio_format not in AUDIO.split():
            raise ValueError("audio_format is not supported")
        if self.filter_background_audio and self.include_timestamps:
            raise ValueError("filter_background_audio cannot be combined with include_timestamps")
        return self

    @property
    def format(self) -> AudioFormat:
        """The audio's shape."""
        encoding, _, rate_hz = self.audio_format.partition("_")
        return AudioFormat(Encoding.ULAW if encoding == "ulaw" else Encoding.PCM16, int(rate_hz))

    @property
    def endpoint_ms(self) -> int | None:
        """After how much silence it commits by itself."""
        vad = self.commit_strategy == "vad"
        return int(self.vad_silence_threshold_secs * 1000) if vad else None


def read_query(query: Mapping[str, list[str]]) -> ScribeQuery:
    """Read it.

    Raises:
        Refusal: it is not one that can be served.
    """
    fields = {name: values if name in LISTS else values[-1] for name, values in query.items()}
    try:
        return ScribeQuery.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None
