"""Whom the phone calls and as whom, and what the people do whom a bot dials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .identity import SIMULATED_ACCOUNT

__all__ = ["Dialled", "DialledStatus", "PhoneConfig"]

DialledStatus = Literal["completed", "busy", "no-answer", "failed"]


@dataclass(frozen=True, slots=True)
class Dialled:
    """What becomes of a number that `<Dial>` names.

    Attributes:
        status: the `DialCallStatus`; `completed`: it answers, talks, and hangs up.
        for_ms: for how long it talks, or how long it takes until the other status is known.
    """

    status: DialledStatus = "completed"
    for_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """Whom to call, and as whom.

    Attributes:
        public_url: the deployment's address: what is signed and followed.
        auth_token: Twilio's auth token, which the worker knows too.
        addresses: where to connect to instead, as a load balancer would: the first that is ready.
        api_key: opens the worker's API; None where it is open.
        speed: how much faster than real time the phone's clock runs.
        max_call_s: after so many seconds of real time the call is cut off.
        dialled: what becomes of numbers that are dialled; others answer for a second.
    """

    public_url: str
    auth_token: str = field(repr=False)
    addresses: tuple[str, ...] = ()
    account_sid: str = SIMULATED_ACCOUNT
    from_number: str = "+15550100001"
    to_number: str = "+15550100002"
    api_key: str | None = field(default=None, repr=False)
    speed: float = 1.0
    max_call_s: float = 600.0
    dialled: Mapping[str, Dialled] = field(default_factory=dict)
