"""Dialling: whoever is due is claimed, and called, as fast as everything allows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.metrics import Metrics
from bot.redis_link import StoreUnavailable
from bot.telephony.address import Address
from bot.telephony.rest_errors import CallGone, RestError
from bot.telephony.rest_resources import RestCall

from .backing_off import BackOff
from .lease import Clocks, DialLease, read_clocks
from .placing import judge, parameters
from .planning import replan
from .reconcile import CLOSING_MS, LONGEST_MS, TAKEN_BACK_MS
from .rejections import Rejections
from .spec import CampaignSpec
from .standstill import Standstill
from .store import CampaignStore
from .types import Attempt, Blocked, Campaign, Claims, Contact, Limits, Plan

__all__ = ["Dialer", "Placing"]

TICK_S = 0.95
"""How long one tick goes on dialling: until the next one is near."""

AT_ONCE = 16
"""How many calls are asked for at the same time. With what sweepers ask (`bot.campaign.patience`)
these are fewer than there are connections: what else asks Twilio has some left."""

MOST_CLAIMED = 8
"""How many contacts are claimed in one step, so that campaigns of one priority take turns."""

AGAIN_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Between the times at which Twilio is asked to take back a call."""

LOOKED_AT_MS = 1_000
"""So soon after its claim a sweeper looks at somebody whose window closes soon."""

SHORTEST_WAIT_S = 0.005

# What blocks one campaign blocks the others too.
_OF_ALL: frozenset[Blocked] = frozenset(
    {"account_rate", "account_concurrency", "workers", "inbound"}
)

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

log = structlog.get_logger(__name__)


class Placing(Protocol):
    """What of Twilio's REST is needed; `bot.telephony.rest.TwilioRest` is one."""

    async def create(
        self, parameters: dict[str, Any], *, wanted: Callable[[], bool]
    ) -> RestCall: ...

    async def cancel(self, sid: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt of ours, and how long it may be dialled."""

    campaign: Campaign
    attempt: Attempt
    lease: DialLease


class Dialer:
    """Claims and dials, in one process; any number of them may.

    Args:
        store: the truth.
        rest: places calls.
        address: ours, to which Twilio is sent.
        limits: of the account.
        metrics: where calls are counted.
        clocks: see `bot.campaign.lease`.
        back_off: when Twilio is not asked.
        standstill: told when nobody is dialled.
    """

    def __init__(
        self,
        store: CampaignStore,
        rest: Placing,
        address: Address,
        limits: Limits,
        *,
        metrics: Metrics | None = None,
        clocks: Callable[[], Clocks] = read_clocks,
        back_off: BackOff | None = None,
        standstill: Standstill | None = None,
    ) -> None:
        self._store = store
        self._rest = rest
        self._address = address
        self._limits = limits
        self._count = (metrics or Metrics()).campaign_calls
        self._clocks = clocks
        self._back_off = back_off or BackOff()
        self._standstill = standstill or Standstill(store)
        self._rejections = Rejections(store)
        self._placings: set[asyncio.Task[None]] = set()
        self._held = asyncio.Event()
        self._stopped = asyncio.Event()
        self._ticking = asyncio.Lock()

    def hold(self) -> None:
        """Claim nobody any more."""
        self._held.set()

    async def stop(self) -> None:
        """Claim nobody any more, and take back once what is to be taken back; returns when
        everybody who was claimed is being called."""
        self.hold()
        self._stopped.set()
        async with self._ticking:
            return

    async def tick(self, spawn: Spawn) -> None:
        """Dial for a second; requests that are on their way then go on after it.

        Args:
            spawn: starts a task, one for each request.
        """
        async with self._ticking:
            await self._tick(spawn)

    async def _tick(self, spawn: Spawn) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + TICK_S
        while not self._held.is_set():
            if len(self._placings) >= AT_ONCE:
                left_s = max(0.0, until_s - loop.time())
                ended, _ = await asyncio.wait(
                    self._placings, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not ended:
                    return
            try:
                wait_s = await self._round(spawn)
            except StoreUnavailable:
                return
            if wait_s is None or loop.time() + wait_s >= until_s:
                return
            await _wait(self._held, max(wait_s, SHORTEST_WAIT_S))

    async def _round(self, spawn: Spawn) -> float | None:
        """Claim once for every running campaign; in how many seconds to do it again, or None.

        Those of lower priority wait as long as one of higher has people to call, and places.
        """
        if (left_s := self._back_off.left_s) > 0:
            await self._standstill.meet("twilio")
            return left_s
        waits_ms: list[int] = []
        unsated: int | None = None
        for campaign in await self._store.running():
            if unsated is not None and campaign.spec.priority < unsated:
                return 0.0
            free = AT_ONCE - len(self._placings)
            if free <= 0:
                return 0.0
            claims, since = await self._claim(campaign, min(free, MOST_CLAIMED))
            await self._standstill.see(claims)
            for attempt in claims.attempts:
                claimed = Claimed(campaign, attempt, self._lease(attempt, since))
                task = spawn(self._dial(claimed))
                self._placings.add(task)
                task.add_done_callback(self._placings.discard)
            await self._replan(campaign, claims)
            if claims.attempts and not claims.blocked:
                unsated = campaign.spec.priority
                waits_ms.append(0)
            elif claims.stale:
                waits_ms.append(0)
            elif claims.wait_ms is not None:
                waits_ms.append(claims.wait_ms)
            if claims.blocked in _OF_ALL:
                break
        return min(waits_ms) / 1000 if waits_ms else None

    async def _claim(self, campaign: Campaign, count: int) -> tuple[Claims, Clocks]:
        """The claims, and when they were first asked for."""
        ids = [secrets.token_hex(10) for _ in range(count)]
        since = self._clocks()
        try:
            claims = await self._store.claim(campaign.id, ids, self._limits)
        except StoreUnavailable:
            # Perhaps it was done. The same ids give the same attempts.
            claims = await self._store.claim(campaign.id, ids, self._limits)
        return claims, since

    def _lease(self, attempt: Attempt, since: Clocks) -> DialLease:
        # By differences of the store's clock: ours may be another.
        until_ms = min(attempt.lease_until_ms, attempt.until_ms - TAKEN_BACK_MS)
        return DialLease(since, (until_ms - attempt.claimed_ms) / 1000, self._clocks)

    async def _replan(self, campaign: Campaign, claims: Claims) -> None:
        if not claims.stale:
            return
        now_ms = await self._store.now_ms()
        plans = [(one, _made_anew(campaign.spec, one, now_ms)) for one in claims.stale]
        await self._store.replan_many(campaign.id, plans)

    # One call

    async def _dial(self, claimed: Claimed) -> None:
        """Ask Twilio for a call and write down what came of it.

        What cannot be written, Redis being away, the sweeper finds out: it looks at every attempt
        whose lease is over.
        """
        try:
            await self._place(claimed)
        except StoreUnavailable:
            log.warning("dialled attempt is left to the sweeper", attempt=claimed.attempt.id)
        except Exception:
            log.exception("attempt could not be dialled", attempt=claimed.attempt.id)

    async def _place(self, claimed: Claimed) -> None:
        attempt = claimed.attempt
        asked = parameters(claimed.campaign.spec, attempt, self._address)
        try:
            call = await self._rest.create(asked, wanted=claimed.lease.holds)
        except RestError as error:
            refusal = judge(error, attempt)
            log.warning(
                "call was not placed", attempt=attempt.id, campaign=attempt.campaign,
                fate=refusal.fate, status=error.status, code=error.code,
            )  # fmt: skip
            self._count.labels(refusal.fate).inc()
            delay_s = self._back_off.refused(error.retry_after_s) if refusal.back_off else 0.0
            await self._rejections.meet(claimed.campaign, attempt, refusal, delay_s)
            return
        self._count.labels("placed").inc()
        if self._back_off.refuses:
            self._back_off.placed()
            await self._standstill.end()
        noted = await self._store.note(attempt.id, sid=call.sid, status=call.status)
        if noted is None or noted.sid != call.sid:
            # The attempt is gone, or somebody bound another call to it.
            log.error("call belongs to no attempt", call_sid=call.sid, attempt=attempt.id)
            await self._take_back(call.sid)
        elif noted.unwanted or noted.talked:
            # They have asked not to be called since the claim, or have called us.
            await self._take_back(call.sid)
        elif attempt.until_ms - LONGEST_MS <= attempt.lease_until_ms:
            # Else it may be looked at too late, should Twilio leave it in its queue.
            await self._store.watch(attempt.id, attempt.claimed_ms + LOOKED_AT_MS)

    async def _take_back(self, sid: str) -> None:
        """Have Twilio not place a call that is nobody's, or not wanted any more."""
        for pause_s in AGAIN_S:
            try:
                await self._rest.cancel(sid)
            except CallGone:
                return
            except RestError as error:
                log.warning("call was not taken back", call_sid=sid, status=error.status)
            else:
                return
            if self._stopped.is_set():
                return
            await _wait(self._stopped, pause_s)


async def _wait(event: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return


def _made_anew(spec: CampaignSpec, contact: Contact, now_ms: int) -> Plan | None:
    plan = replan(spec, contact, now_ms)
    over_ms = now_ms + CLOSING_MS
    if contact.plan is not None:
        over_ms = max(over_ms, contact.plan.until_ms)
    if plan is not None and plan.until_ms <= over_ms:
        # The window closes: nobody is claimed in it any more.
        plan = replan(spec, contact, plan.until_ms)
    return plan
