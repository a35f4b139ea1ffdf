"""`/api/do-not-call`: the numbers that no campaign dials."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.campaign.do_not_call import SOURCE_API
from bot.campaign.phone import number_of
from bot.campaign.store import CampaignStore
from bot.telephony.requests import read_body

from .access import Access, answered, json_response, read_object

__all__ = ["MAX_NUMBERS", "DoNotCallApi"]

MAX_NUMBERS = 1000
_FORM = f'the body must be {{"numbers": ["+15551234567"]}}, with up to {MAX_NUMBERS} of them'


class DoNotCallApi:
    """Shows and changes the list."""

    def __init__(self, access: Access, campaigns: CampaignStore) -> None:
        self._access = access
        self._campaigns = campaigns

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        return [
            Route("/do-not-call", self.list),
            Route("/do-not-call", self.add, methods=["POST"]),
            Route("/do-not-call/{number}", self.remove, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        """The whole list, in no order."""
        self._access.check(request)
        pieces = self._listed()
        async with answered():
            first = await anext(pieces)

        async def body() -> AsyncIterator[bytes]:
            yield first
            async for piece in pieces:
                yield piece

        return StreamingResponse(body(), media_type="application/json")

    async def _listed(self) -> AsyncIterator[bytes]:
        begin = b'{"numbers":['
        async for number, entry in self._campaigns.refused():
            yield begin + orjson.dumps({"number": number, **entry})
            begin = b","
        yield b"]}" if begin == b"," else begin + b"]}"

    async def add(self, request: Request) -> Response:
        """Put numbers on the list: `{"numbers": ["+15551234567"]}`."""
        self._access.check(request)
        numbers = _numbers(await read_body(request))
        async with answered():
            added = [
                number
                for number in numbers
                if await self._campaigns.do_not_call(number, SOURCE_API)
            ]
        return json_response({"added": added})

    async def remove(self, request: Request) -> Response:
        """Take a number off the list."""
        self._access.check(request)
        number = number_of(str(request.path_params["number"]))
        async with answered():
            removed = number is not None and await self._campaigns.allow(number)
        if not removed:
            raise HTTPException(404, "the number is not on the list")
        return json_response({"removed": number})


def _numbers(body: bytes) -> list[str]:
    match read_object(body):
        case {"numbers": [*texts], **rest} if not rest and 0 < len(texts) <= MAX_NUMBERS:
            pass
        case _:
            raise HTTPException(400, _FORM)
    numbers = []
    for at, text in enumerate(texts):
        if not isinstance(text, str) or (number := number_of(text)) is None:
            raise HTTPException(400, f"numbers[{at}] is no number: write it as +15551234567")
        numbers.append(number)
    return numbers
