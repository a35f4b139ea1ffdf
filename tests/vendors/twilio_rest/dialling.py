"""Dials the calls that REST asks for: one after another, as fast as the account may."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.phone.artifacts import stereo
from bot.phone.balancer import Balancer
from bot.phone.call import answer_call_by
from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.phone.outbound import Outbound
from bot.phone.speech import SAMPLES_PER_MS
from bot.phone.steps import Play, Step
from bot.phone.tape import Tape
from bot.phone.twiml import Hangup, Reject, Request, TwimlError
from bot.phone.webhook import Webhooks
from media.files import write_wav

from .detection import Verdict, verdict_of
from .ledger import Entry, Ledger
from .meddling import Meddling
from .order import Order
from .outbound import OutboundCall
from .people import ANSWERING, People, Person, left_after
from .problem import Problem
from .progress import CallProgress
from .recording import Recording

__all__ = ["Dialling", "DiallingConfig"]

_REASONS = {
    21211: "Invalid 'To' Phone Number: {to}",
    21215: "Account not authorized to call {to}",
    21216: "Account not allowed to call {to}",
}
REQUESTS = 20
"""How many callbacks there are at a time: each has a connection of its own."""
_SILENCE = b"\xff\x7f"


@dataclass(frozen=True, slots=True)
class DiallingConfig:
    """How calls are made.

    Attributes:
        phone: whose webhooks are asked, with which token, and at which speed everybody lives.
        per_second: how many calls leave the queue in a second; None: all at once.
        meddling: what happens to callbacks.
        folder: where the sound of each conversation is left, as SID.wav: whoever was called on the
            left, the bot on the right.
    """

    phone: PhoneConfig
    per_second: float | None = 1.0
    meddling: Meddling = field(default_factory=Meddling)
    folder: Path | None = None


class Dialling:
    """The queue and the telephones behind it. Dials inside its context only.

    Attributes:
        ledger: every call that was taken.
        recordings: of calls in progress or over, by their SIDs.
        per_second: may be set at any time.
    """

    def __init__(self, config: DiallingConfig, people: People, exchange: Exchange) -> None:
        self.ledger = Ledger()
        self.recordings: dict[str, list[Recording]] = {}
        self.per_second = config.per_second
        self.people = people
        self._config = config
        self._exchange = exchange
        self._waiting: deque[OutboundCall] = deque()
        self._news = asyncio.Event()
        self._balancer = Balancer(config.phone.public_url, config.phone.addresses)
        self._webhooks = Webhooks(self._balancer, config.phone.auth_token)
        self._at_once = asyncio.Semaphore(REQUESTS)
        self._calls = asyncio.TaskGroup()
        self._queue: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self._balancer.__aenter__()
        await self._calls.__aenter__()
        self._queue = self._calls.create_task(self._let_go())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everybody hangs up."""
        self._queue.cancel()
        for entry in self.ledger.values():
            if entry.call.ended_s is None:
                entry.call.complete()
        try:
            await self._calls.__aexit__(kind, error, trace)
        finally:
            await self._balancer.__aexit__(None, None, None)

    def take(self, account_sid: str, order: Order) -> OutboundCall:
        """Take a call into the queue.

        Raises:
            Problem: Twilio does not call this number.
        """
        person = self.people.next(order.to_number)
        if person.does == "unreachable":
            reason = _REASONS.get(person.code, "'To' phone number cannot be reached: {to}")
            raise Problem(400, person.code, reason.format(to=order.to_number))
        call = OutboundCall(account_sid, order, self._exchange, self._config.phone.speed)
        if self.per_second is not None:
            call.queue_time_ms = round(len(self._waiting) / self.per_second * 1000)
        entry = self.ledger.enter(call)
        self._waiting.append(call)
        self._news.set()
        self._calls.create_task(self._make(call, entry))
        return call

    async def _let_go(self) -> None:
        """Let one call after the other leave the queue."""
        while True:
            while self._waiting:
                call = self._waiting.popleft()
                if call.ended_s is not None:
                    continue
                call.turn.set()
                if self.per_second is not None:
                    await asyncio.sleep(1 / self.per_second)
            self._news.clear()
            await self._news.wait()

    async def _make(self, call: OutboundCall, entry: Entry) -> None:
        async with asyncio.TaskGroup() as callbacks:
            progress = CallProgress(
                self._webhooks, self._config.meddling, entry, callbacks, self._at_once
            )
            await call.turn.wait()
            if call.ended_s is None:
                person = self.people.call(call.to_number)
                entry.person = person.does
                await self._ring(call, person, entry, progress)
            progress.end()
        entry.over.set()

    async def _ring(
        self, call: OutboundCall, person: Person, entry: Entry, progress: CallProgress
    ) -> None:
        progress.step("initiated", "initiated")
        if person.does in ("failed", "busy"):
            # Nothing rings: that the network says so comes instead of it.
            await call.gone_within(person.ring_ms)
            call.over(person.does)
            return
        call.rings()
        progress.step("ringing", "ringing")
        answers = person.does in ANSWERING and person.ring_ms < call.order.ring_s * 1000
        if await call.gone_within(person.ring_ms if answers else call.order.ring_s * 1000):
            return
        if not answers:
            call.over("no-answer")
            return
        call.answered()
        if call.order.record:
            recording = Recording(call, call.order.channels, call.order.track, "OutboundAPI")
            self.recordings[call.sid] = [recording]
            progress.record(recording)
        progress.step("answered", "in-progress")
        await self._talk(call, person, entry, progress)

    async def _talk(
        self, call: OutboundCall, person: Person, entry: Entry, progress: CallProgress
    ) -> None:
        verdict = verdict_of(person, call.order)
        if verdict is None:
            await self._converse(call, person, entry, None)
        elif call.order.asynchronous:
            async with asyncio.TaskGroup() as tasks:
                detecting = tasks.create_task(self._detect(call, verdict, progress))
                await self._converse(call, person, entry, None)
                detecting.cancel()
        else:
            if not await call.gone_within(verdict.ms):
                call.answered_by = verdict.answered_by
                await self._converse(call, person, entry, verdict)

    async def _detect(self, call: OutboundCall, verdict: Verdict, progress: CallProgress) -> None:
        if not await call.gone_within(verdict.ms):
            call.answered_by = verdict.answered_by
            progress.verdict(verdict.params)

    async def _converse(
        self, call: OutboundCall, person: Person, entry: Entry, verdict: Verdict | None
    ) -> None:
        opening = verdict.params if verdict else {}
        if person.light:
            await self._listen(call, person, entry, opening)
            return
        steps = left_after(person.steps, verdict.ms) if verdict else person.steps
        if not steps:
            call.over("completed")
            return
        phone, limit_s = self._config.phone, call.order.limit_s
        if limit_s is not None:
            phone = replace(phone, max_call_s=min(phone.max_call_s, limit_s / phone.speed))
        entry.asked += 1
        outbound = Outbound(call.identity, call.order.source, opening)
        result = await answer_call_by(self._balancer, phone, steps, outbound, self._exchange)
        call.over(self._exchange.calls[call.sid].status)
        entry.faults += map(str, result.faults)
        entry.heard = result.traffic.streams > 0
        if self._config.folder is not None:
            await asyncio.to_thread(_keep, result.tape, self._config.folder / f"{call.sid}.wav")
        if person.does == "machine":
            entry.message = _message(result.tape, steps)

    async def _listen(
        self, call: OutboundCall, person: Person, entry: Entry, opening: dict[str, str]
    ) -> None:
        """Ask for the TwiML, and do nothing of it but hang up."""
        entry.asked += 1
        source = call.order.source
        if isinstance(source, Request):
            params = call.identity.webhook(call.status, **opening)
            try:
                async with self._at_once:
                    verbs = await self._webhooks.fetch(source, params)
            except TwimlError as error:
                entry.faults.append(str(error))
                verbs = [Hangup()]
            if verbs and isinstance(verbs[0], Hangup | Reject):
                call.over("completed")
                return
        entry.heard = True
        limit_s = call.order.limit_s
        await call.gone_within(min(person.light_ms, (limit_s or math.inf) * 1000))
        call.over("completed")


def _keep(tape: Tape, path: Path) -> None:
    with path.open("wb") as file:
        write_wav(file, stereo(tape), SAMPLES_PER_MS * 1000)


def _message(tape: Tape, steps: Sequence[Step]) -> bytes:
    """What the bot said after the machine's last clip, the beep; nothing if it was not reached."""
    clips = sum(isinstance(step, Play) for step in steps)
    if len(tape.steps) < clips:
        return b""
    since_ms = tape.steps[-1].span.end_ms if clips else 0
    return bytes(tape.bot[since_ms * SAMPLES_PER_MS :]).strip(_SILENCE)
