"""What a client may say in text on a recognition stream."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .refusal import Wrong

__all__ = ["CloseStream", "Configure", "Finalize", "FluxConfigure", "ForceEndTurn", "KeepAlive"]
__all__ += ["read_control", "read_flux_control"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KeepAlive(_Strict):
    """The stream is still wanted."""

    type: Literal["KeepAlive"]


class Finalize(_Strict):
    """What was sent is to become final."""

    type: Literal["Finalize"]
    channel: Literal[0] | None = None


class CloseStream(_Strict):
    """No more audio comes."""

    type: Literal["CloseStream"]


class Configure(_Strict):
    """Other key terms, from now on."""

    type: Literal["Configure"]
    keyterms: list[str] | None = None
    features: dict[str, Any] | None = None


class ForceEndTurn(_Strict):
    """The turn is over."""

    type: Literal["ForceEndTurn"]


class Thresholds(_Strict):
    eot_threshold: Annotated[float, Field(ge=0.5, le=1.0)] | None = None
    eager_eot_threshold: Annotated[float, Field(ge=0.3, le=0.9)] | None = None
    eot_timeout_ms: Annotated[int, Field(ge=500, le=60_000)] | None = None


class FluxConfigure(_Strict):
    """Other thresholds, key terms or languages, from now on."""

    type: Literal["Configure"]
    thresholds: Thresholds = Thresholds()
    keyterms: list[str] | None = None
    language_hints: list[str] | None = None
    numerals: bool | None = None


Control = KeepAlive | Finalize | CloseStream | Configure
FluxControl = CloseStream | ForceEndTurn | FluxConfigure
_CONTROL: TypeAdapter[Control] = TypeAdapter(Annotated[Control, Field(discriminator="type")])
_FLUX: TypeAdapter[FluxControl] = TypeAdapter(Annotated[FluxControl, Field(discriminator="type")])


def read_control(frame: str) -> Control:
    """Read a text frame of `/v1/listen`.

    Raises:
        Wrong: it is none.
    """
    try:
        return _CONTROL.validate_python(_object(frame))
    except ValidationError:
        raise Wrong("Could not deserialize the text message") from None


def read_flux_control(frame: str) -> FluxControl:
    """Read a text frame of `/v2/listen`; raises as `read_control` does."""
    try:
        return _FLUX.validate_python(_object(frame))
    except ValidationError:
        raise Wrong("Could not deserialize the text message") from None


def _object(frame: str) -> Any:
    try:
        return orjson.loads(frame)
    except ValueError:
        raise Wrong("Could not deserialize the text message") from None
