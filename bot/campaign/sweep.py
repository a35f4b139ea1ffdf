"""Sweeping: whatever was left in between by a crash, a lost answer or a lost callback is settled.

Every step may be done twice, by any number of sweepers, and may be left in the middle.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from bot.redis_link import StoreUnavailable
from bot.telephony.rest_errors import CallGone, RestError, RestUnavailable
from bot.telephony.rest_resources import RestCall

from .planning import plan_after
from .reconcile import Timings, candidates, listed_for_certain_ms, next_step
from .store import CampaignStore
from .types import Attempt, Campaign

__all__ = ["Asking", "Settles", "Sweeper"]

TICK_S = 1.5
LOOKED_AT = 100
AT_ONCE = 4
"""How many calls Twilio is asked about at the same time; the dialer has the other connections."""

ENOUGH_LISTS = 2
LONGEST_LIST = 200

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Asking(Protocol):
    """What of Twilio's REST is needed; `bot.telephony.rest.TwilioRest` is one."""

    async def fetch(self, sid: str) -> RestCall: ...

    async def cancel(self, sid: str) -> None: ...

    async def list_calls(self, *, to: str, from_: str, limit: int) -> list[RestCall]: ...


class Settles(Protocol):
    """Decides outcomes; `bot.campaign.settling.Settling` is one."""

    async def settle(self, attempt: str, *, late: bool = False) -> bool:
        """Whether it is settled now; not if its call's record is still being written, unless it is
        `late`."""


class Sweeper:
    """Looks at attempts whose time has come, and at campaigns that may be over.

    Args:
        store: the truth.
        rest: knows of calls.
        settling: decides what became of an attempt.
        timings: how long things may take.
    """

    def __init__(
        self,
        store: CampaignStore,
        rest: Asking,
        settling: Settles,
        timings: Timings | None = None,
    ) -> None:
        self._store = store
        self._rest = rest
        self._settling = settling
        self._timings = timings or Timings()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._asked_in_vain = 0
        self._over: set[str] = set()

    async def tick(self) -> None:
        """Look at what is due, as much as fits into the tick; Redis being away is no error."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + TICK_S
        self._asked_in_vain = 0
        try:
            while await self._look() == LOOKED_AT and loop.time() < until_s:
                continue
            await self._look_at_campaigns()
        except StoreUnavailable:
            return
        if self._asked_in_vain:
            log.warning("Twilio does not say how calls are", calls=self._asked_in_vain)

    # Attempts

    async def _look(self) -> int:
        attempts = await self._store.look(LOOKED_AT, self._timings.again_ms)
        campaigns = {
            id_: await self._store.campaign(id_) for id_ in {item.campaign for item in attempts}
        }
        now_ms = await self._store.now_ms()
        async with asyncio.TaskGroup() as group:
            for attempt in attempts:
                campaign = campaigns[attempt.campaign]
                if campaign is not None:
                    group.create_task(self._see_to(attempt, campaign, now_ms))
        return len(attempts)

    async def _see_to(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        """Do what is next for an attempt; what fails is done when it is looked at again."""
        try:
            async with self._at_once:
                await self._do(attempt, campaign, now_ms)
        except StoreUnavailable:
            return
        except RestError:
            self._asked_in_vain += 1
        except Exception:
            log.exception("attempt could not be looked at", attempt=attempt.id)

    async def _do(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        step = next_step(attempt, campaign, now_ms, self._timings)
        match step.task:
            case "wait":
                await self._store.watch(attempt.id, step.at_ms)
            case "lose":
                lost = await self._store.lost_answer(attempt.id, attempt.token)
                if lost is not None:
                    log.warning("dialer did not say what became of its attempt", attempt=attempt.id)
                    await self._search(lost, campaign)
            case "search":
                await self._search(attempt, campaign)
            case "fetch":
                await self._fetch(attempt)
            case "take_back":
                await self._take_back(attempt)
            case "settle":
                await self._settle(attempt, now_ms)

    async def _ask(self, question: Callable[[Asking], Awaitable[T]]) -> T:
        """Ask Twilio, unless it does not answer now: the rest of a tick must not wait for that."""
        if self._asked_in_vain >= AT_ONCE:
            raise RestUnavailable("Twilio's REST API was not asked again")
        return await question(self._rest)

    async def _search(self, attempt: Attempt, campaign: Campaign) -> None:
        """Look for the call of an attempt that nobody knows to be placed."""
        # Before the list: it says nothing of what came after.
        now_ms = await self._store.now_ms()
        calls = await self._ask(
            lambda rest: rest.list_calls(
                to=attempt.number, from_=attempt.from_number, limit=LONGEST_LIST
            )
        )
        for call in candidates(calls, attempt):
            owner = await self._store.attempt_of(call.sid)
            if owner is None or owner.id == attempt.id:
                log.info("lost call was found", attempt=attempt.id, call_sid=call.sid)
                await self._note(attempt, call)
                return
        certain_ms = listed_for_certain_ms(attempt, campaign, self._timings)
        again_ms = now_ms + self._timings.list_again_ms
        if now_ms < certain_ms:
            await self._store.watch(attempt.id, min(again_ms, certain_ms))
            return
        counted = await self._store.empty_list(attempt.id, attempt.token, again_ms)
        if counted is not None and counted.empties >= ENOUGH_LISTS:
            await self._give_up(counted, campaign, now_ms)

    async def _give_up(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        contact = await self._store.contact(attempt.campaign, attempt.number)
        plan = None if contact is None else plan_after(campaign.spec, contact, 0, now_ms)
        reason = "Twilio never placed the call"
        if await self._store.void(attempt.id, attempt.token, plan, reason=reason):
            log.info("call was never placed", attempt=attempt.id, campaign=attempt.campaign)

    async def _fetch(self, attempt: Attempt) -> None:
        try:
            call = await self._ask(lambda rest: rest.fetch(attempt.sid))
        except CallGone:
            # Somebody has deleted it, which Twilio allows when it is over.
            reason = "Twilio does not know the call any more"
            await self._store.note(attempt.id, sid=attempt.sid, status="failed", reason=reason)
            return
        await self._note(attempt, call)

    async def _note(self, attempt: Attempt, call: RestCall) -> None:
        minutes = None if not call.duration_s else math.ceil(call.duration_s / 60)
        noted = await self._store.note(
            attempt.id,
            sid=call.sid,
            status=call.status,
            duration_s=call.duration_s,
            minutes=minutes,
            answered_by=call.answered_by or "",
        )
        if noted is not None and noted.state == "ended":
            await self._settling.settle(attempt.id)

    async def _take_back(self, attempt: Attempt) -> None:
        try:
            await self._ask(lambda rest: rest.cancel(attempt.sid))
        except CallGone:
            log.debug("call was answered or over before", call_sid=attempt.sid)
        else:
            log.info("call was taken back", attempt=attempt.id, call_sid=attempt.sid)
        await self._fetch(attempt)

    async def _settle(self, attempt: Attempt, now_ms: int) -> None:
        ended_ms = attempt.ended_ms or now_ms
        late = now_ms >= ended_ms + self._timings.settle_ms
        if not await self._settling.settle(attempt.id, late=late) and not late:
            await self._store.watch(attempt.id, ended_ms + self._timings.settle_ms)

    # Campaigns

    async def _look_at_campaigns(self) -> None:
        for campaign in await self._store.campaigns():
            if campaign.state == "running":
                await self._finish(campaign)
            elif campaign.state == "canceled" and campaign.id not in self._over:
                await self._clear(campaign)

    async def _finish(self, campaign: Campaign) -> None:
        """Mark a campaign as done when it is."""
        progress = await self._store.progress(campaign.id)
        if progress.live:
            return
        reason = ""
        if progress.waiting:
            ends_at = campaign.spec.ends_at
            now_ms = await self._store.now_ms()
            if ends_at is None or now_ms < ends_at.timestamp() * 1000:
                return
            reason = f"its end has come; {progress.waiting} contacts were not called any more"
        if await self._store.change(campaign.id, "done", allowed=["running"], reason=reason):
            log.info("campaign is done", campaign=campaign.id)

    async def _clear(self, campaign: Campaign) -> None:
        """Take back what a canceled campaign has queued or ringing."""
        attempts = await self._store.live(campaign.id)
        if not attempts:
            self._over.add(campaign.id)
            return
        now_ms = await self._store.now_ms()
        async with asyncio.TaskGroup() as group:
            for attempt in attempts:
                if next_step(attempt, campaign, now_ms, self._timings).task == "take_back":
                    group.create_task(self._see_to(attempt, campaign, now_ms))
