"""New calls: whether they are taken, and what is kept of them from the beginning."""

from __future__ import annotations

import re
from typing import Protocol

import structlog

from bot.campaign.arriving import Arrival, Arrivals, CallNews, furnish
from bot.metrics import Metrics
from bot.numbers import BotSettings
from bot.record import Record
from bot.settings import Settings

from . import decision as d
from . import twiml
from .answers import Answer, Answers
from .identity import CallIdentity
from .memory import SharedMemory
from .records import Records
from .requests import Form

__all__ = ["Intake", "Rooms", "news_of", "read_verdict"]

log = structlog.get_logger(__name__)

_ANSWERED_BY = re.compile(r"[a-z_]{1,32}", re.ASCII)


class Rooms(Protocol):
    """What is asked about the worker's room for calls."""

    @property
    def active(self) -> int:
        """How many calls there are, those included whose stream is expected."""

    @property
    def draining(self) -> bool:
        """Whether the worker is to stop and takes no new call."""

    def recognizer_full(self, bot: BotSettings) -> bool:
        """Whether a bot's recognizers take no more calls than they have."""

    def expect(self, sid: str, bot: BotSettings, *, dialled: bool = False) -> None:
        """The call was answered with a stream, which may come to this worker: keep it a place.

        `dialled` by a campaign, which has counted it.
        """


class Intake:
    """Takes new calls, sends them elsewhere or refuses them.

    Args:
        settings: how many calls there may be, and which bot answers which number.
        records: where calls are kept.
        memory: knows whether Redis has just failed.
        rooms: the worker's.
        answers: puts decisions into words.
        metrics: where refusals are counted.
        arrivals: what campaigns have to do with a call; None without campaigns.
    """

    def __init__(
        self,
        settings: Settings,
        records: Records,
        memory: SharedMemory,
        rooms: Rooms,
        answers: Answers,
        metrics: Metrics,
        arrivals: Arrivals | None,
    ) -> None:
        self._settings = settings
        self._records = records
        self._memory = memory
        self._rooms = rooms
        self._answers = answers
        self._metrics = metrics
        self._arrivals = arrivals

    async def arrive(self, form: Form, attempt: str | None) -> Arrival | None:
        """What the campaign says whose attempt the call is; None if it is nobody's."""
        if attempt is None or self._arrivals is None:
            return None
        if self._memory.away:
            return Arrival(attempt, answered_by=read_verdict(form))
        return await self._arrivals.arrive(attempt, news_of(form))

    async def call_back(self, form: Form) -> Arrival | None:
        """The attempt that a call calls back; None if it calls none back."""
        if self._arrivals is None or self._memory.away:
            return None
        return await self._arrivals.call_back(CallIdentity.of_form(form))

    async def turn_away(self, form: Form, arrival: Arrival) -> Answer:
        """Hang up on a campaign's call that is not to go on."""
        log.info("campaign's call turned away", attempt=arrival.attempt, ended=arrival.turned_away)
        if arrival.campaign is not None:
            await self._records.keep(self._record(form, None, arrival))
        return Answer(twiml.hang_up(), arrival.turned_away)

    async def take_in(
        self, form: Form, record: Record | None, hops: int, arrival: Arrival | None
    ) -> Answer:
        """Decide about a call that has had no stream yet."""
        call = CallIdentity.of_form(form)
        record = self._record(form, record, arrival)
        bot = self._answers.bot(call).model_copy(update={"language": record.language})
        full = self._rooms.active >= self._settings.max_calls
        full = full or self._rooms.recognizer_full(bot)
        decision = d.decide_voice(
            d.Load(full, self._rooms.draining),
            hops,
            self._settings.overflow,
            # Whom a campaign has called did not ask to be put through to anybody.
            fallback_number=None if record.by_campaign else bot.fallback_number,
            answered=call.direction == "outbound" or form.get("CallStatus") == "in-progress",
        )
        if isinstance(decision, d.Connect):
            # At once: others are answered while this one is being kept.
            self._rooms.expect(call.sid, bot, dialled=record.by_campaign)
            await self._records.keep(record)
        else:
            self._metrics.calls_refused.labels("capacity").inc()
            log.warning("call not taken", call_sid=call.sid, instead=type(decision).__name__)
            if record.attempt is not None and not isinstance(decision, d.Redirect):
                # The campaign is to know that it was we who did not talk.
                await self._records.keep(record)
        return self._answers.render(decision, call, record)

    def _record(self, form: Form, record: Record | None, arrival: Arrival | None) -> Record:
        call = CallIdentity.of_form(form)
        bot = self._answers.bot(call)
        record = record or Record(
            sid=call.sid,
            account_sid=call.account_sid,
            from_number=call.from_number,
            to_number=call.to_number,
            direction=call.direction,
            status=form.get("CallStatus") or "ringing",
            dialog=bot.dialog,
            language=bot.language,
        )
        if arrival is not None:
            furnish(record, arrival, bot)
        return record


def news_of(form: Form) -> CallNews:
    """What a request says of an attempt's call.

    Source: https://www.twilio.com/docs/voice/api/call-resource#statuscallback.
    """
    status, sip = form.get("CallStatus"), form.get("SipResponseCode")
    return CallNews(
        sid=form.get("CallSid"),
        status=status,
        duration_s=_count(form.get("CallDuration")),
        minutes=_count(form.get("Duration")),
        answered_by=read_verdict(form),
        reason=f"SIP {sip}" if status == "failed" and _count(sip) is not None else "",
    )


def read_verdict(form: Form) -> str:
    """What has answered, in Twilio's word; empty if it does not say."""
    answered_by = form.get("AnsweredBy")
    return answered_by if _ANSWERED_BY.fullmatch(answered_by) else ""


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
