"""`/api/campaigns`: outbound campaigns, for whoever has the API key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.campaign.control import Controls, NotFound, Refused
from bot.campaign.dialogs import check_named
from bot.campaign.draft import SpecError, named, read_spec
from bot.campaign.status import summary
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign
from bot.dialog.types import DialogError
from bot.settings import Settings
from bot.store import Store
from bot.telephony.requests import read_body

from .access import Access, answered, json_response, read_object
from .contacts import ContactsApi
from .do_not_call import DoNotCallApi

__all__ = ["CampaignsApi"]

_BY_API = "{} over the API"


class CampaignsApi:
    """Makes, shows, starts and stops campaigns.

    Args:
        settings: who may (see `Access`), and what campaigns need.
        campaigns, calls: the stores.
        redis_url: where both are.
    """

    def __init__(
        self, settings: Settings, campaigns: CampaignStore, calls: Store, redis_url: str
    ) -> None:
        access = Access(settings)
        self._access = access
        self._settings = settings
        self._campaigns = campaigns
        self._controls = Controls(settings, campaigns, calls, redis_url)
        self._contacts = ContactsApi(access, campaigns, calls, self._find)
        self._do_not_call = DoNotCallApi(access, campaigns)

    @property
    def routes(self) -> list[Route]:
        """The routes, below `/api`."""
        one = "/campaigns/{id}"
        return [
            Route("/campaigns", self.list),
            Route("/campaigns", self.create, methods=["POST"]),
            Route(one, self.show),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/start", self.start, methods=["POST"]),
            Route(f"{one}/pause", self.pause, methods=["POST"]),
            Route(f"{one}/resume", self.resume, methods=["POST"]),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
            *self._contacts.routes,
            *self._do_not_call.routes,
        ]

    async def list(self, request: Request) -> Response:
        """All campaigns, newest first."""
        self._access.check(request)
        async with answered():
            found = await self._campaigns.campaigns()
        return json_response({"campaigns": [summary(one) for one in found]})

    async def create(self, request: Request) -> Response:
        """A new campaign, a draft; the body has its fields."""
        self._access.check(request)
        values = read_object(await read_body(request))
        try:
            spec = read_spec(named(values))
            check_named(self._settings, spec)
        except (SpecError, DialogError) as error:
            raise HTTPException(400, str(error)) from None
        try:
            async with answered():
                made = await self._controls.create(spec)
        except Refused as error:
            raise HTTPException(400, str(error)) from None
        return await self._shown(made, 201)

    async def show(self, request: Request) -> Response:
        """A campaign, and where it stands."""
        self._access.check(request)
        return await self._shown(await self._find(request))

    async def delete(self, request: Request) -> Response:
        """Delete a campaign that does not run, with contacts and attempts."""
        self._access.check(request)
        found = await self._find(request)
        try:
            async with answered():
                await self._controls.delete(found)
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        return json_response({"deleted": found.id})

    async def start(self, request: Request) -> Response:
        """Let it dial: `{"accept_loss": true}` if the Redis need not be durable."""
        self._access.check(request)
        accept_loss = _accept_loss(await read_body(request))
        return await self._act(
            request, lambda one: self._controls.start(one, accept_loss=accept_loss)
        )

    async def resume(self, request: Request) -> Response:
        """Let it dial again; as `start`."""
        self._access.check(request)
        accept_loss = _accept_loss(await read_body(request))
        return await self._act(
            request, lambda one: self._controls.resume(one, accept_loss=accept_loss)
        )

    async def pause(self, request: Request) -> Response:
        """Let it dial nobody until it is resumed."""
        self._access.check(request)
        reason = _BY_API.format("paused")
        return await self._act(request, lambda one: self._controls.pause(one, reason))

    async def cancel(self, request: Request) -> Response:
        """Let it dial nobody any more."""
        self._access.check(request)
        reason = _BY_API.format("canceled")
        return await self._act(request, lambda one: self._controls.cancel(one, reason))

    async def _act(
        self, request: Request, act: Callable[[Campaign], Awaitable[Campaign]]
    ) -> Response:
        found = await self._find(request)
        try:
            async with answered():
                moved = await act(found)
        except NotFound as error:
            raise HTTPException(404, str(error)) from None
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        return await self._shown(moved)

    async def _shown(self, campaign: Campaign, status: int = 200) -> Response:
        async with answered():
            shown = await self._controls.status(campaign)
        return json_response(shown.values(), status)

    async def _find(self, request: Request) -> Campaign:
        async with answered():
            found = await self._controls.by_id(str(request.path_params["id"]))
        if found is None:
            raise HTTPException(404, "no such campaign")
        return found


def _accept_loss(body: bytes) -> bool:
    values = read_object(body) if body else {}
    accept_loss = values.get("accept_loss", False)
    if not isinstance(accept_loss, bool) or values.keys() - {"accept_loss"}:
        raise HTTPException(400, 'the body may be empty, or {"accept_loss": true}')
    return accept_loss
