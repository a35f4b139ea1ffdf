"""`/api`: records of calls, what can be done to a call, and what providers were used for, for
whoever has the API key."""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.dialog.types import DialogError, Transfer
from bot.inbox import Command
from bot.numbers import PHONE_NUMBER
from bot.reaching import EndingCalls, Outcome, Reaching
from bot.record import now_ms
from bot.records.removal import in_progress, remove
from bot.settings import Settings
from bot.store import Store, StoreUnavailable
from bot.store_keys import SID
from bot.telephony.requests import read_body
from providers.usage import Use

from .access import AWAY, Access, json_response
from .openapi import describe

__all__ = ["CallsApi"]

MAX_LIMIT = 200
_NUMBER = re.compile(PHONE_NUMBER)
_REFUSALS = {
    Outcome.UNKNOWN: (404, "no such call"),
    Outcome.ENDED: (409, "the call has ended"),
    Outcome.UNREACHED: (
        503,
        "neither a worker nor Twilio has confirmed it: it may still be done; try again soon",
    ),
}


class CallsApi:
    """Shows calls, and hangs up, transfers and deletes them.

    Args:
        settings: who may (see `Access`), and where recordings are.
        store: where calls are kept.
        reaching: the way to a call in progress.
        calls: told of a call that was ended here.
        usage: what the deployment's providers were used for this month.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        reaching: Reaching,
        calls: EndingCalls,
        usage: Callable[[], list[Use]],
    ) -> None:
        self._access = Access(settings)
        self._access.warn()
        self._recordings = settings.recordings
        self._store = store
        self._reaching = reaching
        self._calls = calls
        self._usage = usage
        self._openapi = orjson.dumps(describe(settings.public_url + "/api"))

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        call = "/calls/{sid}"
        return [
            Route("/openapi.json", self.openapi),
            Route("/calls", self.list),
            Route(call, self.show),
            Route(call, self.delete, methods=["DELETE"]),
            Route(f"{call}/hangup", self.hang_up, methods=["POST"]),
            Route(f"{call}/transfer", self.transfer, methods=["POST"]),
            Route("/usage", self.used),
        ]

    async def openapi(self, request: Request) -> Response:
        """The description of this API; it holds no secret, so it asks for no key."""
        return Response(self._openapi, media_type="application/json")

    async def show(self, request: Request) -> Response:
        """A call's record and its log of events."""
        sid = self._check(request)
        try:
            stored = await self._store.get(sid)
        except StoreUnavailable:
            raise HTTPException(503, AWAY) from None
        if stored is None:
            raise HTTPException(404, "no such call")
        return json_response(stored.values())

    async def list(self, request: Request) -> Response:
        """The latest calls, newest first: `?limit=` (at most 200).

        The page after that: `?before_ms=&before_sid=` with its last call's `started_ms` and `sid`.
        """
        self._access.check(request)
        limit = min(_number(request, "limit") or 50, MAX_LIMIT)
        before_ms = _number(request, "before_ms")
        before_sid = request.query_params.get("before_sid", "")
        if before_sid and (before_ms is None or not SID.fullmatch(before_sid)):
            raise HTTPException(400, "before_sid must be the SID of a call that began at before_ms")
        try:
            records = await self._store.list_calls(limit, before_ms, before_sid)
        except StoreUnavailable:
            raise HTTPException(503, AWAY) from None
        return json_response({"calls": records})

    async def used(self, request: Request) -> Response:
        """What all workers used this month, by provider, as of a few seconds ago."""
        self._access.check(request)
        return json_response({"usage": self._usage()})

    async def hang_up(self, request: Request) -> Response:
        """Hang up at once."""
        sid = self._check(request)
        return await self._command(Command("hangup", sid, reason="api"))

    async def transfer(self, request: Request) -> Response:
        """Connect the caller to another number at once: `{"to": "+15551234567"}`."""
        sid = self._check(request)
        transfer = _transfer(await read_body(request))
        return await self._command(
            Command("transfer", sid, to=transfer.to, caller_id=transfer.caller_id)
        )

    async def delete(self, request: Request) -> Response:
        """Delete what is kept of a call that has ended: record, log, recordings on this machine."""
        sid = self._check(request)
        try:
            record = await self._store.load(sid)
            if record is None:
                raise HTTPException(404, "no such call")
            if in_progress(record, now_ms()):
                raise HTTPException(409, "the call is in progress: hang up first")
            removed = await remove(self._store, record, self._recordings)
        except StoreUnavailable:
            raise HTTPException(503, AWAY) from None
        except OSError as error:
            raise HTTPException(500, f"a recording was not deleted: {error.strerror}") from None
        return json_response(
            {
                "deleted": sid,
                "recordings": [str(path) for path in removed.recordings.here],
                "missing": [str(path) for path in removed.recordings.missing],
            }
        )

    async def _command(self, command: Command) -> Response:
        reached = await self._reaching.reach(command)
        end = None
        if reached.ended is not None:
            # The dialog's on_end may take its time.
            end = BackgroundTask(self._calls.end, command.sid, reached.ended)
        if (refusal := _REFUSALS.get(reached.outcome)) is None:
            return json_response({"sid": command.sid, "command": command.kind}, background=end)
        status, fault = refusal
        return json_response({"error": fault}, status, background=end)

    def _check(self, request: Request) -> str:
        """The SID of the call that is asked for by somebody who may."""
        self._access.check(request)
        sid = str(request.path_params["sid"])
        if not SID.fullmatch(sid):
            raise HTTPException(404, "no such call")
        return sid


def _transfer(body: bytes) -> Transfer:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise HTTPException(400, "the body is not JSON") from None
    match values:
        case {"to": str(to)} if values.keys() <= {"to", "caller_id"}:
            caller_id = values.get("caller_id")
        case _:
            raise HTTPException(400, 'the body must be {"to": "+15551234567"}, or with "caller_id"')
    if caller_id is not None and not (isinstance(caller_id, str) and _NUMBER.fullmatch(caller_id)):
        raise HTTPException(400, "caller_id must be a number of yours such as +15551234567")
    try:
        return Transfer(to, caller_id)
    except DialogError as error:
        raise HTTPException(400, str(error)) from None


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 15 or not int(value):
        raise HTTPException(400, f"{name} must be a positive whole number")
    return int(value)
