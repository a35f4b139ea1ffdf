"""Reading what Twilio posts: a form of bounded size that Twilio itself has signed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from bot.store_keys import SID

from .address import Address
from .signature import SETTINGS_HEADER, SIGNATURE_HEADER, Params, algorithm_of, verify

__all__ = [
    "ATTEMPT",
    "MAX_BODY_BYTES",
    "MAX_FIELDS",
    "Form",
    "is_attempt",
    "read_attempt",
    "read_body",
    "read_count",
    "read_form",
]

log = structlog.get_logger(__name__)

ATTEMPT = "attempt"
"""What names, in the query of every URL of a campaign's call, the attempt that the call is."""
_ATTEMPT = re.compile(r"[0-9a-f]{20}")

MAX_BODY_BYTES = 64 * 1024
"""Twilio's forms have about forty short fields: some two kilobytes."""
MAX_FIELDS = 256
READ_DEADLINE_S = 5.0
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in the order in which they came."""

    fields: Params

    def get(self, name: str) -> str:
        """The first value of `name`; empty when there is none, which to Twilio is the same."""
        return next((value for field, value in self.fields if field == name), "")

    def failed_at(self, path: str) -> bool:
        """Whether a number's fallback URL is asked since our `path` gave Twilio no answer.

        Source: https://www.twilio.com/docs/usage/security/availability-reliability.
        """
        return self.get("ErrorUrl").partition("#")[0].partition("?")[0].endswith(path)


async def read_form(request: Request, address: Address, auth_tokens: Sequence[str]) -> Form:
    """The form of a webhook that one of `auth_tokens` has signed.

    The URL that was signed is taken from the public `address`: behind a proxy a request does not
    know the one that Twilio asked for.

    Raises:
        HTTPException: 403 for a missing or wrong signature; 400, 408, 413 or 415 for a body that
            is no form of a call, does not come in time, is too large or is of another type.
    """
    _check_type(request)
    form = Form(_parse(await read_body(request)))
    _check_signature(request, form, address, auth_tokens)
    for name in ("CallSid", "AccountSid"):
        if not SID.fullmatch(form.get(name)):
            raise HTTPException(400, f"{name} is missing or no SID")
    return form


def read_count(request: Request, name: str) -> int:
    """A counter of our own in the query, which Twilio's signature covers; 0 for none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def read_attempt(request: Request) -> str | None:
    """The id of the attempt that a call is; None for calls that no campaign has made.

    Raises:
        HTTPException: 400 for what is no id.
    """
    attempt = request.query_params.get(ATTEMPT)
    if attempt is not None and not is_attempt(attempt):
        raise HTTPException(400, f"{ATTEMPT} is no id")
    return attempt


def is_attempt(text: str) -> bool:
    """Whether this is an attempt's id."""
    return _ATTEMPT.fullmatch(text) is not None


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise HTTPException(415, "the body is not a form")


async def read_body(request: Request) -> bytes:
    """The body of a request, if it is not too large and comes in time.

    Raises:
        HTTPException: 400, 408 or 413.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise HTTPException(413, "the body is too large")
    except TimeoutError:
        raise HTTPException(408, "the body did not come in time") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body was not sent to its end") from None
    return bytes(body)


def _parse(body: bytes) -> Params:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise HTTPException(400, "the body is no readable form") from None


def _check_signature(
    request: Request, form: Form, address: Address, auth_tokens: Sequence[str]
) -> None:
    # The path as it was sent: the decoded one would lose what Twilio's signature covers.
    path = request.scope["raw_path"].decode("latin-1")
    url = address.url(path, request.scope["query_string"].decode("latin-1"))
    signature = request.headers.get(SIGNATURE_HEADER)
    settings = request.headers.get(SETTINGS_HEADER)
    if verify(auth_tokens, url, form.fields, signature, settings=settings):
        return
    if not signature:
        raise HTTPException(403, "the signature is missing")
    if algorithm_of(settings) is None:
        raise HTTPException(403, "the signature's algorithm is unknown")
    # Nine times in ten PARLEY_PUBLIC_URL is not what Twilio was given.
    log.warning("signature is wrong", expected_for=url.partition("?")[0])
    raise HTTPException(403, "the signature is wrong")
