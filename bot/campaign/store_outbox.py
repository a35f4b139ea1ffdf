"""The do-not-call list, and the events that wait for their campaigns' owners."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from .outbox_scripts import DELIVERED, NEXT_EVENTS, REFUSE, UNDELIVERED
from .store_part import StorePart

__all__ = ["OutboxPart", "RefusedPart"]


class RefusedPart(StorePart):
    """Numbers that are never called, for `bot.campaign.store.CampaignStore`."""

    async def do_not_call(self, number: str, source: str) -> bool:
        """Put a number on the list (who or what asked for it in `source`); false if it is on it.
        Pushes `contact.do_not_call` in the campaign that has the contact live, whose call is
        `unwanted` then and looked at now, if nobody has answered it yet."""
        return bool(await self._scripts.run(REFUSE, {"number": number, "source": source}))

    async def allow(self, number: str) -> bool:
        """Take a number off the list; false when it is not on it."""
        name = self._keys.do_not_call
        return bool(await self._link.ask(lambda redis: redis.hdel(name, number)))

    async def refused(self) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """The list: numbers, with `source` and `at_ms`; one may be given twice while it grows."""
        async for page in self._hash_pages(self._keys.do_not_call):
            for number, kept in page.items():
                yield number.decode(), orjson.loads(kept)


class OutboxPart(StorePart):
    """Events, for `bot.campaign.store.CampaignStore`."""

    async def next_events(
        self, count: int, lease_ms: int
    ) -> list[tuple[str, str, list[dict[str, Any]]]]:
        """Of up to `count` contacts whose events are due: campaign, number (empty for the
        campaign's own events) and the first hundred events in their order; leased to whoever asked
        until `lease_ms` have passed."""
        found = await self._scripts.run(NEXT_EVENTS, {"count": count, "lease_ms": lease_ms})
        return [
            (campaign.decode(), number.decode(), [orjson.loads(event) for event in events])
            for campaign, number, events in found
        ]

    async def delivered(self, campaign: str, number: str, event: str) -> None:
        """The contact's first event, of that id, was taken. The others stay leased."""
        asked = {"campaign": campaign, "number": number, "event": event}
        await self._scripts.run(DELIVERED, asked)

    async def undelivered(self, campaign: str, number: str, again_ms: int) -> None:
        """It was not; it is tried again at `again_ms` (since the epoch), before those behind it."""
        asked = {"campaign": campaign, "number": number, "again_ms": again_ms}
        await self._scripts.run(UNDELIVERED, asked)
