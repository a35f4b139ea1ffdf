"""What opens a synthesis connection: its voice and its query.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from media.audio import AudioFormat
from tests.vendors.speech.record import Record

from .offer import MODELS, check_language, decodable
from .refusal import Wrong, invalid_fields

__all__ = ["TtsQuery", "check_model", "read_query"]

NOT_SERVED = ("eleven_v3", "eleven_v4")


class TtsQuery(BaseModel):
    """The parameters, each in its range."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_id: str = "eleven_multilingual_v2"
    language_code: str | None = None
    output_format: str = "mp3_44100_128"
    inactivity_timeout: Annotated[int, Field(ge=1, le=180)] = 20
    auto_mode: bool = False
    sync_alignment: bool = False
    enable_ssml_parsing: bool = False
    enable_logging: bool = True
    apply_text_normalization: Literal["auto", "on", "off"] = "auto"
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] | None = None

    @property
    def format(self) -> AudioFormat:
        """The audio's shape; `read_query` has seen that there is one."""
        return decodable(self.output_format)

    @property
    def language(self) -> str:
        """In which language it speaks."""
        return self.language_code or "en"


def read_query(record: Record, voices: frozenset[str]) -> TtsQuery:
    """Read a handshake's address.

    Raises:
        Refusal: it asks for what there is not.
    """
    try:
        query = TtsQuery.model_validate({name: last for name, (*_, last) in record.query.items()})
    except ValidationError as error:
        raise invalid_fields(error) from None
    voice = record.params["voice_id"]
    if voice not in voices:
        raise Wrong(f"A voice with voice_id {voice} was not found.", kind="voice_not_found")
    check_model(query.model_id)
    if query.model_id.startswith(NOT_SERVED):
        raise Wrong(f"{query.model_id} is not available over WebSocket", kind="unsupported_model")
    check_language(query.model_id, query.language_code)
    decodable(query.output_format)
    return query


def check_model(model: str) -> None:
    """See that there is a model.

    Raises:
        Refusal: there is none.
    """
    if model not in MODELS:
        raise Wrong(f"A model with model ID {model} does not exist.", kind="model_not_found")
