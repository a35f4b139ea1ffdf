"""Errors as OpenAI words them, over HTTP and in a session."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tests.vendors.speech.refusal import Answer, Json, Refusal

__all__ = ["Wrong", "answer_of", "check_keys", "error_of", "expect", "unknown_value"]

INVALID = "invalid_request_error"
# By status: the type, and the code where the refusal has none of its own.
KINDS: Mapping[int, tuple[str, str | None]] = {
    401: (INVALID, "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    404: (INVALID, None),
    429: ("requests", "rate_limit_exceeded"),
}


class Wrong(Refusal):
    """Something in a request, or in an event of a session, is not as it has to be.

    Attributes:
        param: what, as a path through the request.
    """

    def __init__(
        self, message: str, param: str | None = None, code: str | None = None, *, status: int = 400
    ) -> None:
        super().__init__(status, code, message)
        self.param = param


def error_of(refusal: Refusal) -> Json:
    """The `error` object."""
    kind, code = KINDS.get(refusal.code, ("server_error" if refusal.code >= 500 else INVALID, None))
    param = refusal.param if isinstance(refusal, Wrong) else None
    return {
        "message": str(refusal),
        "type": kind,
        "param": param,
        "code": refusal.error_type or code,
    }


def answer_of(refusal: Refusal) -> Answer:
    """The HTTP answer: a quota that is used up has the status of too many requests."""
    status = 429 if refusal.code == 402 else refusal.code
    again = refusal.code in (408, 409, 429) or refusal.code >= 500
    headers = {"x-request-id": "req_0", "x-should-retry": str(again).lower()}
    if refusal.retry_after_s is not None:
        headers["retry-after-ms"] = str(round(refusal.retry_after_s * 1000))
    return Answer.json({"error": error_of(refusal)}, status, headers)


def check_keys(given: Json, known: Collection[str], path: str = "") -> None:
    """See that nothing is asked for that there is not.

    Raises:
        Wrong: it is.
    """
    for name in given:
        if name not in known:
            param = f"{path}{name}"
            raise Wrong(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def expect(given: Json, name: str, kind: type | tuple[type, ...], path: str = "") -> Any:
    """A field that has to be there, and of that type.

    Raises:
        Wrong: it is not.
    """
    param = f"{path}{name}"
    if name not in given:
        raise Wrong(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
    if not isinstance(given[name], kind):
        raise Wrong(f"Invalid type for '{param}'.", param, "invalid_type")
    return given[name]


def unknown_value(param: str, value: object, known: Collection[str]) -> Wrong:
    """A value is none of those that there are."""
    return Wrong(
        f"Invalid value: {value!r}. Supported values are: {', '.join(sorted(known))}.",
        param,
        "invalid_value",
    )
