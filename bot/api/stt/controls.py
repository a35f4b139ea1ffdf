"""PURE: what a client of a WebSocket says in JSON, beside its audio."""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from .faults import Fault

__all__ = [
    "CONTROL_TYPES",
    "FORMS",
    "Audio",
    "Close",
    "Configure",
    "Control",
    "Finalize",
    "KeepAlive",
]
__all__ += ["read_control", "read_object"]


@dataclass(frozen=True, slots=True)
class Audio:
    """Audio, as a binary message has it."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finalize:
    """What was said so far is to be transcribed for good, though nobody has paused."""


@dataclass(frozen=True, slots=True)
class Close:
    """No more audio: all that was said is to be told, then the session ends."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The client is still there."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Something about the session is to change; the message as it came."""

    values: Mapping[str, Any] = field(repr=False)


Control = Audio | Finalize | Close | KeepAlive | Configure

CONTROL_TYPES: dict[str, str] = {
    "audio": "Audio in base64, for clients that cannot send binary messages",
    "finalize": "Have what was said so far transcribed for good; answered by `finalized`",
    "close": "No more audio: the last transcriptions follow, and `session_ended`",
    "end": "The same as `close`",
    "keepalive": "Answered by `keepalive`; keeps a session that is sent no audio",
    "config": "Change what the session was asked to be; answered by `config_applied`",
}
"""What a client may say, by its `type`."""


FORMS: Sequence[Mapping[str, Any]] = [{"type": name} for name in CONTROL_TYPES]
"""What a client may say, as it is told one that says something else."""


def read_object(text: str | bytes, forms: Sequence[Mapping[str, Any]] = FORMS) -> dict[str, Any]:
    """The JSON object of a message.

    Args:
        text: the message.
        forms: what it may be.

    Raises:
        Fault: bad_message.
    """
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Fault("bad_message", "the message is not JSON", allowed=forms) from None
    if not isinstance(values, dict):
        raise Fault("bad_message", "the message must be a JSON object", allowed=forms)
    return values


def read_control(text: str | bytes, forms: Sequence[Mapping[str, Any]] = FORMS) -> Control:
    """What a client says.

    Args:
        text: its message.
        forms: what it is told that it may say.

    Raises:
        Fault: bad_message.
    """
    values = read_object(text, forms)
    match values.get("type"):
        case "audio":
            return Audio(_audio(values.get("audio")))
        case "finalize":
            return Finalize()
        case "close" | "end":
            return Close()
        case "keepalive":
            return KeepAlive()
        case "config":
            return Configure(values)
        case _:
            raise Fault(
                "bad_message",
                "type: the message must say what it is; `allowed` has what there is",
                allowed=forms,
            )


def _audio(value: object) -> bytes:
    try:
        if isinstance(value, str):
            return binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        pass
    raise Fault(
        "bad_message",
        "audio: write the bytes in base64",
        allowed=[{"type": "audio", "audio": "base64 (RFC 4648, section 4)"}],
    )
