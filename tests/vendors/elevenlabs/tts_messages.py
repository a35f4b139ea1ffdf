"""What a client may say on a synthesis connection."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .refusal import Wrong, invalid_fields

__all__ = ["Locator", "MultiMessage", "SingleMessage", "VoiceSettings", "read_message"]

Share = Annotated[float, Field(ge=0, le=1)]
Characters = Annotated[int, Field(ge=50, le=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class VoiceSettings(_Strict):
    """How a voice speaks."""

    stability: Share | None = None
    similarity_boost: Share | None = None
    style: Share | None = None
    use_speaker_boost: bool | None = None
    speed: Annotated[float, Field(ge=0.7, le=1.2)] | None = None


class _Generation(_Strict):
    chunk_length_schedule: list[Characters]


class Locator(_Strict):
    """A pronunciation dictionary."""

    pronunciation_dictionary_id: str
    version_id: str | None = None


Locators = Annotated[list[Locator], Field(max_length=3)]


class _First(_Strict):
    """What only a text's first message may have."""

    text: str | None = None
    voice_settings: VoiceSettings | None = None
    generation_config: _Generation | None = None
    pronunciation_dictionary_locators: Locators | None = None
    flush: bool = False

    @property
    def has_settings(self) -> bool:
        return (
            self.voice_settings,
            self.generation_config,
            self.pronunciation_dictionary_locators,
        ) != (None, None, None)


class MultiMessage(_First):
    """On a connection with contexts."""

    context_id: Annotated[str, Field(min_length=1)] = "default"
    close_context: bool = False
    close_socket: bool = False


class SingleMessage(_First):
    """On a connection with one text."""

    text: str
    try_trigger_generation: bool = False


_Message = TypeVar("_Message", MultiMessage, SingleMessage)


def read_message(kind: type[_Message], frame: str | bytes) -> _Message:
    """Read a message.

    Raises:
        Refusal: it is none.
    """
    if isinstance(frame, bytes):
        raise Wrong("a binary message")
    try:
        fields: Any = orjson.loads(frame)
    except ValueError:
        raise Wrong("a message is not JSON") from None
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None
