"""What a client may say in text on a session."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .refusal import Closing

__all__ = ["ForceEndpoint", "KeepAlive", "Terminate", "UpdateConfiguration", "read_control"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ForceEndpoint(_Strict):
    """The turn is over."""

    type: Literal["ForceEndpoint"]


class KeepAlive(_Strict):
    """The session is still wanted; it matters with `inactivity_timeout` alone."""

    type: Literal["KeepAlive"]


class Terminate(_Strict):
    """No more audio comes."""

    type: Literal["Terminate"]


class UpdateConfiguration(_Strict):
    """Other settings, from now on."""

    type: Literal["UpdateConfiguration"]
    end_of_turn_confidence_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    min_turn_silence: Annotated[int, Field(ge=0)] | None = None
    max_turn_silence: Annotated[int, Field(ge=0)] | None = None
    vad_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    format_turns: bool | None = None
    keyterms_prompt: list[str] | None = None
    filter_profanity: bool | None = None


Control = ForceEndpoint | KeepAlive | Terminate | UpdateConfiguration
_CONTROL: TypeAdapter[Control] = TypeAdapter(Annotated[Control, Field(discriminator="type")])


def read_control(frame: str) -> Control:
    """Read a text frame.

    Raises:
        Closing: it is none.
    """
    try:
        fields = orjson.loads(frame)
    except ValueError:
        raise Closing(3006, "Invalid JSON") from None
    try:
        return _CONTROL.validate_python(fields)
    except ValidationError as error:
        kind = error.errors(include_input=False, include_url=False)[0]["type"]
        known = "Invalid Message" if kind != "union_tag_invalid" else "Invalid Message Type"
        raise Closing(3006, known) from None
