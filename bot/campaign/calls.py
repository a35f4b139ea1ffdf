"""Calls of campaigns as a worker carries them: their dialogs, and what they mean to a campaign."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

import structlog

from bot.dialog.hook import Dialog, DialogFactory
from bot.dialog.types import DialogError
from bot.numbers import PHONE_NUMBER
from bot.record import Record
from bot.redis_link import StoreUnavailable
from bot.settings import Settings

from .arriving import DEADLINE_S, Arrivals, CallNews, furnish
from .ending import Endings
from .guard import GuardedDialog, refusals_of
from .listing import Listing
from .loading import CampaignDialogs, Speechless
from .notebook import Notebook
from .pausing import tell_paused
from .refusal import FALLBACK
from .settling import Settling
from .spec import CampaignSpec
from .store import CampaignStore

__all__ = ["CampaignCalls"]

log = structlog.get_logger(__name__)

_NUMBER = re.compile(PHONE_NUMBER)
WITHHELD = {"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"}
"""What Twilio gives for callers without a number: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and
UNAVAILABLE on a telephone's keys."""
USUAL_DIGIT: str = CampaignSpec.model_fields["do_not_call_digit"].default
MAX_KNOWN = 256
"""So many campaigns' specs are kept; they never change."""


class CampaignCalls:
    """What a worker's calls have to do with campaigns.

    Args:
        settings: the process's.
        store: the campaigns'.
        settling: decides about attempts.
        dialogs: of the deployment's own numbers, by name.
        load: finds another dialog by its name; may take long, and raise `DialogError`.
        deadline_s: how long a call may wait for what is known of it.

    Attributes:
        arrivals: for who is asked what a call gets.
        endings: for who sees a call end.
        listing: to the do-not-call list; run, as `endings`, as long as the worker does.
    """

    def __init__(
        self,
        settings: Settings,
        store: CampaignStore,
        settling: Settling,
        dialogs: Mapping[str, DialogFactory],
        load: Callable[[str], DialogFactory],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._settings = settings
        self._store = store
        self._dialogs = CampaignDialogs(dialogs, load)
        self._specs: OrderedDict[str, CampaignSpec] = OrderedDict()
        # By call: why it is not to go on, as it was learnt when its stream had come.
        self._turned_away: OrderedDict[str, str] = OrderedDict()
        self.arrivals = Arrivals(store, deadline_s)
        self.endings = Endings(store, settling)
        self.listing = Listing(store, Notebook(settings.state_dir))
        # Now, and not in the first call: it takes longer than a frame of audio.
        refusals_of(FALLBACK)

    async def prepare(self, record: Record) -> None:
        """Have at hand what `dialog` and `spec` give for a call; it is about to be carried.

        What fails is logged: a call goes on without it.
        """
        if record.attempt is None:
            return
        for step in (self._learn, self._load):
            try:
                await step(record)
            except StoreUnavailable:
                log.warning("campaign of the call not known", attempt=record.attempt)
            except Exception as error:
                # A spec that a newer version has written, for one.
                log.error("call of a campaign not prepared", attempt=record.attempt, exc_info=error)

    def spec(self, record: Record) -> CampaignSpec | None:
        """The campaign that has made the call, or was called back by it; None for other calls."""
        return None if record.campaign is None else self._specs.get(record.campaign)

    def dialog(self, record: Record, name: str) -> Dialog:
        """The dialog of a call that was prepared, and who hears that it is not wanted.

        Args:
            name: of the dialog of its number, for calls that belong to no campaign.

        Raises:
            Exception: whatever the user's code does, which makes a dialog for each call.
        """
        if (reason := self._turned_away.pop(record.sid, None)) is not None:
            return Speechless("", reason).dialog()
        wanted = record.dialog if record.attempt is not None and record.dialog else name
        make = self._dialogs.get(wanted)
        if make is None and record.direction == "inbound":
            make = self._dialogs.get(name)
        make = make or Speechless(self._settings.farewell).dialog
        return GuardedDialog(
            make(),
            record,
            self._refuse,
            hears=self._settings.do_not_call,
            digit=self._digit(record),
        )

    def _digit(self, record: Record) -> str | None:
        """The key with which a call's person asks not to be called."""
        if (spec := self.spec(record)) is not None:
            return spec.do_not_call_digit
        if record.attempt is None:
            return self._settings.do_not_call_digit
        # Redis was away: most campaigns have the usual one.
        return USUAL_DIGIT if record.direction == "outbound" else None

    async def _learn(self, record: Record) -> None:
        """Look up the campaign of a call, unless it is known here."""
        if (
            record.campaign is None
            and record.attempt is not None
            and record.direction == "outbound"
        ):
            # Redis was away when Twilio asked for it.
            news = CallNews(sid=record.sid, status="in-progress")
            arrival = await self.arrivals.arrive(record.attempt, news)
            if arrival.turned_away is not None:
                self._turned_away[record.sid] = arrival.turned_away.reason
                if len(self._turned_away) > MAX_KNOWN:
                    self._turned_away.popitem(last=False)
            furnish(record, arrival, self._settings.bot_for(record.from_number))
        name = record.campaign
        if name is None or name in self._specs:
            return
        if (known := await self._store.campaign(name)) is not None:
            self._specs[name] = known.spec
            if len(self._specs) > MAX_KNOWN:
                self._specs.popitem(last=False)

    async def _load(self, record: Record) -> None:
        """Have the dialog of a call's campaign loaded."""
        if not record.dialog:
            return
        try:
            await self._dialogs.load(record.dialog)
        except DialogError as error:
            log.error("dialog of the campaign cannot be loaded", exc_info=error)
            await self._pause(record, str(error))

    async def _pause(self, record: Record, reason: str) -> None:
        """Nobody else is to be called whom nobody could talk to."""
        if record.campaign is not None and record.direction == "outbound":
            try:
                paused = await self._store.change(
                    record.campaign, "paused", allowed=("running",), reason=reason
                )
            except StoreUnavailable:
                log.warning("campaign not paused", campaign=record.campaign)
            else:
                if paused is not None:
                    tell_paused(record.campaign, reason)

    async def _refuse(self, record: Record) -> bool:
        """Put a call's person on the do-not-call list; false when their number is not known."""
        number = record.from_number if record.direction == "inbound" else record.to_number
        if not _NUMBER.fullmatch(number) or number in WITHHELD:
            record.notes.append("do not call: the person's number is not known")
            return False
        if not await self.listing.add(number, record.sid):
            record.notes.append("the do-not-call request waited for Redis")
        return True
