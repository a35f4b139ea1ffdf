"""Errors as Soniox reports them (soniox.com/docs/api-reference/errors)."""

from __future__ import annotations

import secrets
from typing import Any

from pydantic import ValidationError

__all__ = [
    "Json",
    "Refusal",
    "invalid",
    "invalid_fields",
    "stream_state",
    "timed_out",
    "unknown_key",
]

Json = dict[str, Any]

ERRORS_PAGE = "https://soniox.com/docs/api-reference/errors"


class Refusal(Exception):
    """What a client is told before a stream ends.

    Attributes:
        code: as an HTTP status.
        error_type: the stable name of what is wrong.
    """

    def __init__(self, code: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.error_type = error_type

    def body(self) -> Json:
        """The fields that are common to every error."""
        return {
            "error_code": self.code,
            "error_type": self.error_type,
            "error_message": str(self),
            "request_id": secrets.token_hex(16),
            "more_info": f"{ERRORS_PAGE}#{self.error_type.replace('_', '-')}",
        }


def invalid(message: str) -> Refusal:
    """A message that has no business here, or says what cannot be."""
    return Refusal(400, "invalid_request", message)


def invalid_fields(error: ValidationError) -> Refusal:
    """The first fault that was found in a message; never what the message held."""
    fault = error.errors(include_input=False, include_url=False)[0]
    return invalid(f"{'.'.join(map(str, fault['loc'])) or 'message'}: {fault['msg']}")


def stream_state(message: str) -> Refusal:
    """A message for a TTS stream that is not in a state for it."""
    return Refusal(400, "invalid_stream_state", message)


def timed_out(message: str) -> Refusal:
    """Nothing came in time."""
    return Refusal(408, "request_timeout", message)


def unknown_key() -> Refusal:
    """A key is missing, or wrong."""
    return Refusal(
        401,
        "unauthenticated",
        "Incorrect API key provided. You can get an API key at https://console.soniox.com",
    )
