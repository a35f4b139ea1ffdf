"""Who calls whom: the SIDs of one call, and the parameters that every webhook carries."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

__all__ = ["SIMULATED_ACCOUNT", "CallIdentity", "IdentifiedCall", "new_sid"]

SIMULATED_ACCOUNT = "AC" + "5151" * 8
"""The account of calls that belong to none."""

# Twilio looks these up from the numbers; for a number that it cannot place they are empty.
_PLACES = tuple(
    f"{who}{what}"
    for who in ("From", "To", "Caller", "Called")
    for what in ("City", "State", "Zip", "Country")
)


def new_sid(prefix: str) -> str:
    """A SID: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """One call; `direction` is `inbound`, or `outbound-api` if REST had it made."""

    account_sid: str
    from_number: str
    to_number: str
    call_sid: str = field(default_factory=lambda: new_sid("CA"))
    direction: str = "inbound"

    def webhook(self, status: str, **more: str) -> dict[str, str]:
        """The parameters of a voice webhook or of a verb's action."""
        return {
            "CallSid": self.call_sid,
            "AccountSid": self.account_sid,
            "From": self.from_number,
            "To": self.to_number,
            "Caller": self.from_number,
            "Called": self.to_number,
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
            "Direction": self.direction,
            **dict.fromkeys(_PLACES, ""),
            **more,
        }

    def progress(self, status: str, sequence: int = 0, **more: str) -> dict[str, str]:
        """The parameters of a status callback, the call's `sequence`th from 0."""
        return self.webhook(
            status,
            CallbackSource="call-progress-events",
            SequenceNumber=str(sequence),
            Timestamp=format_datetime(datetime.now(UTC)),
            **more,
        )

    def end(self, status: str, duration_s: float, sequence: int = 0, **more: str) -> dict[str, str]:
        """The parameters of the status callback at the call's end."""
        seconds = round(duration_s)
        lasted = {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        return self.progress(status, sequence, **lasted, **more)

    def stream(self, stream_sid: str, name: str, event: str, error: str = "") -> dict[str, str]:
        """The parameters of a stream's status callback."""
        return {
            "AccountSid": self.account_sid,
            "CallSid": self.call_sid,
            "StreamSid": stream_sid,
            "StreamName": name or stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **({"StreamError": error} if error else {}),
        }


class IdentifiedCall:
    """A call in whatever state, which is asked for what never changes of it."""

    def __init__(self, identity: CallIdentity) -> None:
        self.identity = identity

    @property
    def sid(self) -> str:
        return self.identity.call_sid

    @property
    def account_sid(self) -> str:
        return self.identity.account_sid

    @property
    def from_number(self) -> str:
        return self.identity.from_number

    @property
    def to_number(self) -> str:
        return self.identity.to_number

    @property
    def direction(self) -> str:
        return self.identity.direction
