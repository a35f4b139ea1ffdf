"""Contacts in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from bot.redis_link import StoreError

from .campaign_scripts import ADD, CALL_BACK, FINISH, REPLAN
from .keys import SHARDS, shard
from .packing import pack, read_contact
from .store_part import StorePart, plan_asked
from .types import AddResult, Contact, NewContact, NoConsent, Outcome, Plan

__all__ = ["ContactsPart", "NotOpen"]


class NotOpen(StoreError):
    """The campaign is over, or unknown: it takes no more contacts."""


class ContactsPart(StorePart):
    """Contacts, for `bot.campaign.store.CampaignStore`."""

    async def add(
        self, campaign: str, contacts: Sequence[tuple[NewContact, Plan] | NoConsent]
    ) -> list[AddResult]:
        """Add up to 1000 contacts in one round trip; what each became. What is a duplicate, or on
        the do-not-call list, is not added. Who does not consent and is there already is done at
        once, or if they are live when their attempt is over.

        Raises:
            NotOpen: the campaign is over, or unknown.
        """
        packed: list[str | bytes] = []
        for given in contacts:
            if isinstance(given, NoConsent):
                packed += [given.number, "", ""]
            else:
                contact, plan = given
                packed += [contact.number, str(plan.due_ms), pack(contact, plan)]
        results = await self._scripts.run(ADD, {"campaign": campaign}, *packed)
        if results == 0:
            raise NotOpen(f"campaign {campaign} is over, or unknown")
        return [cast(AddResult, result.decode()) for result in results]

    async def contact(self, campaign: str, number: str) -> Contact | None:
        """The contact of that number."""
        name = self._keys.contacts(campaign, shard(number))
        held = await self._link.ask(lambda redis: redis.hget(name, number))
        return None if held is None else read_contact(number, held)

    async def contacts_of(self, campaign: str, numbers: Sequence[str]) -> list[Contact | None]:
        """The contacts of some numbers in one step, in their order."""

        async def ask(redis: Redis) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                for number in numbers:
                    pipe.hget(self._keys.contacts(campaign, shard(number)), number)
                return await pipe.execute()

        found = zip(numbers, await self._link.ask(ask) if numbers else [], strict=True)
        return [None if held is None else read_contact(number, held) for number, held in found]

    async def contacts(self, campaign: str) -> AsyncIterator[Contact]:
        """All of them, in no order, in batches. Who is there all the while is given once."""
        for part in SHARDS:
            given: set[bytes] = set()
            async for page in self._hash_pages(self._keys.contacts(campaign, part)):
                for number in page.keys() - given:
                    yield read_contact(number.decode(), page[number])
                given |= page.keys()

    async def replan(self, campaign: str, contact: Contact, plan: Plan | None) -> bool:
        """Give a waiting contact another plan, if its plan is still what `contact` says; with None
        it has expired."""
        (done,) = await self.replan_many(campaign, [(contact, plan)])
        return done

    async def replan_many(
        self, campaign: str, plans: Sequence[tuple[Contact, Plan | None]]
    ) -> list[bool]:
        """As `replan`, for up to 100 contacts in one round trip; for each whether it was done."""
        contacts = [_replanned(contact, plan) for contact, plan in plans]
        asked = {"campaign": campaign, "contacts": contacts}
        return [bool(done) for done in await self._scripts.run(REPLAN, asked)]

    async def call_back(self, campaign: str, number: str, plan: Plan | None) -> bool:
        """A contact has called us and asked for a call then: they come before all who are due. At
        once, or if it is live when its attempt is over, unless that decides more. With None there
        is no moment for it, and they have expired. False when they are done."""
        asked = {"campaign": campaign, "number": number, "plan": plan_asked(plan)}
        return bool(await self._scripts.run(CALL_BACK, asked))

    async def finish_contact(self, campaign: str, number: str, outcome: Outcome) -> bool:
        """A contact is done (they called us, say): at once, or if it is live when its attempt is
        over, unless that decides more; false when it is done."""
        asked = {"campaign": campaign, "number": number, "outcome": outcome}
        return bool(await self._scripts.run(FINISH, asked))


def _replanned(contact: Contact, plan: Plan | None) -> dict[str, Any]:
    """A contact's plan as it was seen, and as it is to be."""
    was = contact.plan
    seen = "" if was is None else f"{was.due_ms}|{was.until_ms}|{was.day}"
    asked: dict[str, Any] = {"number": contact.number, "was": seen}
    return asked if plan is None else asked | {"plan": plan_asked(plan)}
