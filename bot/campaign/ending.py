"""What follows for a campaign when one of its calls, or a call back to it, has ended."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import structlog

from bot.record import Record
from bot.redis_link import StoreUnavailable

from .outcome import was_talked_to
from .planning import replan
from .settling import Settling
from .store import CampaignStore

__all__ = ["Endings"]

log = structlog.get_logger(__name__)


class Endings:
    """Tells campaigns of the ends of calls. What cannot be told now, the sweeper tells later.

    Args:
        store: the campaigns'.
        settling: decides about attempts.
    """

    def __init__(self, store: CampaignStore, settling: Settling) -> None:
        self._store = store
        self._settling = settling

    async def ended(self, record: Record) -> None:
        """A call's record has been closed. Never raises."""
        if record.attempt is None:
            return
        if record.direction == "outbound":
            await self._guarded(record.attempt, self._over(record.attempt, record))
        elif record.campaign is not None and _says_all(record):
            await self._guarded(record.attempt, self._called_back(record.campaign, record))

    async def settle(self, attempt_id: str) -> None:
        """The call of an attempt is over, as far as is known here. Never raises."""
        await self._guarded(attempt_id, self._settling.settle(attempt_id))

    async def _over(self, attempt_id: str, record: Record) -> bool:
        if await self._settling.settle(attempt_id, record=record):
            return True
        return await self._store.call_closed(attempt_id, record.sid)

    async def _called_back(self, campaign_id: str, record: Record) -> bool:
        """Somebody who was to be called has called: they need not be called any more."""
        number = record.from_number
        if record.do_not_call:
            return await self._store.finish_contact(campaign_id, number, "do_not_call")
        if record.call_back_s is None:
            return await self._store.finish_contact(campaign_id, number, "called_back")
        campaign = await self._store.campaign(campaign_id)
        contact = await self._store.contact(campaign_id, number)
        if campaign is None or contact is None:
            return False
        due_ms = await self._store.now_ms() + record.call_back_s * 1000
        plan = replan(campaign.spec, contact, due_ms)
        return await self._store.call_back(campaign_id, number, plan)

    async def _guarded(self, attempt_id: str, work: Coroutine[Any, Any, bool]) -> None:
        try:
            await work
        except StoreUnavailable:
            log.warning("attempt not settled yet", attempt=attempt_id)
        except Exception as error:
            # A fault of ours: the call's end is to go on all the same.
            log.error("attempt cannot be settled", attempt=attempt_id, exc_info=error)


def _says_all(record: Record) -> bool:
    """Whether somebody who called back need not be called, or said when."""
    if record.do_not_call or record.call_back_s is not None or was_talked_to(record):
        return True
    failed = record.ended is not None and record.ended.by == "error"
    return record.turns > 0 and not failed
