"""What Twilio asks over HTTP: may this call come in, what happens next, and what it tells us.

Every answer is TwiML. What happens is decided in `bot.telephony.decision`; here it is looked up,
put into words, and given again when Twilio asks again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.dialog.types import Ended
from bot.metrics import Metrics
from bot.record import Record, now_ms
from bot.settings import Settings
from bot.store import Store, StoreUnavailable, Superseded

from . import decision as d
from . import twiml
from .address import NEXT_PATH, STATUS_PATH, STREAM_PATH, VOICE_PATH, Address
from .answers import Answer, Answers, direction_of
from .facts import gather
from .memory import SharedMemory
from .pending import load_pending
from .requests import Form, read_form
from .token import TTL_S

__all__ = ["Calls", "Webhooks"]

log = structlog.get_logger(__name__)

IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
_IDEMPOTENCY_TOKEN = re.compile(r"[\x21-\x7e]{1,128}")
# An answer holds a token: given again later than that it would only be refused.
ANSWER_TTL_S = TTL_S


class Calls(Protocol):
    """What the webhooks ask and tell the worker about its calls."""

    @property
    def active(self) -> int:
        """How many calls there are."""

    @property
    def draining(self) -> bool:
        """Whether the worker is to stop and takes no new call."""

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
        metrics: where refusals are counted.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        memory: SharedMemory,
        calls: Calls,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._address = Address(settings.public_url)
        self._store = store
        self._memory = memory
        self._calls = calls
        self._metrics = metrics
        self._answers = Answers(settings, clock)

    def routes(self) -> list[Route]:
        """The routes, for the app."""
        return [
            Route(VOICE_PATH, self.voice, methods=["POST"]),
            Route(NEXT_PATH, self.next, methods=["POST"]),
            Route(STATUS_PATH, self.status, methods=["POST"]),
            Route(STREAM_PATH, self.stream, methods=["POST"]),
        ]

    async def voice(self, request: Request) -> Response:
        """A call's first request: takes it, sends it elsewhere or refuses it."""
        hops = _count(request, "hop")

        async def answer(form: Form) -> Answer:
            try:
                record = await self._load(form)
            except StoreUnavailable:
                return await self._take_in(form, None, hops)
            if record is not None and record.generation:
                # Whoever sends a call here that has had a stream wants it to go on.
                return await self._go_on(form, record)
            return await self._take_in(form, record, hops)

        return await self._respond(request, answer)

    async def next(self, request: Request) -> Response:
        """What happens when a stream has ended or a verb is done."""
        waits = _count(request, "wait")

        async def answer(form: Form) -> Answer:
            self._calls.came_back(form.get("CallSid"))
            try:
                return await self._go_on(form, await self._load(form))
            except StoreUnavailable:
                decision = d.decide_without_record(
                    form.get("CallStatus"), form.get("DialCallStatus"), waits
                )
                return self._answers.render(decision, form, None)

        return await self._respond(request, answer)

    async def status(self, request: Request) -> Response:
        """Progress of a call."""
        form = await self._read(request)
        status = form.get("CallStatus")
        self._log(form, "status", status=status, sequence=form.get("SequenceNumber"))
        try:
            record = await self._load(form)
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
        return self._response(Answer(twiml.nothing(), ended), form)

    async def stream(self, request: Request) -> Response:
        """Events of a stream, errors among them."""
        form = await self._read(request)
        event, error = form.get("StreamEvent"), form.get("StreamError")[:200]
        if event == "stream-error":
            log.warning("stream error", call_sid=form.get("CallSid"), error=error)
        self._log(form, "stream", event=event, error=error, stream_sid=form.get("StreamSid"))
        return self._response(Answer(twiml.nothing()), form)

    # Deciding

    async def _take_in(self, form: Form, record: Record | None, hops: int) -> Answer:
        full = self._calls.active >= self._settings.max_calls
        decision = d.decide_voice(
            d.Load(full, self._calls.draining),
            direction_of(form),
            self._answers.bot(form).fallback_number,
            hops,
        )
        if isinstance(decision, d.Connect):
            record = record or self._new_record(form)
            await self._keep(record)
        else:
            self._metrics.calls_refused.labels("capacity").inc()
            log.warning(
                "call not taken", call_sid=form.get("CallSid"), instead=type(decision).__name__
            )
        return self._answers.render(decision, form, record)

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

    async def _load(self, form: Form) -> Record | None:
        """The call's record.

        Raises:
            StoreUnavailable: Redis is away, or just was.
        """
        if self._memory.away:
            raise StoreUnavailable("Redis has just failed")
        try:
            return await self._store.load(form.get("CallSid"))
        except StoreUnavailable:
            self._memory.set_away()
            raise

    async def _go_on(self, form: Form, record: Record | None) -> Answer:
        sid, status = form.get("CallSid"), form.get("CallStatus")
        facts = await gather(self._memory, record or Record(sid), status)
        decision = d.decide_next(facts, status, form.get("DialCallStatus"))
        log.info(
            "next", call_sid=sid, decision=type(decision).__name__,
            generation=facts.generation, reconnects=facts.reconnects,
        )  # fmt: skip
        return self._answers.render(decision, form, record)

    # Answering

    async def _respond(
        self, request: Request, answer: Callable[[Form], Awaitable[Answer]]
    ) -> Response:
        """Answer a signed request; the same answer when it is delivered again."""
        form = await self._read(request)
        given = request.headers.get(IDEMPOTENCY_HEADER, "")
        if not _IDEMPOTENCY_TOKEN.fullmatch(given):
            return self._response(await answer(form), form)
        asked = f"{request.url.path}?{request.url.query}"
        key = f"webhook:{form.get('CallSid')}:{given}:{asked}"
        if (document := await self._memory.recall(key)) is not None:
            return self._response(Answer(document), form)
        new = await answer(form)
        document = await self._memory.remember(key, new.document, ANSWER_TTL_S)
        return self._response(Answer(document, new.ended), form)

    def _response(self, answer: Answer, form: Form) -> Response:
        # The dialog's on_end may take its time: Twilio has its answer first.
        end = None
        if answer.ended is not None:
            end = BackgroundTask(self._calls.end, form.get("CallSid"), answer.ended)
        return Response(answer.document, media_type="text/xml", background=end)

    async def _read(self, request: Request) -> Form:
        try:
            return await read_form(request, self._address, self._settings.auth_tokens)
        except HTTPException as refusal:
            self._metrics.calls_refused.labels(f"webhook: {refusal.status_code}").inc()
            log.warning(
                "webhook refused", path=request.url.path, status=refusal.status_code,
                reason=refusal.detail,
            )  # fmt: skip
            raise

    def _log(self, form: Form, kind: str, **fields: str) -> None:
        sid = form.get("CallSid")
        self._store.append(sid, kind, now_ms(), **fields)
        self._let_go(sid)

    def _let_go(self, sid: str) -> None:
        """What we wrote of a call that another worker may hold need not be kept in memory."""
        if not self._calls.holds(sid):
            self._store.release(sid)

    def _new_record(self, form: Form) -> Record:
        bot = self._answers.bot(form)
        return Record(
            sid=form.get("CallSid"),
            account_sid=form.get("AccountSid"),
            from_number=form.get("From"),
            to_number=form.get("To"),
            direction=direction_of(form),
            status=form.get("CallStatus") or "ringing",
            dialog=bot.dialog,
            language=bot.language,
        )


def _count(request: Request, name: str) -> int:
    """A counter of our own in the query, which Twilio's signature covers."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
