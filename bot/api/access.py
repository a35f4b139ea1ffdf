"""Who may use the JSON API, and the form of its answers."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bot.redis_link import StoreUnavailable
from bot.settings import Settings, is_loopback

__all__ = ["AWAY", "Access", "answered", "check_local", "json_response", "read_object"]

log = structlog.get_logger(__name__)

AWAY = "the store is away: try again soon"
_CLOSED = (
    "the API is closed: set PARLEY_API_KEY to open it, or use --dev with a PARLEY_PUBLIC_URL on"
    " loopback"
)
_FOREIGN = "without PARLEY_API_KEY the API is for this machine alone, and this {} is another"
_REFUSED = "the API key is missing or wrong: send the worker's PARLEY_API_KEY as a bearer token"


class Access:
    """The way into the API: the bearer `PARLEY_API_KEY`.

    Without a key it is open with `--dev` when the public URL is on loopback, and else closed: a
    tunnel to a development worker lets everybody in. It is open to this machine's own programs: a
    page of another site, in a browser on it, is refused.

    Attributes:
        open: whether this machine's programs need no key.
    """

    def __init__(self, settings: Settings) -> None:
        key = settings.api_key
        self._key = key.get_secret_value().encode() if key is not None else b""
        private = is_loopback(urlsplit(settings.public_url).hostname or "")
        self.open = settings.dev and private and not self._key
        self._url = settings.public_url
        self._unexpected = settings.dev and not private and not self._key

    def warn(self) -> None:
        """Say that it is closed to whoever may expect it to be open."""
        if self._unexpected:
            log.warning("API closed: set PARLEY_API_KEY to open it", url=self._url)

    def is_key(self, given: str) -> bool:
        """Whether this is the worker's PARLEY_API_KEY."""
        return bool(self._key) and hmac.compare_digest(given.encode(), self._key)

    def check(self, request: HTTPConnection) -> None:
        """Let pass whoever may use the API.

        Raises:
            HTTPException: 401 or 403.
        """
        if self.open:
            check_local(request)
            return
        if not self._key:
            raise HTTPException(403, _CLOSED)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.is_key(given.strip()):
            raise HTTPException(401, _REFUSED, {"WWW-Authenticate": "Bearer"})


def check_local(request: HTTPConnection, origins: Collection[str] = ()) -> None:
    """Refuse what a browser sends for somebody else's page.

    Such a page is of another origin; or its name has come to mean this machine (DNS rebinding), and
    then it is the Host.

    Args:
        request: what was sent.
        origins: whose pages may nevertheless.

    Raises:
        HTTPException: 403.
    """
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if not is_loopback(_name_of(f"//{host}")):
        raise HTTPException(403, _FOREIGN.format("Host"))
    if origin is not None and origin not in origins and origin.partition("://")[2] != host:
        raise HTTPException(403, _FOREIGN.format("Origin"))


def _name_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@asynccontextmanager
async def answered() -> AsyncIterator[None]:
    """Have a store that does not answer be answered with 503."""
    try:
        yield
    except StoreUnavailable:
        raise HTTPException(503, AWAY) from None


def json_response(
    value: dict[str, Any], status: int = 200, background: BackgroundTask | None = None
) -> Response:
    """An answer in JSON; `background` runs when it is sent."""
    return Response(
        orjson.dumps(value), status, media_type="application/json", background=background
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        HTTPException: 400, it holds none.
    """
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(values, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return values
