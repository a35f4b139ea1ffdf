"""Errors as Cartesia reports them: in a message, or by HTTP.

Source: the types of Cartesia's own SDK; its names of errors are assumed, but for `model_not_found`
"""

from __future__ import annotations

import uuid

from pydantic import ValidationError

from tests.vendors.speech.refusal import Answer, Json, Refusal

__all__ = ["error_fields", "invalid", "worded"]

NAMES = {
    400: ("Bad request", "invalid_request"),
    401: ("Unauthorized", "unauthorized"),
    402: ("Payment required", "quota_exceeded"),
    404: ("Not found", "not_found"),
    408: ("Timed out", "request_timeout"),
    429: ("Too many requests", "concurrency_limited"),
    503: ("Service unavailable", "service_unavailable"),
}


def error_fields(refusal: Refusal) -> Json:
    """The fields that are common to every error."""
    title, code = NAMES.get(refusal.code, ("Internal error", "internal_error"))
    return {
        "title": title,
        "message": str(refusal),
        "error_code": refusal.error_type or code,
        "status_code": refusal.code,
        "doc_url": "https://docs.cartesia.ai/api-reference",
        "request_id": str(uuid.uuid4()),
    }


def invalid(error: ValidationError) -> Refusal:
    """The first thing that is wrong with what was asked; never what it held."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"])) or "request"
    text = f"{place}: {fault['msg']}"
    name = next((name for name in ("voice", "language", "model") if name in text), None)
    return Refusal(400, f"{name}_not_found" if name else None, text)


def worded(refusal: Refusal) -> Answer:
    """The HTTP answer."""
    return Answer.json(error_fields(refusal), refusal.code)
