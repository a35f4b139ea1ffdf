"""What the webhooks learn of a call: whether a campaign has made it, or was called back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bot.dialog.types import Ended
from bot.numbers import BotSettings
from bot.record import Record
from bot.redis_link import StoreUnavailable
from bot.telephony.identity import CallIdentity

from .outcome import FAX, VOICEMAIL, Unwelcome, is_machine
from .phone import number_of
from .store import CampaignStore
from .types import Attempt, Campaign, Contact

__all__ = ["DEADLINE_S", "Arrival", "Arrivals", "CallNews", "furnish"]

log = structlog.get_logger(__name__)

T = TypeVar("T")

DEADLINE_S = 0.3
"""Somebody hears nothing, or only ringing, until it is known."""
DAY_MS = 86_400_000
CALL_BACK_DAYS = 7
"""So long after a call of a campaign that is over a call from there is one about it."""
AGAIN_S = (0.5, 1.0, 2.0, 4.0)
NONE_FOR_S = 5.0
SOME_FOR_S = 60.0
"""So long a worker takes it that there is still no campaign to call back, or still one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNews:
    """What Twilio says of an attempt's call.

    Attributes:
        status: CallStatus.
        duration_s, minutes: CallDuration, and Duration, which is billed; of a call that is over.
        answered_by: AnsweredBy.
        reason: why it has failed, in words.
    """

    sid: str
    status: str = ""
    duration_s: int | None = None
    minutes: int | None = None
    answered_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call of a campaign.

    Attributes:
        attempt: the id of the attempt that it is, or calls back.
        campaign, contact: None while Redis is away, and nobody knows.
        answered_by: what has answered, if Twilio has said so before anybody spoke.
        turned_away: how it ends at once; None when it goes on.
    """

    attempt: str
    campaign: Campaign | None = None
    contact: Contact | None = None
    answered_by: str = ""
    turned_away: Ended | None = None


class Arrivals:
    """Looks up to which campaign a call belongs.

    Args:
        store: the campaigns'.
        deadline_s: how long a call may wait for that.
    """

    def __init__(self, store: CampaignStore, deadline_s: float = DEADLINE_S) -> None:
        self._store = store
        self._deadline_s = deadline_s
        self._none = False
        self._look_again_s = 0.0

    async def arrive(self, attempt_id: str, news: CallNews) -> Arrival:
        """The call of an attempt wants its first document.

        Without Redis it goes on as a call of its number; what was not noted, others note later.
        """
        try:
            return await self._within(self._arrive(attempt_id, news))
        except StoreUnavailable:
            log.warning("attempt not noted", attempt=attempt_id, call_sid=news.sid)
            return Arrival(attempt_id, answered_by=news.answered_by)

    async def note(self, attempt_id: str, news: CallNews) -> bool:
        """Something was said of an attempt's call; false when it could not be noted."""
        try:
            attempt = await self._within(self._note(attempt_id, news))
        except StoreUnavailable:
            log.warning("attempt not noted", attempt=attempt_id, call_sid=news.sid)
            return False
        if attempt is None or attempt.sid != news.sid:
            log.warning("call is not its attempt's", attempt=attempt_id, call_sid=news.sid)
        return True

    async def note_again(self, attempt_id: str, news: CallNews) -> None:
        """Try some more to note what Twilio says once: without it, it is asked much later."""
        for pause_s in AGAIN_S:
            await asyncio.sleep(pause_s)
            if await self.note(attempt_id, news):
                return

    async def call_back(self, call: CallIdentity) -> Arrival | None:
        """The attempt that an inbound call calls back; None when it calls none back, or without
        Redis."""
        now_s = asyncio.get_running_loop().time()
        if call.direction != "inbound" or (self._none and now_s < self._look_again_s):
            return None
        try:
            return await self._within(self._find_called(call, now_s))
        except StoreUnavailable:
            return None

    async def _arrive(self, attempt_id: str, news: CallNews) -> Arrival:
        attempt = await self._note(attempt_id, news)
        if attempt is None:
            return _away(attempt_id, "no such attempt")
        if attempt.sid != news.sid:
            return _away(attempt_id, "the attempt has another call")
        if attempt.state in ("void", "settled"):
            # It was given up, and its contact has another call by now, or will have.
            return _away(attempt_id, "the attempt was given up")
        campaign, contact = await self._people(attempt)
        if campaign is None or campaign.state == "canceled":
            return _away(attempt_id, "campaign canceled")
        if attempt.unwanted:
            return _away(attempt_id, "they asked not to be called")
        if contact is not None and contact.state == "done" and attempt.state == "placed":
            # It was given up, and what became of its contact is decided.
            return _away(attempt_id, "the contact is done")
        # Machine detection may have said so before the call was sent on to this worker.
        turned_away, answered_by = None, news.answered_by or attempt.answered_by
        if answered_by == FAX:
            turned_away = Ended("bot", FAX)
        elif is_machine(answered_by) and campaign.spec.voicemail == "hang_up":
            turned_away = Ended("bot", VOICEMAIL)
        return Arrival(attempt_id, campaign, contact, answered_by, turned_away)

    async def _find_called(self, call: CallIdentity, now_s: float) -> Arrival | None:
        # As campaigns dial it: a network may write its numbers in another way.
        number = number_of(call.from_number) or call.from_number
        attempt = await self._store.last_called(number, call.to_number)
        if attempt is None:
            if now_s >= self._look_again_s:
                self._none = not await self._store.any_campaign()
                self._look_again_s = now_s + (NONE_FOR_S if self._none else SOME_FOR_S)
            return None
        campaign, contact = await self._people(attempt)
        if campaign is None or contact is None:
            return None
        if campaign.state in ("done", "canceled"):
            age_ms = await self._store.now_ms() - attempt.claimed_ms
            if age_ms > CALL_BACK_DAYS * DAY_MS:
                return None
        return Arrival(attempt.id, campaign, contact)

    async def _note(self, attempt_id: str, news: CallNews) -> Attempt | None:
        return await self._store.note(
            attempt_id,
            sid=news.sid,
            status=news.status,
            duration_s=news.duration_s,
            minutes=news.minutes,
            answered_by=news.answered_by,
            reason=news.reason,
        )

    async def _people(self, attempt: Attempt) -> tuple[Campaign | None, Contact | None]:
        return await asyncio.gather(
            self._store.campaign(attempt.campaign),
            self._store.contact(attempt.campaign, attempt.number),
        )

    async def _within(self, question: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await question
        except TimeoutError:
            raise StoreUnavailable("Redis: too slow for a call that waits") from None
        except StoreUnavailable:
            raise
        except Exception as error:
            # Whatever is wrong with a campaign, no call is lost for it, least of all one of others.
            log.exception("campaigns cannot be looked up")
            raise StoreUnavailable("Redis: what it has cannot be read") from error


def furnish(record: Record, arrival: Arrival, bot: BotSettings) -> None:
    """Note in a new call's record that it is a campaign's, and what its dialog is to know."""
    record.attempt = arrival.attempt
    record.answered_by = arrival.answered_by or record.answered_by
    campaign, contact = arrival.campaign, arrival.contact
    if campaign is None:
        return
    spec = campaign.spec
    record.campaign = campaign.id
    record.dialog = spec.dialog or bot.dialog
    language = contact.language if contact is not None else ""
    record.language = language or spec.language or bot.language
    variables = contact.variables if contact is not None else {}
    name = contact.name if contact is not None else ""
    record.parameters = {**record.parameters, **variables, "name": name, "campaign": spec.name}
    if record.direction == "inbound":
        record.parameters["called_back"] = "yes"


def _away(attempt_id: str, reason: Unwelcome) -> Arrival:
    return Arrival(attempt_id, turned_away=Ended("bot", reason))
