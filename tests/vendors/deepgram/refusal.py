"""Errors as Deepgram reports them: by HTTP, in a message, and with the code that closes a socket.

Source: https://developers.deepgram.com/docs/errors and, for WebSockets, the pages
`stt-troubleshooting-websocket-data-and-net-errors` and `tts-troubleshooting-…` beside it
"""

from __future__ import annotations

import secrets

from pydantic import ValidationError

from tests.vendors.speech.refusal import Answer, Json, Refusal

__all__ = ["Closing", "Wrong", "closing_of", "error_message", "invalid_fields", "worded"]

NAMES = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    402: "ASR_PAYMENT_REQUIRED",
    403: "INSUFFICIENT_PERMISSIONS",
    404: "Not Found",
    408: "SLOW_UPLOAD",
    413: "Payload Too Large",
    429: "TOO_MANY_REQUESTS",
    503: "Service Unavailable",
}
# In a message the names of the handshake are assumed.
IN_MESSAGES = {400: "DATA-0000", 408: "NET-0001", 500: "NET-0000", 503: "NET-0000"}


class Wrong(Refusal):
    """A request that cannot be served."""

    def __init__(self, message: str, code: int = 400) -> None:
        super().__init__(code, None, message)


class Closing(Exception):
    """A WebSocket is to be closed, with a code and Deepgram's name for the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def invalid_fields(error: ValidationError) -> Wrong:
    """The first fault that was found; never what a value was."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"])) or "query"
    if fault["type"] == "extra_forbidden":
        return Wrong(f"Unknown query parameter: {place}")
    return Wrong(f"Failed to deserialize query parameters: {place}: {fault['msg']}")


def worded(refusal: Refusal) -> Answer:
    """The HTTP answer."""
    name = refusal.error_type or NAMES.get(refusal.code, "INTERNAL_SERVER_ERROR")
    request_id = secrets.token_hex(16)
    body = {"err_code": name, "err_msg": str(refusal), "request_id": request_id}
    headers = {"dg-request-id": request_id, "dg-error": f"{name}: {refusal}"}
    return Answer.json(body, refusal.code, headers)


def error_message(refusal: Refusal) -> Json:
    """The message of `/v1/listen` that comes before the end."""
    return {
        "type": "Error",
        "variant": _name(refusal),
        "description": str(refusal),
        "message": str(refusal),
    }


def closing_of(refusal: Refusal) -> Closing:
    """How a socket ends after an error."""
    code = 1011 if refusal.code >= 500 or refusal.code in (408, 429) else 1008
    return Closing(code, _name(refusal))


def _name(refusal: Refusal) -> str:
    known = IN_MESSAGES.get(refusal.code) or NAMES.get(refusal.code, "INTERNAL_SERVER_ERROR")
    return refusal.error_type or known
