"""`POST /stt/token`: what a browser may hold for a while, when it must not hold a key."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.telephony.requests import MAX_BODY_BYTES, read_body

from .access import SttAccess
from .chunk_door import answering
from .faults import Fault

__all__ = ["DEFAULT_S", "LONGEST_S", "TokenDoor"]

DEFAULT_S = 60
LONGEST_S = 600
_FORMS = ["", {"expires_in_s": DEFAULT_S, "origin": "https://example.com"}]


@dataclass(frozen=True, slots=True)
class _Asked:
    """For how long, and for pages of which origin; None is any that may use the key."""

    expires_in_s: int = DEFAULT_S
    origin: str | None = None


class TokenDoor:
    """The route.

    Args:
        access: who may.
    """

    def __init__(self, access: SttAccess) -> None:
        self._access = access

    @property
    def routes(self) -> list[Route]:
        """Where it answers."""
        return [Route("/stt/token", self.post, methods=["POST"])]

    @answering
    async def post(self, request: Request) -> Response:
        """Make a token that opens and resumes sessions, and may do nothing else."""
        principal = await self._access.admit(request, "token")
        asked = _read(await _body(request))
        if asked.origin is not None and not self._access.origins.may(asked.origin, principal):
            raise Fault(
                "origin_refused",
                "origin: it is not among those that may use the key",
                allowed=self._access.origins.of(principal),
            )
        expires_s = time.time() + asked.expires_in_s
        token = await self._access.mint(principal, asked.expires_in_s, asked.origin)
        expires_at = datetime.fromtimestamp(math.floor(expires_s), UTC).isoformat()
        body = orjson.dumps({"token": token, "expires_at": expires_at})
        headers = {"Cache-Control": "no-store"}
        return Response(body, 201, headers, "application/json")


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request)
    except HTTPException as error:
        if error.status_code == 413:
            largest = {"maximum": MAX_BODY_BYTES}
            raise Fault("message_too_large", error.detail, allowed=largest) from None
        code = "idle" if error.status_code == 408 else "bad_message"
        raise Fault(code, error.detail, allowed=_FORMS) from None


def _read(body: bytes) -> _Asked:
    """What was asked for.

    Raises:
        Fault: bad_message, unknown_parameter_value.
    """
    if not body:
        return _Asked()
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict) or values.keys() - _Asked.__slots__:
        raise Fault(
            "bad_message", "the body is empty, or a JSON object as in `allowed`", allowed=_FORMS
        )
    asked = _Asked(**values)
    # JSON makes no difference between 60 and 60.0.
    given: object = asked.expires_in_s
    seconds = int(given) if isinstance(given, float) and given.is_integer() else given
    if type(seconds) is not int or not 1 <= seconds <= LONGEST_S:
        allowed = {"minimum": 1, "maximum": LONGEST_S}
        text = f"expires_in_s: a whole number of seconds, 1 to {LONGEST_S}"
        raise Fault("unknown_parameter_value", text, allowed=allowed)
    if asked.origin is not None and not isinstance(asked.origin, str):
        text = "origin: a text such as https://example.com"
        allowed = {"type": ["string", "null"]}
        raise Fault("unknown_parameter_value", text, allowed=allowed)
    return replace(asked, expires_in_s=seconds)
