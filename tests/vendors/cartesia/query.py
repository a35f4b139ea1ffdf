"""What may stand in a recognizer's URL: nothing else is taken.

Source: the parameters of Cartesia's own SDK, and https://docs.cartesia.ai/use-the-api/stt/keyterms
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Refusal

from .offer import BATCH_LANGUAGES
from .refusal import invalid

__all__ = ["ManualQuery", "Thresholds", "TurnsQuery", "read_query"]

RAW = {"pcm_s16le": Encoding.PCM16, "pcm_mulaw": Encoding.ULAW, "pcm_alaw": Encoding.ALAW}
MOST_TERMS, MOST_CHARACTERS = 100, 1_200


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)]
    keyterm: list[str] = []
    cartesia_version: str | None = None
    access_token: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _terms(self) -> _Query:
        if len(self.keyterm) > MOST_TERMS or sum(map(len, self.keyterm)) > MOST_CHARACTERS:
            raise ValueError(f"at most {MOST_TERMS} keyterms of {MOST_CHARACTERS} characters")
        return self

    @property
    def format(self) -> AudioFormat | None:
        """The audio's shape; None for one that the stand-in does not decode."""
        encoding = RAW.get(self.encoding)
        return None if encoding is None else AudioFormat(encoding, self.sample_rate)


class ManualQuery(_Query):
    """`/stt/websocket`."""

    model: Literal["ink-2", "ink-whisper", "ink-whisper-2025-06-04"]
    language: str = "en"
    min_volume: Annotated[float, Field(ge=0, le=1)] | None = None
    max_silence_duration_secs: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> ManualQuery:
        offered = {"en"} if self.model == "ink-2" else BATCH_LANGUAGES
        if self.language not in offered:
            raise ValueError("language is not supported by this model")
        is_tuned = self.min_volume is not None or self.max_silence_duration_secs is not None
        if is_tuned and self.model == "ink-2":
            raise ValueError("min_volume and max_silence_duration_secs are for ink-whisper")
        return self


class Thresholds(BaseModel):
    """When a turn begins, and when it is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_threshold: Annotated[float, Field(ge=0.5, le=0.9)] = 0.8
    eager_end_threshold: Annotated[float, Field(ge=0.3, le=0.6)] = 0.4
    end_threshold: Annotated[float, Field(ge=0.05, le=0.5)] = 0.2
    end_timeout_ms: Annotated[float, Field(ge=640, le=11_200)] = 5_600

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if not self.end_threshold < self.eager_end_threshold < self.start_threshold:
            raise ValueError("end_threshold < eager_end_threshold < start_threshold")
        return self


class TurnsQuery(_Query):
    """`/stt/turns/websocket`."""

    model: Literal["ink-2"]
    turn_start_threshold: float = 0.8
    turn_eager_end_threshold: float = 0.4
    turn_end_threshold: float = 0.2
    turn_end_timeout_ms: float = 5_600

    @model_validator(mode="after")
    def _whole(self) -> TurnsQuery:
        assert self.thresholds  # which are checked by that
        return self

    @property
    def thresholds(self) -> Thresholds:
        """What is asked of turns."""
        return Thresholds(
            start_threshold=self.turn_start_threshold,
            eager_end_threshold=self.turn_eager_end_threshold,
            end_threshold=self.turn_end_threshold,
            end_timeout_ms=self.turn_end_timeout_ms,
        )


_Known = TypeVar("_Known", bound=_Query)


def read_query(kind: type[_Known], query: Mapping[str, list[str]]) -> _Known:
    """Read it.

    Raises:
        Refusal: it is not one that can be served.
    """
    for name, values in query.items():
        if name != "keyterm" and len(values) > 1:
            raise Refusal(400, None, f"{name}: given more than once")
    fields = {name: values if name == "keyterm" else values[0] for name, values in query.items()}
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise invalid(error) from None
