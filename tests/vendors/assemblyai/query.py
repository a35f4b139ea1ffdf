"""What may stand in the URL of a session: nothing else is taken.

Source: https://www.assemblyai.com/docs/api-reference/streaming-api/universal-streaming, and the
parameters of AssemblyAI's own SDK
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Refusal

from .refusal import invalid

__all__ = ["SessionQuery", "read_query"]

RAW = {"pcm_s16le": Encoding.PCM16, "pcm_mulaw": Encoding.ULAW}
MOST_TERMS, MOST_TERM_CHARACTERS = 100, 50
UNIVERSAL = ("universal-streaming-english", "universal-streaming-multilingual")
Model = Literal[
    "universal-streaming-english",
    "universal-streaming-multilingual",
    "u3-rt-pro",
    "universal-3-5-pro",
    "universal-3-6",
    "universal-3-6-pro",
    "whisper-rt",
]


def _flag(value: Any) -> Any:
    # AssemblyAI's own SDK writes `True`.
    return value.lower() if isinstance(value, str) else value


def _list(value: Any) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        raise ValueError("not a JSON list") from None


Flag = Annotated[Literal["true", "false"], BeforeValidator(_flag)]
Share = Annotated[float, Field(ge=0, le=1)]
Silence = Annotated[int, Field(ge=0)]
Term = Annotated[str, Field(min_length=1, max_length=MOST_TERM_CHARACTERS)]


class SessionQuery(BaseModel):
    """How a session is to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] | None = None
    encoding: Literal["pcm_s16le", "pcm_mulaw", "opus", "ogg_opus", "aac"] = "pcm_s16le"
    speech_model: Model = "universal-streaming-english"
    format_turns: Flag = "false"
    end_of_turn_confidence_threshold: Share = 0.4
    min_turn_silence: Silence = 400
    max_turn_silence: Silence = 1_280
    vad_threshold: Share = 0.4
    keyterms_prompt: Annotated[
        list[Term], Field(max_length=MOST_TERMS), BeforeValidator(_list)
    ] = []
    language_codes: Annotated[list[str], BeforeValidator(_list)] = []
    language_detection: Flag = "false"
    inactivity_timeout: Annotated[int, Field(ge=5, le=3_600)] | None = None
    speaker_labels: Flag = "false"
    filter_profanity: Flag = "false"
    session_heartbeat: Flag = "false"
    token: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _whole(self) -> SessionQuery:
        if self.encoding in RAW and self.sample_rate is None:
            raise ValueError("sample_rate is required")
        if self.max_turn_silence < self.min_turn_silence:
            raise ValueError("max_turn_silence is less than min_turn_silence")
        if self.language_codes and self.speech_model in (*UNIVERSAL, "whisper-rt"):
            raise ValueError("language_codes is not supported for this model")
        return self

    @property
    def format(self) -> AudioFormat | None:
        """The audio's shape; None for one that the stand-in does not decode."""
        if self.encoding not in RAW or self.sample_rate is None:
            return None
        return AudioFormat(RAW[self.encoding], self.sample_rate)

    @property
    def endpoint_ms(self) -> int:
        """After how much silence a turn is over: a threshold of 1 trusts silence alone."""
        is_sure = self.end_of_turn_confidence_threshold < 1
        return self.min_turn_silence if is_sure else self.max_turn_silence

    @property
    def tells_twice(self) -> bool:
        """Whether a turn's end is told a second time, with marks and capitals."""
        return self.speech_model in UNIVERSAL and self.format_turns == "true"

    @property
    def is_written(self) -> bool:
        """Whether the model writes marks and capitals by itself."""
        return self.speech_model not in UNIVERSAL


def read_query(query: Mapping[str, list[str]]) -> SessionQuery:
    """Read it.

    Raises:
        Refusal: it is not one that can be served.
    """
    for name, values in query.items():
        if len(values) > 1:
            raise Refusal(400, None, f"Invalid parameter {name}: given more than once")
    try:
        return SessionQuery.model_validate({name: values[0] for name, values in query.items()})
    except ValidationError as error:
        raise invalid(error) from None
