"""What steers a recognition stream that is open: its text frames after the first."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .refusal import invalid_fields

__all__ = ["Control", "Finalize", "Keepalive", "read_control"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Finalize(_Strict):
    """Make final what was said so far."""

    type: Literal["finalize"]
    trailing_silence_ms: Annotated[int, Field(ge=0)] | None = None


class Keepalive(_Strict):
    """I am still here."""

    type: Literal["keepalive"]


Control = Annotated[Finalize | Keepalive, Field(discriminator="type")]

_CONTROLS: TypeAdapter[Finalize | Keepalive] = TypeAdapter(Control)


def read_control(text: str) -> Finalize | Keepalive:
    """Read a control message.

    Raises:
        Refusal: it is none.
    """
    try:
        return _CONTROLS.validate_json(text)
    except ValidationError as error:
        raise invalid_fields(error) from None
