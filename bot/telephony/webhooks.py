"""What Twilio asks over HTTP: may this call come in, what happens next, and what it tells us.

Every answer is TwiML. What happens is decided in `bot.telephony.decision`; here it is looked up,
put into words, and given again when Twilio asks again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.dialog.types import Ended
from bot.inbox import Command
from bot.metrics import Metrics
from bot.numbers import BotSettings
from bot.reaching import Outcome, Reaching
from bot.record import Record, now_ms
from bot.settings import Settings
from bot.store import Store, StoreUnavailable, Superseded

from . import decision as d
from . import twiml
from .address import AMD_PATH, NEXT_PATH, STATUS_PATH, STREAM_PATH, VOICE_PATH
from .answers import DIAL_STATUS, HOPS, WAITS, Answer, Answers
from .deliveries import Deliveries
from .facts import ASKED_TTL_S, Question, asked_key, gather, renumber
from .identity import CallIdentity
from .memory import SharedMemory
from .pending import load_pending
from .requests import Form, read_count

__all__ = ["Calls", "Webhooks"]

log = structlog.get_logger(__name__)

_ANSWERED_BY = re.compile(r"[a-z_]{1,32}", re.ASCII)


class Calls(Protocol):
    """What the webhooks ask and tell the worker about its calls."""

    @property
    def active(self) -> int:
        """How many calls there are, those included whose stream is expected."""

    @property
    def draining(self) -> bool:
        """Whether the worker is to stop and takes no new call."""

    def holds(self, sid: str) -> bool:
        """Whether the call's record is kept by this worker."""

    def recognizer_full(self, bot: BotSettings) -> bool:
        """Whether a bot's recognizers take no more calls than they have."""

    def expect(self, sid: str, bot: BotSettings) -> None:
        """The call was answered with a stream, which may come to this worker: keep it a place."""

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
    ) -> None:
        self._settings = settings
        self._store = store
        self._memory = memory
        self._calls = calls
        self._reaching = reaching
        self._metrics = metrics
        self._answers = Answers(settings, clock)
        self._deliveries = Deliveries(settings, memory, calls.end, metrics)

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
        hops = read_count(request, HOPS)

        async def answer(form: Form, delivery: str) -> Answer:
            try:
                record = await self._load(form.get("CallSid"))
            except StoreUnavailable:
                if form.failed_at(NEXT_PATH):
                    return self._wait(form, Question(delivery, form.get("CallStatus")), 0)
                return await self._take_in(form, None, hops)
            if record is not None and record.generation:
                # Whoever sends a call here that has had a stream wants it to go on.
                return await self._go_on(form, record, Question(delivery, form.get("CallStatus")))
            return await self._take_in(form, record, hops)

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
                return await self._go_on(form, await self._load(sid), question)
            except StoreUnavailable:
                return self._wait(form, question, waits)

        return await self._deliveries.answer(request, answer)

    async def status(self, request: Request) -> Response:
        """Progress of a call."""
        form = await self._deliveries.read(request)
        status = form.get("CallStatus")
        if await self._deliveries.is_first(request, form):
            self._log(form, "status", status=status, sequence=form.get("SequenceNumber"))
        # The rest for a repetition too: whoever had the first may have died of it.
        try:
            record = await self._load(form.get("CallSid"))
        except StoreUnavailable:
            record = None
        ended = None
        if d.decide_status(record.status if record else "", status):
            if status in d.TERMINAL:
                ended = d.ended_by(status, load_pending(record.pending) if record else None)
            elif record is not None and record.generation == 0:
                # Nobody holds it yet; later its record is its holder's to write.
                record.status = status
                self._store.save(record)
                self._let_go(record.sid)
        return self._deliveries.respond(Answer(twiml.nothing(), ended), form)

    async def amd(self, request: Request) -> Response:
        """What answered an outbound call: a human, a machine, a fax.

        Source: https://www.twilio.com/docs/voice/answering-machine-detection. Twilio ignores the
        document; that it reached nobody it shows in its own log.
        """

        async def answer(form: Form, delivery: str) -> Answer:
            answered_by = form.get("AnsweredBy")
            if not _ANSWERED_BY.fullmatch(answered_by):
                raise HTTPException(400, "AnsweredBy is missing or no word")
            sid = form.get("CallSid")
            self._log(form, "amd", answered_by=answered_by)
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
            self._log(form, "stream", event=event, error=error, stream_sid=form.get("StreamSid"))
            return Answer(twiml.nothing())

        return await self._deliveries.answer(request, answer)

    # Deciding

    async def _take_in(self, form: Form, record: Record | None, hops: int) -> Answer:
        call = CallIdentity.of_form(form)
        bot = self._answers.bot(call)
        full = self._calls.active >= self._settings.max_calls
        full = full or self._calls.recognizer_full(bot)
        decision = d.decide_voice(
            d.Load(full, self._calls.draining),
            hops,
            self._settings.overflow,
            fallback_number=bot.fallback_number,
            answered=call.direction == "outbound" or form.get("CallStatus") == "in-progress",
        )
        if isinstance(decision, d.Connect):
            # At once: others are answered while this one is being kept.
            self._calls.expect(call.sid, bot)
            record = record or self._new_record(call, form.get("CallStatus"))
            await self._keep(record)
        else:
            self._metrics.calls_refused.labels("capacity").inc()
            log.warning("call not taken", call_sid=call.sid, instead=type(decision).__name__)
        return self._answers.render(decision, call, record)

    async def _keep(self, record: Record) -> None:
        """Keep a new call, at once if Redis is there: any worker may get the stream."""
        try:
            if self._memory.away:
                self._store.save(record)
            else:
                await self._store.commit(record)
        except StoreUnavailable:
            log.warning("call taken without Redis", call_sid=record.sid)
        except Superseded:
            log.info("call has a stream already", call_sid=record.sid)
        self._let_go(record.sid)

    async def _load(self, sid: str) -> Record | None:
        """The call's record.

        Raises:
            StoreUnavailable: Redis is away, or just was.
        """
        if self._memory.away:
            raise StoreUnavailable("Redis has just failed")
        try:
            return await self._store.load(sid)
        except StoreUnavailable:
            self._memory.set_away()
            raise

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
            await self._put_down(record)
        log.info(
            "next", call_sid=call.sid, decision=type(decision).__name__,
            generation=facts.generation, reconnects=facts.reconnects,
        )  # fmt: skip
        return self._answers.render(decision, call, record)

    def _wait(self, form: Form, question: Question, waits: int) -> Answer:
        """The record is not to be had, which does not mean that there is none."""
        decision = d.decide_without_record(question.call_status, question.dial_status, waits)
        return self._answers.render(decision, CallIdentity.of_form(form), None)

    async def _put_down(self, record: Record) -> None:
        """The call goes on without a stream: the end of who had it must not redirect it."""
        try:
            await self._store.leases.put_down(record.sid, record.generation)
        except StoreUnavailable:
            self._memory.set_away()

    # Writing

    def _log(self, form: Form, kind: str, **fields: Any) -> None:
        sid = form.get("CallSid")
        self._store.append(sid, kind, now_ms(), **fields)
        self._let_go(sid)

    def _let_go(self, sid: str) -> None:
        """What we wrote of a call that another worker may hold need not be kept in memory."""
        if not self._calls.holds(sid):
            self._store.release(sid)

    def _new_record(self, call: CallIdentity, status: str) -> Record:
        bot = self._answers.bot(call)
        return Record(
            sid=call.sid,
            account_sid=call.account_sid,
            from_number=call.from_number,
            to_number=call.to_number,
            direction=call.direction,
            status=status or "ringing",
            dialog=bot.dialog,
            language=bot.language,
        )
