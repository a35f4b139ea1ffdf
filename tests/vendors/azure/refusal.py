"""Errors as Azure reports them: by HTTP, and with the code and reason that close a WebSocket.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-speech-to-text-short and
`fast-transcription-create`. The words of a used-up quota are those of Azure's gateway. Close codes
and their reasons are what users of the SDKs report, of "Quota exceeded" also those who pay by use
(issues 1940 and 2785 of the SDK's repository); that a connection that lasted too long is closed
with 1000 is assumed.
"""

from __future__ import annotations

from pydantic import ValidationError

from tests.vendors.speech.refusal import Answer, Refusal

__all__ = ["TOO_MANY", "Wrong", "close_of", "invalid_fields", "worded"]

NAMES = {
    400: "BadRequest",
    401: "401",
    403: "403",
    404: "404",
    415: "UnsupportedMediaType",
    422: "UnprocessableContent",
    429: "429",
}
QUOTA = "Out of call volume quota for Speech F0 pricing tier."
CLOSES = {408: 1000, 429: 4429}
TOO_MANY = "QuotaExceeded"
"""The `error_type` of a 429 that is told so when it closes a WebSocket."""


class Wrong(Refusal):
    """A request that cannot be served."""

    def __init__(self, message: str, *, kind: str | None = None, code: int = 400) -> None:
        super().__init__(code, kind, message)


def invalid_fields(error: ValidationError, where: str) -> Wrong:
    """The first fault that was found; never what a value was."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"])) or where
    return Wrong(f"{where}: {place}: {fault['msg']}", kind="InvalidArgument")


def worded(refusal: Refusal) -> Answer:
    """The HTTP answer."""
    status, text = (403, QUOTA) if refusal.code == 402 else (refusal.code, str(refusal))
    name = refusal.error_type or NAMES.get(status, "InternalServerError")
    return Answer.json({"error": {"code": name, "message": text}}, status)


def close_of(refusal: Refusal) -> tuple[int, str]:
    """The code and the reason that close a WebSocket."""
    if refusal.code == 402 or refusal.error_type == TOO_MANY:
        return 1007, "Quota exceeded. Cid: "
    if refusal.code in (401, 403):
        return 1007, "Authentication failed."
    usual = 1011 if refusal.code >= 500 else 1007
    # There is room for so much in a close frame.
    return CLOSES.get(refusal.code, usual), str(refusal)[:120]
