"""Errors as Google Cloud reports them: a call's status, with details (google.aip.dev/193)."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus
from grpc import StatusCode

from tests.vendors.speech.caller import Status
from tests.vendors.speech.refusal import Refusal

__all__ = ["exceeded", "invalid", "invalid_key", "status_of", "timed_out", "unknown_caller"]

CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    402: StatusCode.PERMISSION_DENIED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ABORTED,
    416: StatusCode.OUT_OF_RANGE,
    429: StatusCode.RESOURCE_EXHAUSTED,
    500: StatusCode.INTERNAL,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
"""google.rpc.Code beside the HTTP statuses that Google has for it; 402 is what is not paid for."""
REASONS = {402: "BILLING_DISABLED", 429: "RATE_LIMIT_EXCEEDED"}


def status_of(refusal: Refusal) -> Status:
    """How a call ends for that; a refusal's `error_type` is its ErrorInfo's reason."""
    number = CODES[refusal.code].value[0]
    reason = refusal.error_type or REASONS.get(refusal.code)
    details = []
    if reason is not None:
        details.append(_any(ErrorInfo(reason=reason, domain="googleapis.com")))
    if refusal.retry_after_s is not None:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(round(refusal.retry_after_s * 1000))
        details.append(_any(retry))
    told = RpcStatus(code=number, message=str(refusal), details=details)
    return Status(number, str(refusal), told.SerializeToString() if details else b"")


def invalid(message: str) -> Refusal:
    """A message that has no business here, or says what cannot be."""
    return Refusal(400, None, message)


def invalid_key() -> Refusal:
    """A key that is nobody's."""
    return Refusal(400, "API_KEY_INVALID", "API key not valid. Please pass a valid API key.")


def unknown_caller() -> Refusal:
    """Neither a key nor a token."""
    return Refusal(
        403,
        None,
        "Method doesn't allow unregistered callers (callers without established identity)."
        " Please use API Key or other form of API consumer identity to call this API.",
    )


def timed_out(version: int) -> Refusal:
    """A recognition stream got nothing for too long."""
    if version == 1:
        return Refusal(
            416,
            None,
            "Audio Timeout Error: Long duration elapsed without audio."
            " Audio should be sent close to real time.",
        )
    return Refusal(409, None, "Stream timed out after receiving no more client requests.")


def exceeded(stream_s: float) -> Refusal:
    """A recognition stream is as long as one may be."""
    return Refusal(
        416, None, f"Exceeded maximum allowed stream duration of {stream_s:.0f} seconds."
    )


def _any(message: ErrorInfo | RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
