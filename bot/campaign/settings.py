"""PURE: the settings of the account that dials, for all its campaigns together."""

from __future__ import annotations

from pydantic import BaseModel, Field

from providers.setting_types import Secret

__all__ = ["DialSettings"]


class DialSettings(BaseModel):
    """How campaigns dial, and who is never dialled. Each description says what a field may hold."""

    dialer: bool = Field(default=True, description="on or off")
    dial_per_second: float = Field(
        default=1.0, gt=0, le=1000, description="calls per second, more than 0 up to 1000"
    )
    dial_max_calls: int = Field(default=50, ge=1, le=10_000, description="a number of calls")
    inbound_room: int = Field(default=1, ge=0, le=10_000, description="a number of calls")
    webhook_secret: Secret | None = Field(
        default=None, description="a secret of your own making, for campaigns' events"
    )
    do_not_call: bool = Field(default=True, description="on or off")
    do_not_call_digit: str | None = Field(
        default=None, pattern=r"^[0-9*#]$", description="a key of a telephone, 0 to 9, * or #"
    )
