"""Errors as ElevenLabs reports them.

Source: https://elevenlabs.io/docs/eleven-api/resources/errors
"""

from __future__ import annotations

import secrets

from pydantic import ValidationError

from tests.vendors.speech.refusal import Answer, Json, Refusal

__all__ = ["Wrong", "invalid_fields", "scribe_error", "speech_error", "worded"]

HTTP_KINDS = {
    400: "invalid_parameters",
    401: "invalid_api_key",
    402: "quota_exceeded",
    404: "not_found",
    408: "input_timeout_exceeded",
    413: "request_too_large",
    422: "invalid_parameters",
    429: "too_many_concurrent_requests",
    500: "internal_server_error",
}
SCRIBE_KINDS = {
    400: "input_error",
    401: "auth_error",
    402: "quota_exceeded",
    429: "rate_limited",
    503: "resource_exhausted",
}


class Wrong(Refusal):
    """A request that asks for what cannot be.

    Attributes:
        param: which parameter is wrong.
    """

    def __init__(
        self, message: str, *, kind: str = "invalid_parameters", param: str = "", code: int = 400
    ) -> None:
        super().__init__(code, kind, message)
        self.param = param


def invalid_fields(error: ValidationError) -> Wrong:
    """The first fault that was found in a message; never what the message held."""
    fault = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, fault["loc"])) or "message"
    return Wrong(f"{where}: {fault['msg']}", param=where, code=422)


def worded(refusal: Refusal) -> Answer:
    """By HTTP: a quota that is used up is a 401, too."""
    kind = refusal.error_type or HTTP_KINDS.get(refusal.code, "internal_server_error")
    detail: Json = {
        "type": "validation_error" if refusal.code in (400, 422) else "api_error",
        "code": kind,
        "status": kind,
        "message": str(refusal),
        "request_id": secrets.token_hex(16),
        "param": refusal.param if isinstance(refusal, Wrong) else None,
    }
    return Answer.json({"detail": detail}, 401 if refusal.code == 402 else refusal.code)


def scribe_error(refusal: Refusal) -> Json:
    """On a stream of Scribe: the kind is the message's own."""
    kind = refusal.error_type or SCRIBE_KINDS.get(refusal.code, "transcriber_error")
    # Its own names for what is wrong with a request (assumed).
    kind = "invalid_request" if kind == "invalid_parameters" else kind
    return {"message_type": kind, "error": str(refusal)}


def speech_error(refusal: Refusal) -> Json:
    """On a synthesis connection."""
    kind = refusal.error_type or HTTP_KINDS.get(refusal.code, "internal_server_error")
    return {"message": str(refusal), "error": kind, "code": 1008}
