"""A run of the rules' proof: dialers that claim, calls that end, and time that passes."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.campaign.planning import first_plan, next_plan, plan_after, replan
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Blocked, Campaign, Limits, NewContact, Plan

from .campaigns import Clock
from .rules_judge import Book, Judge, Ledger
from .rules_world import (
    ACCOUNT_MOST,
    ACCOUNT_PER_SECOND,
    INBOUND_ROOM,
    PLACES,
    START_MS,
    Fate,
    Plans,
    fate,
    people,
)

__all__ = ["Run"]

LIMITS = Limits(ACCOUNT_PER_SECOND, ACCOUNT_MOST, INBOUND_ROOM, lease_ms=10_000)
OF_ALL: frozenset[Blocked] = frozenset({"account_rate", "account_concurrency", "inbound"})
KNOWN_MS = 600_000
"""A dialer asks so seldom which campaigns run."""
VOID_S = 30
NEVER_MS = 10**15
BLOCKED_MS = 500
LATE_MS = 600_000
"""Whom nobody wakes comes by itself, some time after somebody is due."""
PAUSES_MS = (600_000, 600_000, 43_200_000, 600_000, 600_000, 43_200_000)
"""For how long one campaign after the other is paused; the long ones outlast many plans."""
PAUSED_EVERY_MS = 5_400_000

Step = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Dialer:
    """One of the dialers.

    Attributes:
        running: the campaigns that it knows of, since `asked_ms`.
        ask_ms: when it may be worth while to claim for a campaign.
        asleep_ms: until when it is for none.
    """

    store: CampaignStore
    running: list[Campaign] = field(default_factory=list)
    asked_ms: int = 0
    ask_ms: dict[str, int] = field(default_factory=dict)
    asleep_ms: int = 0


class Run:
    """Runs the world on one Redis.

    Args:
        clock: is set to the next moment at which something happens.
    """

    def __init__(self, stores: list[CampaignStore], clock: Clock, seed: int) -> None:
        self.dialers = [Dialer(store) for store in stores]
        self.store = stores[0]
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.judge: Judge
        self._seed = seed
        self._dice = random.Random(seed)
        self._openings: set[int] = set()
        self._order = itertools.count()
        # Calls end first; then dialers have their turn, all at the same moment.
        self._steps: list[tuple[int, int, int, Step]] = []

    async def create(self, contacts: int) -> None:
        """Make the campaigns, with their contacts, and start them."""
        ledgers: dict[str, Ledger] = {}
        seen: dict[str, list[Book]] = {}
        for plans, numbers in people(contacts):
            campaign = await self.store.create(plans.spec)
            ledgers[campaign.id] = ledger = await self._add(campaign, plans, numbers)
            for number, book in ledger.contacts.items():
                seen.setdefault(number, []).append(book)
            await self.store.change(campaign.id, "running", allowed=["draft"])
            ledger.since_ms = self.clock.now_ms
        for books in seen.values():
            for book in books:
                book.shared = len(books) > 1
        self.judge = Judge(ledgers, ACCOUNT_PER_SECOND, ACCOUNT_MOST, PLACES)
        self.counts["numbers of two campaigns"] = sum(len(books) > 1 for books in seen.values())

    async def _add(
        self, campaign: Campaign, plans: Plans, numbers: list[tuple[str, tuple[str, ...]]]
    ) -> Ledger:
        books: dict[str, Book] = {}
        batch = []
        for number, zones in numbers:
            plan = first_plan(plans.spec, zones, self.clock.now_ms)
            assert plan is not None
            books[number] = Book(zones, plan)
            self._openings.add(plan.due_ms)
            batch.append((NewContact(number, zones), plan))
        for first in range(0, len(batch), 1000):
            await self.store.add(campaign.id, batch[first : first + 1000])
        self.counts["contacts"] += len(batch)
        return Ledger(plans.spec, plans.holidays, books)

    async def run(self, tell: Callable[[str], None]) -> None:
        """Let time pass until nothing is left to be done."""
        for at_ms in self._openings:
            self._at(at_ms, 0, self._open)
        pauses = zip(itertools.cycle(self.judge.ledgers), PAUSES_MS, strict=False)
        for index, (campaign, pause_ms) in enumerate(pauses, 1):
            pause = partial(self._pause, campaign, pause_ms)
            self._at(START_MS + index * PAUSED_EVERY_MS, 0, pause)
        while self._steps:
            at_ms, kind, *_ = self._steps[0]
            self.clock.now_ms = at_ms
            steps: list[Step] = []
            while self._steps and self._steps[0][:2] == (at_ms, kind):
                steps.append(heapq.heappop(self._steps)[3])
            await asyncio.gather(*(step() for step in steps))
            self.counts["moments"] += 1
            if kind == 1:
                self.judge.instant(at_ms)
            if self.counts["moments"] % 1000 == 0:
                tell(f"{self.counts['calls']} calls, {(at_ms - START_MS) / 3_600_000:.1f} hours")

    def _at(self, at_ms: int, kind: int, step: Step) -> None:
        heapq.heappush(self._steps, (at_ms, kind, next(self._order), step))

    # A dialer's turn

    async def _open(self) -> None:
        """The first contacts are due."""
        for dialer in self.dialers:
            self._wake(dialer, self.clock.now_ms)

    def _wake(self, dialer: Dialer, at_ms: int) -> None:
        self._at(at_ms, 1, partial(self._dial, dialer))

    def _planned(self, campaign: str, plan: Plan | None) -> None:
        """Somebody will be due: all dialers may know it, and some of them come then."""
        if plan is None:
            return
        for dialer in self.dialers:
            dialer.ask_ms[campaign] = min(dialer.ask_ms.get(campaign, 0), plan.due_ms)
        for dialer in self._dice.sample(self.dialers, self._dice.choice((1, 1, len(self.dialers)))):
            self._wake(dialer, max(plan.due_ms, self.clock.now_ms + 1))

    async def _dial(self, dialer: Dialer) -> None:
        """Claim for every campaign in turn, and come again when that may give something."""
        now_ms = self.clock.now_ms
        if now_ms < dialer.asleep_ms:
            return
        if now_ms - dialer.asked_ms >= KNOWN_MS:
            dialer.running, dialer.asked_ms = await dialer.store.running(), now_ms
        for campaign in dialer.running:
            if dialer.ask_ms.get(campaign.id, 0) > now_ms:
                continue
            dialer.ask_ms[campaign.id] = NEVER_MS
            blocked, wait_ms = await self._claim(dialer, campaign)
            # Not all come at the same moment, but some do.
            late_ms = self._dice.randrange(LATE_MS if blocked == "nothing_due" else 4)
            if blocked in OF_ALL:
                dialer.asleep_ms = now_ms + (wait_ms or BLOCKED_MS) + late_ms
                dialer.ask_ms[campaign.id] = 0
                self._wake(dialer, dialer.asleep_ms)
                break
            if wait_ms is not None or blocked == "concurrency":
                again_ms = now_ms + (wait_ms or BLOCKED_MS)
                dialer.ask_ms[campaign.id] = min(again_ms, dialer.ask_ms[campaign.id])
                self._wake(dialer, again_ms + late_ms)

    async def _claim(self, dialer: Dialer, campaign: Campaign) -> tuple[Blocked, int | None]:
        """Claim until something is in the way: what, and for how long."""
        while True:
            ids = [secrets.token_hex(10) for _ in range(4)]
            claims = await dialer.store.claim(campaign.id, ids, LIMITS)
            for attempt in claims.attempts:
                self._call(dialer, attempt)
            for contact in claims.stale:
                plan = replan(campaign.spec, contact, self.clock.now_ms)
                if await dialer.store.replan(campaign.id, contact, plan):
                    self.counts["plans made anew"] += 1
                    self.judge.replanned(campaign.id, contact.number, plan, self.clock.now_ms)
                    self._planned(campaign.id, plan)
            if claims.blocked:
                self.counts[f"blocked: {claims.blocked}"] += 1
                return claims.blocked, claims.wait_ms

    def _call(self, dialer: Dialer, attempt: Attempt) -> None:
        now_ms = self.clock.now_ms
        self.judge.claimed(attempt, now_ms)
        self.counts["calls"] += 1
        name = self.judge.ledgers[attempt.campaign].spec.name
        due = fate(self._seed, name, attempt.number, now_ms)
        self._at(now_ms + due.after_ms, 0, partial(self._end, dialer.store, attempt, due))

    # A call's end

    async def _end(self, store: CampaignStore, attempt: Attempt, due: Fate) -> None:
        now_ms, ledger = self.clock.now_ms, self.judge.ledgers[attempt.campaign]
        contact = await store.contact(attempt.campaign, attempt.number)
        assert contact is not None
        if due.outcome is None:
            plan = plan_after(ledger.spec, contact, VOID_S, now_ms)
            await store.void(attempt.id, attempt.token, plan)
            self.judge.void(attempt, plan, now_ms + VOID_S * 1000)
            self._freed(attempt.campaign, plan)
            self.counts["calls that were not placed"] += 1
            return
        await store.note(attempt.id, sid=f"CA{attempt.id}", status="completed")
        if due.outcome == "do_not_call":
            await store.do_not_call(attempt.number, "voice")
        jitter, back_s = self._dice.random(), due.back_s
        plan = next_plan(
            ledger.spec, contact, due.outcome, now_ms, jitter=jitter, call_back_s=back_s
        )
        await store.settle(attempt.id, due.outcome, plan)
        self.judge.ended(attempt, due.outcome, plan, now_ms, back_s)
        self._freed(attempt.campaign, plan)
        self.outcomes[due.outcome] += 1

    def _freed(self, campaign: str, plan: Plan | None) -> None:
        """There is a place for another call."""
        for dialer in self.dialers:
            dialer.ask_ms[campaign] = min(dialer.ask_ms.get(campaign, 0), self.clock.now_ms)
        self._planned(campaign, plan)

    async def _pause(self, campaign: str, for_ms: int) -> None:
        """Nobody is dialled from now on, for a while."""
        await self.store.change(campaign, "paused", allowed=["running"])
        self.judge.ledgers[campaign].since_ms = None
        self.counts["pauses"] += 1
        self._at(self.clock.now_ms + for_ms, 0, partial(self._resume, campaign))

    async def _resume(self, campaign: str) -> None:
        await self.store.change(campaign, "running", allowed=["paused"])
        self.judge.ledgers[campaign].since_ms = self.clock.now_ms
        for dialer in self.dialers:
            dialer.ask_ms.pop(campaign, None)
            dialer.asked_ms = 0
            self._wake(dialer, self.clock.now_ms + self._dice.randrange(1, 4000))

    # The end

    async def finish(self) -> None:
        """Hold the store against the judge's books: everybody is done, as often called as known."""
        for campaign, ledger in self.judge.ledgers.items():
            progress = await self.store.progress(campaign)
            attempts = sum(book.attempts for book in ledger.contacts.values())
            self.judge.check(progress.attempts == attempts, "attempts counted", campaign)
            self.judge.check(progress.live == 0, "nobody is left live", campaign)
            over = ledger.spec.ends_at is not None
            async for contact in self.store.contacts(campaign):
                book = ledger.contacts[contact.number]
                right = contact.attempts == book.attempts and not book.live
                self.judge.check(right, "calls of a contact", contact)
                done = contact.state == "done" or (over and contact.state == "waiting")
                self.judge.check(done, "nobody is left waiting", contact)
