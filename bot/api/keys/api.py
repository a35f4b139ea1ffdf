"""`/api/keys`: the keys of the speech-to-text service, for whoever has PARLEY_API_KEY."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.api.access import Access, answered, json_response, read_object
from bot.settings import Settings
from bot.telephony.requests import read_body

from .draft import DraftError, KeyDraft
from .store import KeyStore, TooManyKeys

__all__ = ["KeysApi"]

log = structlog.get_logger(__name__)


class KeysApi:
    """Makes, lists and revokes keys.

    Args:
        settings: who may; see `Access`.
        keys: the store.
    """

    def __init__(self, settings: Settings, keys: KeyStore) -> None:
        self._access = Access(settings)
        self._keys = keys

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        return [
            # In one route: of two, a refusal's Allow would have the methods of the first.
            Route("/keys", self.keys, methods=["GET", "POST"]),
            Route("/keys/{id}", self.revoke, methods=["DELETE"]),
        ]

    async def keys(self, request: Request) -> Response:
        """All keys, or a new one."""
        return await (self.create if request.method == "POST" else self.list)(request)

    async def list(self, request: Request) -> Response:
        """All keys, newest first, and what is used of them."""
        self._access.check(request)
        async with answered():
            found = await self._keys.list()
        return json_response({"keys": [one.values() for one in found]})

    async def create(self, request: Request) -> Response:
        """A new key; the answer alone has all of it."""
        self._access.check(request)
        try:
            draft = KeyDraft.read(read_object(await read_body(request)))
            async with answered():
                made = await self._keys.create(draft)
        except DraftError as error:
            raise HTTPException(400, str(error)) from None
        except TooManyKeys as error:
            raise HTTPException(409, str(error)) from None
        log.info("API key made", key=made.key.id)
        response = json_response({**made.key.values(), "key": made.text}, 201)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def revoke(self, request: Request) -> Response:
        """Have a key be good for nothing from now on, everywhere."""
        self._access.check(request)
        key_id = str(request.path_params["id"])
        async with answered():
            known = await self._keys.revoke(key_id)
        if not known:
            raise HTTPException(404, "no such key")
        log.info("API key revoked", key=key_id)
        return json_response({"revoked": key_id})
