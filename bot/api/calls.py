"""`/api/calls`: records of calls, for whoever holds the API key."""

from __future__ import annotations

import hmac
import re
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.settings import Settings
from bot.store import Store, StoreUnavailable

__all__ = ["CallsApi"]

MAX_LIMIT = 200
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class CallsApi:
    """Shows calls. Open with `--dev`; else it asks for the bearer `PARLEY_API_KEY`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        key = settings.api_key
        self._key = key.get_secret_value().encode() if key is not None else None
        self._open = settings.dev and key is None
        self._store = store

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        return [Route("/calls", self.list), Route("/calls/{sid}", self.show)]

    async def show(self, request: Request) -> Response:
        """A call's record and its log of events."""
        self._check(request)
        sid = request.path_params["sid"]
        try:
            # What is no SID could be part of the name of another key.
            stored = await self._store.get(sid) if _SID.fullmatch(sid) else None
        except StoreUnavailable:
            raise HTTPException(503, "the store is away: try again soon") from None
        if stored is None:
            raise HTTPException(404, "no such call")
        return _json({**orjson.loads(stored.record.to_json()), "log": stored.log})

    async def list(self, request: Request) -> Response:
        """The latest calls, newest first: `?limit=` (at most 200), `?before_ms=` to page."""
        self._check(request)
        limit = min(_number(request, "limit") or 50, MAX_LIMIT)
        try:
            records = await self._store.list_calls(limit, _number(request, "before_ms"))
        except StoreUnavailable:
            raise HTTPException(503, "the store is away: try again soon") from None
        return _json({"calls": [orjson.loads(record.to_json()) for record in records]})

    def _check(self, request: Request) -> None:
        if self._open:
            return
        if self._key is None:
            raise HTTPException(403, "the API is closed: set PARLEY_API_KEY to open it")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        good = hmac.compare_digest(given.strip().encode(), self._key)
        if scheme.lower() != "bearer" or not good:
            raise HTTPException(
                401, "the API key is missing or wrong", {"WWW-Authenticate": "Bearer"}
            )


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 15 or not int(value):
        raise HTTPException(400, f"{name} must be a positive whole number")
    return int(value)


def _json(value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
