"""Errors as Soniox reports them (soniox.com/docs/api-reference/errors)."""

from __future__ import annotations

import secrets

from pydantic import ValidationError

from tests.vendors.speech.refusal import Json, Refusal

__all__ = [
    "error_body",
    "invalid",
    "invalid_fields",
    "limit_exceeded",
    "stream_state",
    "timed_out",
    "unknown_key",
]

ERRORS_PAGE = "https://soniox.com/docs/api-reference/errors"
TYPES = {
    400: "invalid_request",
    401: "unauthenticated",
    402: "organization_balance_exhausted",
    408: "request_timeout",
    429: "limit_exceeded",
    500: "internal_error",
    503: "service_unavailable",
}


def error_body(refusal: Refusal) -> Json:
    """The fields that are common to every error."""
    error_type = refusal.error_type or TYPES[refusal.code]
    return {
        "error_code": refusal.code,
        "error_type": error_type,
        "error_message": str(refusal),
        "request_id": secrets.token_hex(16),
        "more_info": f"{ERRORS_PAGE}#{error_type.replace('_', '-')}",
    }


def invalid(message: str) -> Refusal:
    """A message that has no business here, or says what cannot be."""
    return Refusal(400, None, message)


def invalid_fields(error: ValidationError) -> Refusal:
    """The first fault that was found in a message; never what the message held."""
    fault = error.errors(include_input=False, include_url=False)[0]
    return invalid(f"{'.'.join(map(str, fault['loc'])) or 'message'}: {fault['msg']}")


def limit_exceeded(message: str) -> Refusal:
    """More than one may have."""
    return Refusal(429, None, message)


def stream_state(message: str) -> Refusal:
    """A message for a TTS stream that is not in a state for it."""
    return Refusal(400, "invalid_stream_state", message)


def timed_out(message: str) -> Refusal:
    """Nothing came in time."""
    return Refusal(408, None, message)


def unknown_key() -> Refusal:
    """A key is missing, or wrong."""
    return Refusal(
        401,
        None,
        "Incorrect API key provided. You can get an API key at https://console.soniox.com",
    )
