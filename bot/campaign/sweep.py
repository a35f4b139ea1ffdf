"""Sweeping: whatever was left in between by a crash, a lost answer or a lost callback is settled.

Every step may be done twice, by any number of sweepers, and may be left in the middle.
"""

from __future__ import annotations

import asyncio
import math
from typing import Protocol

import structlog

from bot.redis_link import StoreUnavailable
from bot.telephony.rest_errors import CallGone, RestError
from bot.telephony.rest_resources import RestCall

from .finishing import finish
from .giving_up import count_as_failed, give_up
from .patience import AT_ONCE, TAKEN_BACK_AT_ONCE, Asking, Patience
from .reconcile import (
    Step,
    Timings,
    are_over,
    candidates,
    due_ms,
    listed_for_certain_ms,
    next_step,
    possible,
)
from .store import CampaignStore
from .types import Attempt, Campaign

__all__ = ["Settles", "Sweeper"]

TICK_S = 1.5
LONGEST_S = 3.0
"""After `TICK_S` a tick still looks for calls to take back, behind all else that is due."""
LOOKED_AT = 100
SOON_MS = 1_000
"""When a call is taken back again that could not be: until it is, somebody may be dialled."""

RETIRED = 10
"""In so many steps of 500 attempts a campaign that is over is made to expire, each tick."""

ENOUGH_LISTS = 2
LONGEST_LIST = 200

_URGENT = frozenset({"unqueue", "take_back"})

log = structlog.get_logger(__name__)


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
        self._asking = Patience(rest)
        self._settling = settling
        self._timings = timings or Timings()
        self._at_once = {
            False: asyncio.Semaphore(AT_ONCE),
            True: asyncio.Semaphore(TAKEN_BACK_AT_ONCE),
        }
        self._until_s = math.inf
        self._put_off: set[str] = set()
        self._queued = 0

    async def tick(self) -> None:
        """Look at what is due, and take back all that is to be; Redis being away is no error."""
        self._until_s = asyncio.get_running_loop().time() + TICK_S
        self._asking.begin(self._until_s)
        self._put_off.clear()
        try:
            while await self._look() and not self._is_late(LONGEST_S):
                continue
            await self._look_at_campaigns()
        except StoreUnavailable:
            return
        self._asking.report()

    # Attempts

    async def _look(self) -> bool:
        """Look at who is due for longest; whether there are others, not put off yet."""
        attempts = await self._store.look(LOOKED_AT, self._timings.again_ms)
        campaigns = {
            id_: await self._store.campaign(id_) for id_ in {item.campaign for item in attempts}
        }
        known = []
        for attempt in attempts:
            if (campaign := campaigns[attempt.campaign]) is not None:
                known.append((attempt, campaign))
            else:
                log.error("attempt has no campaign that can be read", attempt=attempt.id)
        again = any(attempt.id in self._put_off for attempt in attempts)
        await self._see_to_all(known)
        return len(attempts) == LOOKED_AT and not again

    def _is_late(self, by_s: float = 0.0) -> bool:
        return asyncio.get_running_loop().time() >= self._until_s + by_s

    async def _see_to_all(self, known: list[tuple[Attempt, Campaign]]) -> None:
        now_ms = await self._store.now_ms()
        self._queued = await self._store.queued()
        async with asyncio.TaskGroup() as group:
            for attempt, campaign in known:
                step = self._step(attempt, campaign, now_ms)
                group.create_task(self._see_to(step, attempt, campaign, now_ms))

    def _step(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> Step:
        return next_step(attempt, campaign, now_ms, self._timings, self._queued)

    async def _see_to(self, step: Step, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        """Do what is next for an attempt; what fails is done when it is looked at again."""
        urgent = step.task in _URGENT
        try:
            async with self._at_once[urgent]:
                if self._is_late() and not urgent:
                    # Others may have to be taken back: this has time until the next tick.
                    self._put_off.add(attempt.id)
                    await self._store.watch(attempt.id, now_ms)
                else:
                    await self._do(step, attempt, campaign, now_ms)
        except StoreUnavailable:
            return
        except RestError:
            self._asking.failed(urgent=urgent)
        except Exception:
            log.exception("attempt could not be looked at", attempt=attempt.id)

    async def _do(self, step: Step, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
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
                await self._fetch(attempt, campaign)
            case "unqueue":
                await self._unqueue(attempt, campaign, now_ms)
            case "take_back":
                await self._take_back(attempt, campaign, now_ms)
            case "settle":
                await self._settle(attempt, now_ms)

    async def _search(self, attempt: Attempt, campaign: Campaign) -> None:
        """Look for the call of an attempt that nobody knows to be placed."""
        # Before the list: it says nothing of what came after.
        now_ms = await self._store.now_ms()
        calls = await self._asking.ask(
            lambda rest: rest.list_calls(
                to=attempt.number, from_=attempt.from_number, limit=LONGEST_LIST
            )
        )
        for call in candidates(calls, attempt):
            owner = await self._store.attempt_of(call.sid)
            if owner is None or owner.id == attempt.id:
                log.info("lost call was found", attempt=attempt.id, call_sid=call.sid)
                await self._note(attempt, campaign, call)
                return
        certain_ms = listed_for_certain_ms(attempt, campaign, self._timings)
        again_ms = now_ms + self._timings.list_again_ms
        if now_ms < certain_ms:
            await self._store.watch(attempt.id, min(again_ms, certain_ms))
        elif strangers := await self._nobodys(possible(calls, attempt)):
            if are_over(strangers):
                await count_as_failed(self._store, attempt, campaign)
            else:
                await self._store.watch(attempt.id, again_ms)
        else:
            counted = await self._store.empty_list(attempt.id, attempt.token, again_ms)
            if counted is not None and counted.empties >= ENOUGH_LISTS:
                await give_up(self._store, counted, campaign, now_ms)

    async def _nobodys(self, calls: list[RestCall]) -> list[RestCall]:
        return [call for call in calls if await self._store.attempt_of(call.sid) is None]

    async def _fetch(self, attempt: Attempt, campaign: Campaign, *, urgent: bool = False) -> str:
        """Note how a call is; gives its status."""
        try:
            call = await self._asking.ask(lambda rest: rest.fetch(attempt.sid), urgent=urgent)
        except CallGone:
            return await self._gone(attempt, campaign)
        await self._note(attempt, campaign, call)
        return call.status

    async def _gone(self, attempt: Attempt, campaign: Campaign) -> str:
        """Twilio does not know a call: somebody has deleted it, which is allowed when it is over;
        or it does not know it yet, or is not asked about its account. Gives what is noted."""
        now_ms = await self._store.now_ms()
        status, reason = "failed", "Twilio does not know the call any more"
        if attempt.answered_ms is not None or attempt.closed_ms is not None:
            # Its record says what became of it.
            status, reason = "completed", ""
        elif now_ms < due_ms(attempt, campaign, self._timings):
            await self._store.watch(attempt.id, now_ms + SOON_MS)
            return ""
        await self._store.note(attempt.id, sid=attempt.sid, status=status, reason=reason)
        return status

    async def _note(self, attempt: Attempt, campaign: Campaign, call: RestCall) -> None:
        minutes = None if not call.duration_s else math.ceil(call.duration_s / 60)
        noted = await self._store.note(
            attempt.id,
            sid=call.sid,
            status=call.status,
            duration_s=call.duration_s,
            minutes=minutes,
            answered_by=call.answered_by or "",
        )
        if noted is None:
            return
        if noted.state == "ended":
            await self._settling.settle(attempt.id)
            return
        now_ms = await self._store.now_ms()
        step = self._step(noted, campaign, now_ms)
        if step.task in _URGENT:
            await self._store.watch(attempt.id, now_ms + SOON_MS)
        elif step.task == "wait":
            await self._store.watch(attempt.id, step.at_ms)

    async def _unqueue(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        """Take back a call that waits, and none that rings: the word of that may be late."""
        # At first: it holds whatever fails.
        await self._store.watch(attempt.id, now_ms + SOON_MS)
        if await self._fetch(attempt, campaign, urgent=True) == "queued":
            await self._take_back(attempt, campaign, now_ms)

    async def _take_back(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
        await self._store.watch(attempt.id, now_ms + SOON_MS)
        try:
            call = await self._asking.ask(lambda rest: rest.cancel(attempt.sid), urgent=True)
        except CallGone:
            log.debug("call was answered or over before", call_sid=attempt.sid)
            await self._fetch(attempt, campaign, urgent=True)
            return
        log.info("call was taken back", attempt=attempt.id, call_sid=attempt.sid)
        await self._note(attempt, campaign, call)

    async def _settle(self, attempt: Attempt, now_ms: int) -> None:
        ended_ms = attempt.ended_ms or now_ms
        late = now_ms >= ended_ms + self._timings.settle_ms
        if not await self._settling.settle(attempt.id, late=late) and not late:
            await self._store.watch(attempt.id, ended_ms + self._timings.settle_ms)

    # Campaigns

    async def _look_at_campaigns(self) -> None:
        for campaign in await self._store.running():
            await finish(self._store, campaign)
        for campaign in await self._store.clearing():
            await self._clear(campaign)

    async def _clear(self, campaign: Campaign) -> None:
        """Take back what a campaign that is over has queued or ringing; then let it expire."""
        attempts = await self._store.live(campaign.id)
        if not attempts:
            for _ in range(RETIRED):
                if not await self._store.retire(campaign.id):
                    await self._store.cleared(campaign.id)
                    return
            return
        now_ms = await self._store.now_ms()
        asked = [(one, campaign) for one in attempts if self._is_urgent(one, campaign, now_ms)]
        for start in range(0, len(asked), LOOKED_AT):
            await self._see_to_all(asked[start : start + LOOKED_AT])
            if self._is_late():
                return

    def _is_urgent(self, attempt: Attempt, campaign: Campaign, now_ms: int) -> bool:
        return self._step(attempt, campaign, now_ms).task in _URGENT
