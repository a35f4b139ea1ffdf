"""What follows for a campaign when one of its calls, or a call back to it, has ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from bot.record import Record
from bot.redis_link import StoreUnavailable

from .outcome import was_talked_to
from .phone import number_of
from .planning import replan
from .settling import Settling
from .store import CampaignStore

__all__ = ["Endings"]

log = structlog.get_logger(__name__)

AGAIN_S = 1.0
MAX_KEPT = 1_000


class Endings:
    """Tells campaigns of the ends of calls. What Redis does not take is kept and told again: of
    call-backs nobody else knows, and what a worker alone knows of a call changes what others made
    of it meanwhile.

    Args:
        store: the campaigns'.
        settling: decides about attempts.
        again_s: how long after a failure.
    """

    def __init__(self, store: CampaignStore, settling: Settling, again_s: float = AGAIN_S) -> None:
        self._store = store
        self._settling = settling
        self._again_s = again_s
        # By SID: the record, and when it was closed, in seconds on the loop's clock.
        self._kept: dict[str, tuple[Record, float]] = {}
        self._more = asyncio.Event()

    @property
    def kept(self) -> int:
        """Of how many calls no campaign has been told yet."""
        return len(self._kept)

    async def ended(self, record: Record) -> None:
        """A call's record has been closed. Never raises."""
        if record.attempt is None:
            return
        is_called_back = record.campaign is not None and _says_all(record)
        if record.direction == "outbound" or is_called_back:
            await self._tell(record, asyncio.get_running_loop().time())

    async def settle(self, attempt_id: str) -> None:
        """The call of an attempt is over, as far as is known here. Never raises."""
        try:
            await self._settling.settle(attempt_id)
        except StoreUnavailable:
            log.warning("attempt not settled yet", attempt=attempt_id)
        except Exception as error:
            _log_fault(attempt_id, error)

    async def run(self) -> None:
        """Tell again what is kept, for as long as the worker runs."""
        while True:
            await self._more.wait()
            await asyncio.sleep(self._again_s)
            await self.flush()

    async def flush(self) -> bool:
        """Tell all that is kept, as long as Redis answers; whether nothing is left."""
        self._more.clear()
        for record, closed_s in list(self._kept.values()):
            if not await self._tell(record, closed_s):
                return False
            log.info("campaign knows of the call's end now", attempt=record.attempt)
        return not self._kept

    async def conclude(self) -> None:
        """The worker stops: try all once more."""
        if not await self.flush():
            log.error("ends of campaigns' calls are lost: Redis was away", calls=self.kept)

    async def _tell(self, record: Record, closed_s: float) -> bool:
        """Tell of a call's end; false when it is kept for later."""
        again = record.sid in self._kept
        if not again and len(self._kept) >= MAX_KEPT:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            log.error("end of a campaign's call lost: too many wait for Redis", call_sid=oldest)
        # Before it is told: whoever tells it may be cancelled.
        self._kept[record.sid] = (record, closed_s)
        try:
            await self._say(_as_of_now(record, closed_s))
        except asyncio.CancelledError:
            self._more.set()
            raise
        except StoreUnavailable:
            self._more.set()
            if not again:
                log.warning("attempt not settled yet", attempt=record.attempt)
            return False
        except Exception as error:
            # A fault of ours: the call's end is to go on all the same.
            _log_fault(record.attempt, error)
        self._kept.pop(record.sid, None)
        return True

    async def _say(self, record: Record) -> None:
        assert record.attempt is not None
        if record.direction == "inbound":
            await self._called_back(record)
        elif not (
            await self._settling.settle(record.attempt, record=record)
            or await self._store.call_closed(record.attempt, record.sid)
        ):
            await self._settling.correct(record.attempt, record)

    async def _called_back(self, record: Record) -> None:
        """Somebody who was to be called has called: they need not be called any more."""
        campaign_id = record.campaign
        assert campaign_id is not None
        number = number_of(record.from_number) or record.from_number
        if record.do_not_call:
            await self._store.finish_contact(campaign_id, number, "do_not_call")
            return
        if record.call_back_s is None:
            await self._store.finish_contact(campaign_id, number, "called_back")
            return
        campaign = await self._store.campaign(campaign_id)
        contact = await self._store.contact(campaign_id, number)
        if campaign is None or contact is None:
            return
        due_ms = await self._store.now_ms() + record.call_back_s * 1000
        await self._store.call_back(campaign_id, number, replan(campaign.spec, contact, due_ms))


def _as_of_now(record: Record, closed_s: float) -> Record:
    """The record, with the time until the call that its person asked for as it is now."""
    if record.call_back_s is None:
        return record
    waited_s = round(asyncio.get_running_loop().time() - closed_s)
    return replace(record, call_back_s=max(0, record.call_back_s - waited_s))


def _says_all(record: Record) -> bool:
    """Whether somebody who called back need not be called, or said when."""
    if record.do_not_call or record.call_back_s is not None or was_talked_to(record):
        return True
    failed = record.ended is not None and record.ended.by == "error"
    return record.turns > 0 and not failed


def _log_fault(attempt_id: str | None, error: Exception) -> None:
    log.error("attempt cannot be settled", attempt=attempt_id, exc_info=error)
