"""What Twilio's REST API tells of calls and numbers, as the worker reads it.

The client's objects have no types: each is read here, once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .rest_errors import CallGone

__all__ = ["RestCall", "RestNumber", "call_sid", "rest_call", "rest_number"]

_CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RestCall:
    """A call as Twilio knows it.

    Attributes:
        status: `queued`, `ringing`, `in-progress`, `completed`, `busy`, `no-answer`, `failed` or
            `canceled`.
        direction: `inbound`, `outbound-api`, `outbound-dial` or a trunk's.
        created_ms: since the epoch; Twilio tells whole seconds.
        answered_by: `human` or `machine` after answering-machine detection.
        duration_s: from answer to end, when it has ended.
    """

    sid: str
    status: str
    to_number: str
    from_number: str
    direction: str
    created_ms: int | None
    answered_by: str | None
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class RestNumber:
    """A telephone number of the account, and where its calls go.

    A number with a SIP trunk ignores its application and URLs, one with an application its URLs.
    What is not set is an empty string or None, as Twilio has it.
    """

    sid: str
    number: str
    voice_url: str | None
    voice_method: str | None
    fallback_url: str | None
    fallback_method: str | None
    status_callback: str | None
    status_callback_method: str | None
    voice_application_sid: str | None
    trunk_sid: str | None


def call_sid(sid: str) -> str:
    """The SID of a call, which becomes a part of a URL's path.

    Raises:
        CallGone: it is none.
    """
    if not _CALL_SID.fullmatch(sid):
        raise CallGone(f"{sid[:64]!r} is no call's SID")
    return sid


def rest_call(item: Any) -> RestCall:
    """A call, from what the client made of Twilio's answer."""
    created, duration = item.date_created, item.duration
    return RestCall(
        sid=item.sid,
        status=str(item.status),
        to_number=item.to or "",
        from_number=item._from or "",
        direction=item.direction or "",
        created_ms=None if created is None else round(created.timestamp() * 1000),
        answered_by=item.answered_by,
        duration_s=None if duration is None else int(duration),
    )


def rest_number(item: Any) -> RestNumber:
    """A number, likewise."""
    return RestNumber(
        sid=item.sid,
        number=item.phone_number,
        voice_url=item.voice_url,
        voice_method=item.voice_method,
        fallback_url=item.voice_fallback_url,
        fallback_method=item.voice_fallback_method,
        status_callback=item.status_callback,
        status_callback_method=item.status_callback_method,
        voice_application_sid=item.voice_application_sid,
        trunk_sid=item.trunk_sid,
    )
