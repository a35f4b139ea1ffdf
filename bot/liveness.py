"""Staying alive, and rescuing the calls of the dead.

A worker renews its lease every second. One whose lease has lapsed is dead, or frozen, or cut off:
Twilio, which notices nothing of a frozen host, is sent to `next` by REST for each of its calls, and
goes on with them at a worker that answers. A worker that wakes up learns from its next renewal
which calls it has lost.

An outage of Redis makes everybody look dead. So nobody is judged by a worker that has not been able
to renew its own lease, without a break, for as long as it takes everybody else to do so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import structlog

from .dialog.types import Ended
from .leases import CLAIM_S, LEASE_S, Held, Leases, Renewal
from .metrics import Metrics
from .redis_link import StoreUnavailable
from .telephony.rest_errors import CallGone, RestBusy, RestError, RestUnavailable

__all__ = ["Liveness", "LivenessCalls", "Rescuer"]

RENEW_S = 1.0
RETRY_S = 0.5
BREAK_MS = 2000
"""A gap between two renewals of ours in which Redis may have been away."""

JUDGE_AFTER_S = LEASE_S + 1.0
GIVE_UP_MS = 60_000
"""How long a call of a dead worker may come back by itself when it cannot be sent for."""

RESCUERS = 16
"""How many calls are rescued at the same time."""

MAX_WAITING = 1000
REDIRECT_DEADLINE_S = 3.0
END_DEADLINE_S = 30.0
LOST = Ended("unknown", "worker lost")

log = structlog.get_logger(__name__)


class LivenessCalls(Protocol):
    """The calls of this worker."""

    def held(self) -> Mapping[str, int]:
        """The streams that are here: SID and generation."""

    def superseded(self, sid: str, generation: int) -> None:
        """A newer stream than that of `generation` owns the call."""

    async def end(self, sid: str, ended: Ended, generation: int) -> None:
        """The call, of whichever worker, has ended, unless it has a newer stream."""


class Rescuer(Protocol):
    """What of Twilio's REST is needed; `bot.telephony.rest.TwilioRest` is one."""

    async def redirect(self, sid: str, url: str, *, deadline_s: float | None = None) -> None:
        """Have the call follow the TwiML at `url`."""


class Liveness:
    """One worker's part in who is alive.

    Args:
        leases: the store's.
        calls: the calls of this worker.
        rest: sends calls to `next_url`; None without credentials. A call then has a minute to
            come back by itself, which it does unless its worker's host is frozen.
        next_url: of `/twilio/next`, at the public address.
        metrics: where deaths and rescues are counted.
        worker: who we are.
        info: what others may know of us now: host, pid, how many calls we take and the like.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        leases: Leases,
        calls: LivenessCalls,
        rest: Rescuer | None,
        next_url: str,
        metrics: Metrics,
        *,
        worker: str,
        info: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._calls = calls
        self._rest = rest
        self._next_url = next_url
        self._metrics = metrics
        self._worker = worker
        self._info = info
        self._clock = clock
        self._unbroken_since_s: float | None = None
        self._dead: dict[str, int] = {}
        self._judgement = asyncio.Event()
        self._waiting: asyncio.Queue[tuple[Held, int]] = asyncio.Queue(MAX_WAITING)
        self._in_hand: set[str] = set()

    async def run(self) -> None:
        """Renew the lease and rescue calls, for ever; the worker starts this once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_for_ever())
            group.create_task(self._judge_for_ever())
            for _ in range(RESCUERS):
                group.create_task(self._rescue_for_ever())

    async def stop(self) -> None:
        """The worker stops in good order, `run` being over: nobody need wait for its lease."""
        with suppress(StoreUnavailable):
            await self._leases.renew(self._worker, self._info(), self._calls.held())
            await self._leases.leave(self._worker)

    # Alive

    async def _renew_for_ever(self) -> None:
        while True:
            began_s = self._clock()
            wait_s = await self.renew()
            await asyncio.sleep(began_s + wait_s - self._clock())

    async def renew(self) -> float:
        """Renew the lease, once; gives in how many seconds the next renewal is due."""
        held = self._calls.held()
        try:
            renewal = await self._leases.renew(self._worker, self._info(), held)
        except StoreUnavailable:
            self._unbroken_since_s = None
            return RETRY_S
        for sid in renewal.superseded:
            self._calls.superseded(sid, held[sid])
        if not self._may_judge(renewal):
            return RENEW_S
        for worker in renewal.dead.keys() - self._dead.keys():
            log.warning("worker is dead", dead=worker, silent_ms=renewal.dead[worker])
            self._metrics.workers_lost.inc()
        self._dead = renewal.dead
        if self._dead:
            self._judgement.set()
        due_s = RENEW_S if renewal.due_ms is None else renewal.due_ms / 1000
        return min(RENEW_S, due_s)

    def _may_judge(self, renewal: Renewal) -> bool:
        """Whether somebody's silence now is more than an outage's."""
        now_s = self._clock()
        gap_ms = renewal.lapsed_ms
        if self._unbroken_since_s is None or gap_ms is None or gap_ms > BREAK_MS:
            self._unbroken_since_s = now_s
            if gap_ms is not None and gap_ms > BREAK_MS:
                log.warning("lease was not renewed in time", gap_ms=gap_ms)
        return now_s - self._unbroken_since_s >= JUDGE_AFTER_S

    # Rescue

    async def _judge_for_ever(self) -> None:
        while True:
            await self._judgement.wait()
            self._judgement.clear()
            with suppress(StoreUnavailable):  # they are as dead a second later
                for worker, silent_ms in self._dead.items():
                    await self._judge(worker, silent_ms)

    async def _judge(self, worker: str, silent_ms: int) -> None:
        """Have the calls of a dead worker seen to, and forget it when there are none."""
        held = await self._leases.held_by(worker)
        if not held:
            await self._leases.forget_worker(worker)
        if self._rest is None and silent_ms < GIVE_UP_MS:
            return
        # Those who wait for Twilio after those who wait for us.
        for call in sorted(held, key=lambda call: call.rescued):
            if call.sid not in self._in_hand and not self._waiting.full():
                self._in_hand.add(call.sid)
                self._waiting.put_nowait((call, silent_ms))

    async def _rescue_for_ever(self) -> None:
        while True:
            call, silent_ms = await self._waiting.get()
            try:
                await self._rescue(call, silent_ms)
            except Exception as error:
                # One call's fault must not keep the others from being rescued. Redis's, and what
                # takes too long, needs no traceback.
                known = isinstance(error, StoreUnavailable | TimeoutError)
                log.error(
                    "dead worker's call could not be seen to", call_sid=call.sid,
                    error=type(error).__name__, exc_info=None if known else error,
                )  # fmt: skip
                self._count("failed")
            finally:
                self._in_hand.discard(call.sid)

    async def _rescue(self, call: Held, silent_ms: int) -> None:
        """See to a call, if nobody else does; what fails is tried again a second later."""
        if not await self._leases.claim_rescue(call.sid, call.generation, self._worker):
            return
        if self._rest is None or call.rescued:
            await self._end(call)
            return
        try:
            await self._rest.redirect(call.sid, self._next_url, deadline_s=REDIRECT_DEADLINE_S)
        except CallGone:
            await self._end(call)
        except RestError as error:
            self._count("failed")
            log.warning("call not rescued yet", call_sid=call.sid, error=str(error))
            later = isinstance(error, RestUnavailable | RestBusy)
            if not later and silent_ms >= GIVE_UP_MS:
                await self._end(call)
        else:
            self._count("rescued")
            log.warning("call of a dead worker rescued", call_sid=call.sid)
            await self._confirm(call)

    async def _confirm(self, call: Held) -> None:
        """Keep the call from being sent for twice, as long as the claim does."""
        async with asyncio.timeout(CLAIM_S):
            while True:
                try:
                    await self._leases.rescued(call.sid, call.generation)
                except StoreUnavailable:
                    await asyncio.sleep(RETRY_S)
                else:
                    return

    async def _end(self, call: Held) -> None:
        async with asyncio.timeout(END_DEADLINE_S):
            await self._calls.end(call.sid, LOST, call.generation)
        self._count("ended")
        log.warning("call of a dead worker has ended", call_sid=call.sid)

    def _count(self, outcome: str) -> None:
        self._metrics.rescues.labels(outcome).inc()
