"""Errors as AssemblyAI reports them: by HTTP, in a message, with the code that closes a session.

Source: https://www.assemblyai.com/docs/streaming/common-session-errors-and-closures, and the codes
in AssemblyAI's own SDK. Which come in a message before the close frame is assumed: all of them.
"""

from __future__ import annotations

from pydantic import ValidationError

from tests.vendors.speech.refusal import Answer, Json, Refusal

__all__ = ["Closing", "closing_of", "error_message", "invalid", "worded"]

CODES = {400: 3006, 401: 1008, 402: 4002, 429: 3009}
"""The code in a session for what would be this HTTP status; anything else is 3005."""
TEXTS = {
    3005: "Session Cancelled: An error occurred",
    1008: "Unauthorized Connection: Invalid API key",
    4002: "Insufficient Funds",
    3009: "Unauthorized Connection: Too many concurrent sessions",
}


class Closing(Exception):
    """A session is to end with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def closing_of(refusal: Refusal) -> Closing:
    """How a session ends after an error."""
    code = CODES.get(refusal.code, 3005)
    return Closing(code, TEXTS.get(code, str(refusal)))


def error_message(closing: Closing) -> Json:
    """What is said before that."""
    return {"type": "Error", "error_code": closing.code, "error": str(closing)}


def invalid(error: ValidationError) -> Refusal:
    """What is wrong with a query; never what it held."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"])) or "query"
    return Refusal(400, None, f"Invalid parameter {place}: {fault['msg']}")


def worded(refusal: Refusal) -> Answer:
    """The HTTP answer."""
    return Answer.json({"error": str(refusal)}, refusal.code)
