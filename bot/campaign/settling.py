"""Settling attempts: what became of them, and when their contacts are called again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import structlog

from bot.record import Record
from bot.store import Store

from .outcome import cost_usd, decide_outcome
from .planning import next_plan, plan_after, replan
from .spec import RETRIED, CampaignSpec
from .store import CampaignStore
from .types import Attempt, Campaign, Contact

__all__ = ["Settling"]

_AGAIN = frozenset(RETRIED) - {"callback"}
"""What a contact is called again after whom we did not reach."""

log = structlog.get_logger(__name__)


class Settling:
    """Decides about attempts whose calls are over, each once, whoever asks for it and how often.

    Args:
        campaigns: where attempts are kept.
        calls: where the records of their calls are.
        jitter: from 0 to 1, random: spreads what is called again.

    Attributes:
        calls: as given.
    """

    def __init__(
        self,
        campaigns: CampaignStore,
        calls: Store,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._campaigns = campaigns
        self.calls = calls
        self._jitter = jitter

    async def settle(
        self, attempt_id: str, *, late: bool = False, record: Record | None = None
    ) -> bool:
        """Settle an attempt if Twilio has said how its call ended; whether this did it.

        Not as long as the call's record is open: whoever has it says when it is complete.

        Args:
            late: nobody is to be waited for any more.
            record: of the call, closed, from who has just closed it; else it is looked up.

        Raises:
            StoreUnavailable: Redis does not answer; whoever sweeps asks again.
        """
        attempt = await self._campaigns.attempt(attempt_id)
        if attempt is None or attempt.state != "ended":
            return False
        if record is None or record.sid != attempt.sid:
            record = await self.calls.load(attempt.sid)
        if not late and _is_open(attempt, record):
            return False
        return await self._decide(attempt, record)

    async def correct(self, attempt_id: str, record: Record) -> bool:
        """An attempt was settled perhaps without what only the call's worker knew: if its contact
        is to be called again for that, what its record says counts; whether it did.

        Args:
            record: of the call, closed.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        attempt = await self._campaigns.attempt(attempt_id)
        if attempt is None or attempt.state != "settled" or attempt.sid != record.sid:
            return False
        campaign, contact, now_ms = await self._about(attempt)
        if campaign is None or contact is None or not _follows(contact, attempt):
            return False
        canceled = campaign.state == "canceled"
        outcome = decide_outcome(campaign.spec, attempt, record, canceled=canceled).outcome
        if outcome in _AGAIN:
            return False
        log.info("attempt was settled without its record", attempt=attempt.id, outcome=outcome)
        if outcome != "callback":
            return await self._campaigns.finish_contact(campaign.id, contact.number, outcome)
        plan = replan(campaign.spec, contact, now_ms + (record.call_back_s or 0) * 1000)
        return await self._campaigns.call_back(campaign.id, contact.number, plan)

    async def _about(self, attempt: Attempt) -> tuple[Campaign | None, Contact | None, int]:
        return await asyncio.gather(
            self._campaigns.campaign(attempt.campaign),
            self._campaigns.contact(attempt.campaign, attempt.number),
            self._campaigns.now_ms(),
        )

    async def _decide(self, attempt: Attempt, record: Record | None) -> bool:
        campaign, contact, now_ms = await self._about(attempt)
        if campaign is None or contact is None:
            return False  # deleted meanwhile
        spec, canceled = campaign.spec, campaign.state == "canceled"
        if attempt.undialled and not attempt.unwanted and not canceled:
            return await self._give_back(attempt, spec, contact, now_ms)
        verdict = decide_outcome(spec, attempt, record, canceled=canceled)
        if record is not None and record.do_not_call:
            # It is there, unless Redis was away, and whoever kept it until it was back is no more.
            await self._campaigns.do_not_call(attempt.number, attempt.sid)
        plan = None
        if not canceled:
            plan = next_plan(
                spec,
                contact,
                verdict.outcome,
                now_ms,
                jitter=self._jitter(),
                call_back_s=record.call_back_s if record is not None else None,
                silent=verdict.silent,
            )
        settled = await self._campaigns.settle(
            attempt.id,
            verdict.outcome,
            plan,
            reason=verdict.reason,
            usd=cost_usd(spec, attempt, record),
        )
        if settled:
            log.info(
                "attempt settled", attempt=attempt.id, campaign=attempt.campaign,
                call_sid=attempt.sid, outcome=verdict.outcome, again=plan is not None,
            )  # fmt: skip
        return settled

    async def _give_back(
        self, attempt: Attempt, spec: CampaignSpec, contact: Contact, now_ms: int
    ) -> bool:
        """Nobody's telephone rang: it does not count. Not before the next opening, for it is at
        their end that calls are taken back."""
        delay_s = max(0, attempt.until_ms - now_ms) / 1000
        plan = plan_after(spec, contact, delay_s, now_ms)
        reason = "taken back at Twilio before it was dialled"
        given = await self._campaigns.void(attempt.id, attempt.token, plan, reason=reason)
        if given:
            log.info("attempt was given back", attempt=attempt.id, campaign=attempt.campaign)
        return given


def _follows(contact: Contact, attempt: Attempt) -> bool:
    """Whether the attempt is why its contact is to be called, or is being called, again."""
    if contact.state == "waiting":
        return (contact.attempt, contact.outcome) == (attempt.id, attempt.outcome)
    return contact.state == "live"


def _is_open(attempt: Attempt, record: Record | None) -> bool:
    """Whether more may come of a call's record."""
    if record is None:
        # Who was talked to has one; unless Redis was away, and its worker has it still.
        return attempt.status == "completed"
    return record.ended_ms is None
