"""What is done to a campaign as a whole, and what must be so before it dials: for the command line
and the API alike."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.dialog.types import DialogError
from bot.settings import Settings, is_loopback
from bot.store import Store

from .dialogs import check_loads
from .durability import ensure_durable
from .packing import UNREADABLE
from .spec import CampaignSpec
from .status import Status
from .store import CampaignStore
from .types import TERMINAL_STATES, Campaign, CampaignState

__all__ = ["ControlError", "Controls", "NotFound", "Refused"]

_ID = re.compile("[a-z0-9]{8}", re.ASCII)
_LIVE: tuple[CampaignState, ...] = ("draft", "running", "paused")
_ALLOWED: dict[CampaignState, tuple[CampaignState, ...]] = {
    "running": ("draft", "paused"),
    "paused": ("running",),
    "canceled": _LIVE,
}
_INSTEAD: dict[CampaignState, str] = {
    "draft": "it has not been started: start it",
    "running": "it runs: pause or cancel it first",
    "paused": "it is paused: resume or cancel it",
    "done": "it is done: create another",
    "canceled": "it is canceled: create another",
}

_OBSTACLES = {
    "inbound": "the workers have no room left beside PARLEY_INBOUND_ROOM: nobody is dialled until"
    " calls end",
    "account_concurrency": "as many calls are live as PARLEY_DIAL_MAX_CALLS allows: nobody is"
    " dialled until some end",
    "twilio": "Twilio refuses calls or does not answer: it is asked again from time to time; the"
    " dialers' logs say more",
}

_FAILOVER = (
    "this Redis has replicas, or is one: a failover may lose the last writes, though they were"
    " acknowledged, and have somebody called twice, or called who asked not to be"
)


class ControlError(Exception):
    """What was asked for is not done; the message says why, and what to change."""


class NotFound(ControlError):
    """There is no such campaign, or more than one."""


class Refused(ControlError):
    """Something must be otherwise first: `faults` has each."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Controls:
    """Starts, stops and shows the campaigns of one deployment.

    Its methods raise `bot.redis_link.StoreUnavailable` when Redis does not answer.

    Args:
        settings: the deployment's, which campaigns need parts of.
        campaigns, calls: the stores.
        redis_url: where both are.
    """

    def __init__(
        self,
        settings: Settings,
        campaigns: CampaignStore,
        calls: Store,
        redis_url: str,
    ) -> None:
        self._settings = settings
        self._campaigns = campaigns
        self._calls = calls
        self._redis_url = redis_url

    async def find(self, key: str) -> Campaign:
        """The campaign of that id, else the one of that name.

        Raises:
            NotFound: there is none, or several have that name; one that is not over wins.
        """
        if (campaign := await self.by_id(key)) is not None:
            return campaign
        found = [one for one in await self._campaigns.campaigns() if one.spec.name == key]
        # One that is over keeps its name for a month, and leaves it to another.
        found = [one for one in found if one.state not in TERMINAL_STATES] or found
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise NotFound(f"several campaigns are called {key!r}: name one by its id ({ids})")
        if not found:
            raise NotFound(f"there is no campaign {key!r}; see parley campaign list")
        return found[0]

    async def by_id(self, text: str) -> Campaign | None:
        """The campaign of that id, if it is one."""
        # What else somebody calls an id could be a part of another key's name.
        if not _ID.fullmatch(text):
            return None
        return await self._campaigns.campaign(text, readable=False)

    async def create(self, spec: CampaignSpec) -> Campaign:
        """A new campaign, a draft.

        Raises:
            Refused: it could call nobody, which would be said only when all contacts are there.
        """
        if await self._is_past(spec):
            raise Refused("ends_at is past")
        return await self._campaigns.create(spec)

    async def start(self, campaign: Campaign, *, accept_loss: bool = False) -> Campaign:
        """Let it dial, for the first time.

        Args:
            accept_loss: the owner knows what a crash of a Redis that is not durable may cost.

        Raises:
            Refused: it was started before, or what it needs is not there.
        """
        if campaign.state == "paused":
            raise Refused("it is paused: resume it")
        return await self._run(campaign, accept_loss=accept_loss)

    async def resume(self, campaign: Campaign, *, accept_loss: bool = False) -> Campaign:
        """Let it dial again, as `start`."""
        if campaign.state == "draft":
            raise Refused(_INSTEAD["draft"])
        return await self._run(campaign, accept_loss=accept_loss or campaign.accepted_loss)

    async def pause(self, campaign: Campaign, reason: str) -> Campaign:
        """Let it dial nobody until it is resumed; calls in progress go on."""
        return await self._move(campaign, "paused", reason)

    async def cancel(self, campaign: Campaign, reason: str) -> Campaign:
        """Let it dial nobody any more, and take back what is queued at Twilio or rings."""
        return await self._move(campaign, "canceled", reason)

    async def delete(self, campaign: Campaign) -> None:
        """Delete it with its contacts and attempts.

        Raises:
            Refused: it is not over, or calls of it are.
        """
        if campaign.state not in {"draft", *TERMINAL_STATES}:
            raise Refused(_INSTEAD[campaign.state])
        if not await self._campaigns.delete(campaign.id):
            raise Refused("calls of it are not over yet: try again soon")

    async def status(self, campaign: Campaign) -> Status:
        """Where it stands now."""
        return Status(
            campaign,
            await self._campaigns.progress(campaign.id),
            now_ms=await self._campaigns.now_ms(),
            account_per_second=self._settings.dial_per_second,
            warnings=await self._warnings(campaign),
        )

    async def _run(self, campaign: Campaign, *, accept_loss: bool) -> Campaign:
        if campaign.state == "running":
            return campaign
        if campaign.state in TERMINAL_STATES:
            raise Refused(_INSTEAD[campaign.state])
        if campaign.unreadable:
            raise Refused(f"{UNREADABLE}: run the one that made it, or cancel and delete it")
        cost = await ensure_durable(self._redis_url, private=self._settings.redis_url is None)
        faults = await self._faults(campaign)
        if cost and not accept_loss:
            faults.append(f"{cost}; or accept that: --accept-loss, over the API accept_loss")
        if faults:
            raise Refused(*faults)
        # What nobody has to fear is not accepted: it would be warned of for ever.
        return await self._move(campaign, "running", accepted_loss=bool(cost))

    async def _move(
        self,
        campaign: Campaign,
        to: CampaignState,
        reason: str = "",
        accepted_loss: bool | None = None,
    ) -> Campaign:
        moved = await self._campaigns.change(
            campaign.id,
            to,
            allowed=_ALLOWED[to],
            reason=reason,
            by_owner=True,
            accepted_loss=accepted_loss,
        )
        if moved is not None:
            return moved
        now = await self._campaigns.campaign(campaign.id, readable=False)
        if now is None:
            raise NotFound(f"campaign {campaign.id} has been deleted")
        if now.state != to:
            raise Refused(_INSTEAD[now.state])
        return now

    async def _faults(self, campaign: Campaign) -> list[str]:
        """What must be otherwise before it dials, but for its Redis."""
        spec, settings = campaign.spec, self._settings
        faults = []
        if not (await self._campaigns.progress(campaign.id)).contacts:
            faults.append(f"it has no contacts: parley campaign import {campaign.id} FILE")
        if spec.ends_at is not None and await self._is_past(spec):
            faults.append(f"its ends_at, {spec.ends_at.isoformat()}, is past: create another")
        if spec.webhook_url is not None and settings.webhook_secret is None:
            faults.append(
                "its webhook_url asks for PARLEY_WEBHOOK_SECRET, with which events are signed"
            )
        if not settings.rest_configured:
            faults.append("nothing can be dialled without TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
        elif _out_of_reach(settings):
            faults.append(
                f"Twilio does not reach {settings.public_url}: set PARLEY_PUBLIC_URL to the"
                " workers' https:// address"
            )
        try:
            await check_loads(settings, spec)
        except DialogError as error:
            faults.append(str(error))
        return faults

    async def _is_past(self, spec: CampaignSpec) -> bool:
        ends_at = spec.ends_at
        return ends_at is not None and ends_at.timestamp() * 1000 <= await self._campaigns.now_ms()

    async def _warnings(self, campaign: Campaign) -> tuple[str, ...]:
        """What keeps a campaign from going on that only looks as if it ran, and what it risks."""
        if campaign.state != "running":
            return ()
        warnings = []
        if not await self._calls.leases.alive():
            warnings.append("no worker is alive to take the calls: nobody is dialled; parley serve")
        elif await self._calls.leases.room() <= self._settings.inbound_room:
            warnings.append(
                "the workers take no more calls than PARLEY_INBOUND_ROOM keeps free: nobody is"
                " dialled; start more workers, or keep less room"
            )
        elif words := _OBSTACLES.get(await self._campaigns.obstacle()):
            warnings.append(words)
        if not self._settings.dialer:
            warnings.append("PARLEY_DIALER is off here: another process must dial")
        if campaign.accepted_loss:
            warnings.append("this Redis is not durable, which was accepted")
        if await self._campaigns.replicated():
            warnings.append(_FAILOVER)
        return tuple(warnings)


def _out_of_reach(settings: Settings) -> bool:
    """Whether the address is on loopback, and the Twilio that is asked is not."""
    api = settings.twilio_api_url
    stand_in = api is not None and is_loopback(urlsplit(api).hostname or "")
    return is_loopback(urlsplit(settings.public_url).hostname or "") and not stand_in
