"""What Twilio asks over HTTP: may this call come in, what happens next, and what it tells us.

Every answer is TwiML. What happens is decided in `bot.telephony.decision`; here it is looked up,
put into words, and given again when Twilio asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import structlog
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.campaign.calls import CampaignCalls
from bot.dialog.types import Ended
from bot.inbox import Command
from bot.metrics import Metrics
from bot.reaching import Outcome, Reaching
from bot.record import Record
from bot.settings import Settings
from bot.store import Store, StoreUnavailable

from . import decision as d
from . import twiml
from .address import AMD_PATH, NEXT_PATH, STATUS_PATH, STREAM_PATH, VOICE_PATH
from .answers import DIAL_STATUS, HOPS, WAITS, Answer, Answers
from .deliveries import Deliveries
from .facts import ASKED_TTL_S, Question, asked_key, gather, renumber
from .identity import CallIdentity
from .intake import Intake, Rooms, news_of, read_verdict
from .memory import SharedMemory
from .pending import load_pending
from .records import Records
from .requests import Form, read_attempt, read_count

__all__ = ["Calls", "Webhooks"]

log = structlog.get_logger(__name__)


class Calls(Rooms, Protocol):
    """What the webhooks ask and tell the worker about its calls."""

    def holds(self, sid: str) -> bool:
        """Whether the call's record is kept by this worker."""

    def came_back(self, sid: str) -> None:
        """Twilio has asked what comes next in the call."""

    async def end(self, sid: str, ended: Ended) -> None:
        """The call has ended: see to it, once over all workers. May be told more than once."""


class Webhooks:
    """The endpoints under `/twilio/` that speak HTTP.

    Args:
        settings: the public address, the auth tokens, and which bot answers which number.
        store: where calls are kept.
        memory: where answers given are remembered.
        calls: the worker's calls.
        reaching: the way to a call that another worker may hold.
        metrics: where refusals are counted.
        clock: seconds since the epoch.
        campaigns: what campaigns have to do with calls; None without campaigns.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        memory: SharedMemory,
        calls: Calls,
        reaching: Reaching,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
        *,
        campaigns: CampaignCalls | None = None,
    ) -> None:
        self._memory = memory
        self._calls = calls
        self._reaching = reaching
        self._campaigns = campaigns
        self._records = Records(store, memory, calls.holds)
        self._answers = Answers(settings, clock)
        self._deliveries = Deliveries(settings, memory, calls.end, metrics)
        arrivals = None if campaigns is None else campaigns.arrivals
        self._intake = Intake(
            settings, self._records, memory, calls, self._answers, metrics, arrivals
        )

    def routes(self) -> list[Route]:
        """The routes, for the app."""
        return [
            Route(VOICE_PATH, self.voice, methods=["POST"]),
            Route(NEXT_PATH, self.next, methods=["POST"]),
            Route(STATUS_PATH, self.status, methods=["POST"]),
            Route(AMD_PATH, self.amd, methods=["POST"]),
            Route(STREAM_PATH, self.stream, methods=["POST"]),
        ]

    async def voice(self, request: Request) -> Response:
        """A call's first request: takes it, sends it elsewhere or refuses it."""
        hops, attempt = read_count(request, HOPS), read_attempt(request)

        async def answer(form: Form, delivery: str) -> Answer:
            arrival = await self._intake.arrive(form, attempt)
            if arrival is not None and arrival.turned_away is not None:
                return await self._intake.turn_away(form, arrival)
            question = Question(delivery, form.get("CallStatus"))
            try:
                record = await self._records.load(form.get("CallSid"))
            except StoreUnavailable:
                if form.failed_at(NEXT_PATH):
                    return self._wait(form, question, 0)
                return await self._intake.take_in(form, None, hops, arrival)
            if record is not None and record.generation:
                # Whoever sends a call here that has had a stream wants it to go on.
                return await self._go_on(form, record, question)
            if arrival is None and record is None:
                arrival = await self._intake.call_back(form)
            return await self._intake.take_in(form, record, hops, arrival)

        return await self._deliveries.answer(request, answer)

    async def next(self, request: Request) -> Response:
        """What happens when a stream has ended or a verb is done."""
        waits, before = read_count(request, WAITS), request.query_params.get(DIAL_STATUS, "")

        async def answer(form: Form, delivery: str) -> Answer:
            sid = form.get("CallSid")
            self._calls.came_back(sid)
            dial_status = form.get("DialCallStatus") or before
            question = Question(delivery, form.get("CallStatus"), dial_status)
            try:
                return await self._go_on(form, await self._records.load(sid), question)
            except StoreUnavailable:
                return self._wait(form, question, waits)

        return await self._deliveries.answer(request, answer)

    async def status(self, request: Request) -> Response:
        """Progress of a call."""
        form = await self._deliveries.read(request)
        status, attempt = form.get("CallStatus"), read_attempt(request)
        if await self._deliveries.is_first(request, form):
            self._records.log(form, "status", status=status, sequence=form.get("SequenceNumber"))
        # The rest for a repetition too: whoever had the first may have died of it.
        noted = await self._note(form, attempt)
        try:
            record = await self._records.load(form.get("CallSid"))
        except StoreUnavailable:
            record = None
        ended = None
        if d.decide_status(record.status if record else "", status):
            if status in d.TERMINAL:
                ended = d.ended_by(status, load_pending(record.pending) if record else None)
            elif record is not None and record.generation == 0:
                # Later its record is its holder's to write.
                self._records.follow(record, status)
        then = None
        if attempt is not None and status in d.TERMINAL:
            then = BackgroundTask(self._settle, attempt, None if noted else form)
        return self._deliveries.respond(Answer(twiml.nothing(), ended), form, then)

    async def amd(self, request: Request) -> Response:
        """What answered an outbound call: a human, a machine, a fax.

        Source: https://www.twilio.com/docs/voice/answering-machine-detection. Twilio ignores the
        document; that it reached nobody it shows in its own log.
        """
        attempt = read_attempt(request)

        async def answer(form: Form, delivery: str) -> Answer:
            if not (answered_by := read_verdict(form)):
                raise HTTPException(400, "AnsweredBy is missing or no word")
            sid = form.get("CallSid")
            self._records.log(form, "amd", answered_by=answered_by)
            await self._note(form, attempt)
            reached = await self._reaching.reach(Command("amd", sid, answered_by=answered_by))
            if reached.outcome is Outcome.UNREACHED:
                raise HTTPException(503, "the call is not reached: its record is not written")
            return Answer(twiml.nothing())

        return await self._deliveries.answer(request, answer)

    async def stream(self, request: Request) -> Response:
        """Events of a stream, errors among them."""

        async def answer(form: Form, delivery: str) -> Answer:
            event, error = form.get("StreamEvent"), form.get("StreamError")[:200]
            if event == "stream-error":
                log.warning("stream error", call_sid=form.get("CallSid"), error=error)
            self._records.log(
                form, "stream", event=event, error=error, stream_sid=form.get("StreamSid")
            )
            return Answer(twiml.nothing())

        return await self._deliveries.answer(request, answer)

    # Deciding

    async def _go_on(self, form: Form, record: Record | None, question: Question) -> Answer:
        call = CallIdentity.of_form(form)
        if record is not None and record.generation:
            # Who had its stream is to know that it goes on.
            asked = asked_key(call.sid, record.generation)
            await self._memory.remember(asked, question.delivery, ASKED_TTL_S)
        bot = self._answers.bot(call)
        known = record or Record(call.sid)
        facts = await gather(self._memory, known, question, bot.fallback_number)
        decided = d.decide_next(facts, question.call_status, question.dial_status)
        decision = await renumber(self._memory, call.sid, decided, question)
        if isinstance(decision, d.Connect):
            self._calls.expect(call.sid, bot)
        elif record is not None and record.generation:
            await self._records.put_down(record)
        log.info(
            "next", call_sid=call.sid, decision=type(decision).__name__,
            generation=facts.generation, reconnects=facts.reconnects,
        )  # fmt: skip
        return self._answers.render(decision, call, record)

    def _wait(self, form: Form, question: Question, waits: int) -> Answer:
        """The record is not to be had, which does not mean that there is none."""
        decision = d.decide_without_record(question.call_status, question.dial_status, waits)
        return self._answers.render(decision, CallIdentity.of_form(form), None)

    # Campaigns

    async def _note(self, form: Form, attempt: str | None) -> bool:
        """Tell a campaign what Twilio says of its call; false when Redis does not take it."""
        if attempt is None or self._campaigns is None:
            return True
        if self._memory.away:
            return False
        return await self._campaigns.arrivals.note(attempt, news_of(form))

    async def _settle(self, attempt: str, untold: Form | None) -> None:
        """Tell a campaign that its call is over, even if it never had a stream.

        `untold` is what Redis has not taken yet.
        """
        if self._campaigns is None:
            return
        if untold is not None:
            await self._campaigns.arrivals.note_again(attempt, news_of(untold))
        await self._campaigns.endings.settle(attempt)
