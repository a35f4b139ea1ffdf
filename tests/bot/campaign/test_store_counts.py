"""Whatever is done in whatever order, the store's numbers are those of what it keeps."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from redis.asyncio import Redis

from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Outcome, Plan

from .campaigns import NO_LIMITS, Clock, ids, number, people, plan, running

OUTCOMES: tuple[Outcome, ...] = ("answered", "busy", "no_answer", "failed", "callback")
STATUSES = ("", "queued", "ringing", "in-progress", "completed", "busy", "failed")
PEOPLE = 12
EVERYBODY = [number(index) for index in range(PEOPLE)]
STEPS = 240


class Chaos:
    """Does to a store what dialers, webhooks and sweepers do, in random order, often again."""

    def __init__(self, store: CampaignStore, clock: Clock, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = store
        self.clock = clock
        self.campaigns: list[Campaign] = []
        self.known: list[str] = []  # ids of attempts, and of some that were never claimed
        self.done: dict[tuple[str, str], Outcome | None] = {}

    async def step(self) -> None:
        """One thing is done."""
        deeds = (self.claim, self.claim, self.note, self.note, self.settle, self.settle)
        others = (self.doubt, self.void, self.void, self.finish, self.plan_anew, self.refuse)
        await self.random.choice(deeds + others)()
        self.clock.pass_ms(self.random.choice((0, 1, 1000, 70_000)))

    async def check_done(self) -> None:
        """Who is done stays so, whatever is heard of their calls later."""
        for campaign in self.campaigns:
            for contact in await self.store.contacts_of(campaign.id, EVERYBODY):
                assert contact is not None
                if contact.state == "done":
                    who = (campaign.id, contact.number)
                    assert self.done.setdefault(who, contact.outcome) == contact.outcome
                else:
                    assert (campaign.id, contact.number) not in self.done

    def plan(self) -> Plan | None:
        """The next moment of a contact; seldom there is none."""
        if self.random.random() < 0.1:
            return None
        return plan(self.clock() + self.random.randrange(5000), self.random.choice((10, 10**7)))

    async def attempt(self) -> Attempt | None:
        """An attempt that was claimed, if one was."""
        return await self.store.attempt(self.random.choice(self.known)) if self.known else None

    async def claim(self) -> None:
        names = ids(2) if self.random.random() < 0.9 or not self.known else self.known[-2:]
        self.known += names
        campaign = self.random.choice(self.campaigns)
        claims = await self.store.claim(campaign.id, names, NO_LIMITS)
        for contact in claims.stale:
            await self.store.replan(campaign.id, contact, self.plan())

    async def note(self) -> None:
        if attempt := await self.attempt():
            sid = attempt.id if self.random.random() < 0.9 else "another"
            status = self.random.choice(STATUSES)
            await self.store.note(attempt.id, sid=sid, status=status, duration_s=3)

    async def settle(self) -> None:
        if attempt := await self.attempt():
            outcome = self.random.choice(OUTCOMES)
            await self.store.settle(attempt.id, outcome, self.plan(), usd=0.5)

    async def doubt(self) -> None:
        if attempt := await self.attempt():
            await self.store.lost_answer(attempt.id, attempt.token)
            await self.store.empty_list(attempt.id, attempt.token, self.clock())

    async def void(self) -> None:
        if attempt := await self.attempt():
            await self.store.void(attempt.id, attempt.token, self.plan())

    async def finish(self) -> None:
        who, where = number(self.random.randrange(PEOPLE)), self.random.choice(self.campaigns)
        if self.random.random() < 0.1:
            await self.store.finish_contact(where.id, who, "called_back")

    async def plan_anew(self) -> None:
        who, where = number(self.random.randrange(PEOPLE)), self.random.choice(self.campaigns)
        if contact := await self.store.contact(where.id, who):
            await self.store.replan(where.id, contact, self.plan())

    async def refuse(self) -> None:
        who = number(self.random.randrange(PEOPLE))
        if self.random.random() < 0.1:
            await self.store.do_not_call(who, "chance")
        else:
            await self.store.allow(who)


async def check(store: CampaignStore, redis: Redis, prefix: str, campaign: Campaign) -> set[str]:
    """That a campaign's numbers and indexes are those of its contacts and attempts; who is live."""
    contacts = [contact async for contact in store.contacts(campaign.id)]
    attempts = [attempt async for attempt in store.attempts(campaign.id)]
    counted = [attempt for attempt in attempts if attempt.state != "void"]
    settled = [attempt for attempt in attempts if attempt.state == "settled"]
    live = {contact.attempt for contact in contacts if contact.state == "live"}
    states = Counter(contact.state for contact in contacts)
    outcomes = Counter(attempt.outcome for attempt in settled)
    done_ones = [contact for contact in contacts if contact.state == "done"]
    progress = await store.progress(campaign.id)
    assert progress.contacts == len(contacts)
    numbers = (progress.waiting, progress.live, progress.done)
    assert numbers == (states["waiting"], states["live"], states["done"])
    assert progress.attempts == len(counted) == sum(contact.attempts for contact in contacts)
    assert progress.done_attempts == sum(contact.attempts for contact in done_ones)
    assert progress.outcomes == outcomes
    assert progress.contact_outcomes == Counter(contact.outcome for contact in done_ones)
    assert progress.usd == len(settled) * 0.5
    assert progress.talked_s == sum(attempt.duration_s or 0 for attempt in settled)
    waiting = {contact.number for contact in contacts if contact.state == "waiting"}
    queues = [f"{prefix}campaign:{campaign.id}:{part}" for part in ("due", "asked")]
    queued = [number for queue in queues for number in await redis.zrange(queue, 0, -1)]
    assert sorted(queued) == sorted(waiting)
    open_ones = {attempt.id for attempt in counted if attempt.state != "settled"}
    assert {attempt.id for attempt in await store.live(campaign.id)} == open_ones
    done = {contact.number for contact in contacts if contact.state == "done"}
    # Calls that were given up and turned up when their contacts were done.
    assert {attempt.number for attempt in counted if attempt.id in open_ones - live} <= done
    assert live <= open_ones
    for contact in contacts:
        assert (contact.plan is not None) == (contact.state == "waiting")
    return open_ones


@pytest.mark.parametrize("seed", range(2))
async def test_the_numbers_are_right_after_any_interleaving(
    campaigns: CampaignStore, clock: Clock, redis: Redis, redis_prefix: str, seed: int
) -> None:
    chaos = Chaos(campaigns, clock, seed)
    for _ in range(2):
        chaos.campaigns.append(await running(campaigns, people(PEOPLE), breaker=1000))
    for step in range(STEPS):
        await chaos.step()
        if step % 5 == 0:
            await chaos.check_done()
        if step % 30:
            continue
        live: set[str] = set()
        for campaign in chaos.campaigns:
            live |= await check(campaigns, redis, redis_prefix, campaign)
        assert set(await redis.smembers(f"{redis_prefix}dial:live")) == live
        assert set(await redis.zrange(f"{redis_prefix}dial:watch", 0, -1)) == live
        locks = (await redis.hgetall(f"{redis_prefix}dial:numbers")).values()
        assert {name for held in locks for name in held.split()} == live
    states = [attempt.state for name in chaos.known if (attempt := await campaigns.attempt(name))]
    assert {"settled", "void"} <= set(states), "the chaos has done too little"
