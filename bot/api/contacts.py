"""`/api/campaigns/{id}/contacts` and its export: who is called, and what became of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.campaign.export import Lost, export
from bot.campaign.importing import ContactsError, Reject, import_contacts
from bot.campaign.store import CampaignStore
from bot.campaign.types import TERMINAL_STATES, Campaign
from bot.numbers import PHONE_NUMBER
from bot.store import Store

from .access import Access, answered, json_response

__all__ = ["MAX_BODY_BYTES", "MAX_REJECTS", "ContactsApi"]

MAX_BODY_BYTES = 128 * 1024 * 1024
"""A million contacts with a few variables each; whoever has more may send them in parts."""
MAX_REJECTS = 1000
"""How many rows that were not taken are in an answer."""
PIECE_DEADLINE_S = 30.0

_NUMBER = re.compile(PHONE_NUMBER)
_KINDS: dict[str, Literal["csv", "jsonl"]] = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
_LARGE = f"the body is larger than {MAX_BODY_BYTES // 2**20} MB: send it in parts"


class ContactsApi:
    """Imports and shows contacts, and exports attempts.

    Args:
        access: who may.
        campaigns, calls: the stores.
        find: the campaign that a request names.
    """

    def __init__(
        self,
        access: Access,
        campaigns: CampaignStore,
        calls: Store,
        find: Callable[[Request], Awaitable[Campaign]],
    ) -> None:
        self._access = access
        self._campaigns = campaigns
        self._calls = calls
        self._find = find

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        one = "/campaigns/{id}"
        return [
            Route(f"{one}/contacts", self.add, methods=["POST"]),
            Route(f"{one}/contacts/{{number}}", self.show),
            Route(f"{one}/export", self.export),
        ]

    async def add(self, request: Request) -> Response:
        """Import the body: CSV, or an object of JSON in each line."""
        self._access.check(request)
        kind = _kind(request)
        columns = dict(map(_column, request.query_params.getlist("column")))
        found = await self._find(request)
        if found.state in TERMINAL_STATES:
            raise HTTPException(409, f"the campaign is {found.state}: make a new one")
        rejects = _Rejects()
        try:
            async with answered():
                imported = await import_contacts(
                    self._campaigns,
                    found,
                    _body(request),
                    kind=kind,
                    columns=columns,
                    delimiter=request.query_params.get("delimiter"),
                    encoding=request.query_params.get("encoding"),
                    rejects=rejects,
                )
        except ContactsError as error:
            raise HTTPException(400, str(error)) from None
        return json_response({**asdict(imported), "rejects": rejects.kept})

    async def show(self, request: Request) -> Response:
        """One contact of a campaign."""
        self._access.check(request)
        found = await self._find(request)
        number = str(request.path_params["number"])
        contact = None
        if _NUMBER.fullmatch(number):
            async with answered():
                contact = await self._campaigns.contact(found.id, number)
        if contact is None:
            raise HTTPException(404, "the campaign has no such contact")
        return json_response(asdict(contact))

    async def export(self, request: Request) -> Response:
        """Every attempt, and each contact that was not called, as CSV; the header `X-Parley-Lost`
        says what is kept no more."""
        self._access.check(request)
        found = await self._find(request)
        headers = {"Content-Disposition": f'attachment; filename="campaign-{found.id}.csv"'}

        def tell(lost: Lost) -> None:
            headers["X-Parley-Lost"] = str(lost)

        pieces = export(self._campaigns, self._calls, found, tell)
        async with answered():
            # What Redis does not give now is said with a status; later the answer would break off.
            first = await anext(pieces)
        return StreamingResponse(_all(first, pieces), media_type="text/csv", headers=headers)


async def _all(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for piece in rest:
        yield piece


class _Rejects:
    """The first rows that were not taken."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    async def write(self, rejects: Sequence[Reject]) -> None:
        """As `bot.campaign.importing.Rejects`."""
        room = MAX_REJECTS - len(self.kept)
        self.kept += [asdict(reject) for reject in rejects[:room]]


def _kind(request: Request) -> Literal["csv", "jsonl"]:
    held = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if held not in _KINDS:
        raise HTTPException(415, f"the Content-Type must be one of: {', '.join(_KINDS)}")
    return _KINDS[held]


def _column(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals:
        raise HTTPException(400, "column must be FIELD=COLUMN, such as number=Mobile")
    return field, column


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        HTTPException: 400, 408 or 413; what was imported until then stays.
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise HTTPException(413, _LARGE)
    size = 0
    async with aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout(PIECE_DEADLINE_S):
                    piece = await anext(stream, None)
            except TimeoutError:
                raise HTTPException(408, "the body did not come in time") from None
            except ClientDisconnect:
                raise HTTPException(400, "the body was not sent to its end") from None
            if piece is None:
                return
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise HTTPException(413, _LARGE)
            yield piece
